"""What a causal language model of the transformers library computes on one row: logits and activations.

Knows nothing of text. Long rows go through the model in pieces over a cache, so that memory stays bounded: what the
library makes of one forward pass is several copies of (tokens, vocabulary).
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pytest_aprqa.core import EngineUnavailable

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

_PIECE_BYTES = 128 * 2**20
"""Logits of one piece, float32."""
_LAYERS = ("layers", "h", "blocks")
"""What the list of decoder layers is called: llama and its kin, gpt2 and its, mpt."""
_NORMS = ("norm", "ln_f", "final_layernorm", "final_layer_norm", "norm_f")
"""What the norm before the head is called."""


def row_logits(model: PreTrainedModel, row: Sequence[int], *, last_only: bool) -> NDArray[np.float32]:
    """Logits after each token of `row`, float32 (tokens, vocabulary); (1, vocabulary) where `last_only`."""
    import torch

    accepts = inspect.signature(model.forward).parameters
    ids = torch.tensor([list(row)], device=model.device)
    with torch.inference_mode():
        if last_only:
            kept = {"logits_to_keep": 1} if "logits_to_keep" in accepts else {}
            return _as_array(model(input_ids=ids, use_cache=False, **kept).logits[0, -1:])
        piece = max(1, _PIECE_BYTES // (4 * model.config.get_text_config().vocab_size))
        if len(row) <= piece or getattr(model, "_is_stateful", False):
            return _as_array(model(input_ids=ids, use_cache=False).logits[0])
        return _in_pieces(model, ids, piece)


def _in_pieces(model: PreTrainedModel, ids: torch.Tensor, piece: int) -> NDArray[np.float32]:
    from transformers import DynamicCache

    cache = DynamicCache(config=model.config)
    whole: NDArray[np.float32] | None = None
    for start in range(0, ids.shape[1], piece):
        output = model(input_ids=ids[:, start : start + piece], past_key_values=cache, use_cache=True)
        part = _as_array(output.logits[0])
        if whole is None:
            whole = np.empty((ids.shape[1], part.shape[1]), np.float32)
        whole[start : start + len(part)] = part
    assert whole is not None
    return whole


def row_activations(model: PreTrainedModel, row: Sequence[int], *, engine: str) -> dict[str, NDArray[np.float32]]:
    """What the embedding, each layer and the final norm give for `row`, each float32 (tokens, hidden).

    Raises:
        EngineUnavailable: the architecture keeps its layers where nobody looks for them.
    """
    import torch

    recorded: dict[str, NDArray[np.float32]] = {}
    hooks = [
        module.register_forward_hook(
            lambda _module, _inputs, output, name=name: recorded.update({name: _hidden(output)})
        )
        for name, module in _modules(model, engine).items()
    ]
    try:
        with torch.inference_mode():
            model(input_ids=torch.tensor([list(row)], device=model.device), use_cache=False)
    finally:
        for hook in hooks:
            hook.remove()
    return recorded


def _modules(model: PreTrainedModel, engine: str) -> dict[str, torch.nn.Module]:
    """Name to module, in the order of the computation."""
    decoder: Any = model.base_model
    if not any(hasattr(decoder, name) for name in _LAYERS) and hasattr(decoder, "decoder"):
        decoder = decoder.decoder
    layers = next((found for name in _LAYERS if (found := getattr(decoder, name, None)) is not None), None)
    norm = next((found for name in _NORMS if (found := getattr(decoder, name, None)) is not None), None)
    if layers is None or norm is None:
        raise EngineUnavailable(
            engine,
            f"the layers of {type(model).__name__} are not where its activations could be recorded",
            install="no package, for this architecture is not supported",
        )
    return {
        "embedding": model.get_input_embeddings(),
        **{f"layer.{number}": layer for number, layer in enumerate(layers)},
        "final_norm": norm,
    }


def _hidden(output: Any) -> NDArray[np.float32]:  # noqa: ANN401 - modules give a tensor, or a tuple that begins with one
    return _as_array((output[0] if isinstance(output, tuple) else output)[0])


def _as_array(values: torch.Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = values.float().cpu().numpy()
    return array
