"""What each module of a causal language model of the transformers library gives for one row, by hooks on its tree.

The tree is searched and not assumed: the decoder's layers are the list of modules with the most weights, and what they
are made of is whatever they hold. Knows nothing of text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pytest_aprqa.core import EngineUnavailable
from pytest_aprqa.engines.readings import ModuleKind, ModuleTrace
from pytest_aprqa.engines.trace_statistics import describe

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

_KINDS = (
    (re.compile(r"norm|(^|\.)ln_?", re.IGNORECASE), ModuleKind.NORM),
    (re.compile(r"attn|attention|mixer|conv", re.IGNORECASE), ModuleKind.ATTENTION),
    (re.compile(r"mlp|ffn|feed_?forward|moe|experts", re.IGNORECASE), ModuleKind.MLP),
)
"""What names say, by the first that fits: ``post_attention_layernorm`` is a norm. What mixes tokens is attention."""


def trace_row(model: PreTrainedModel, row: Sequence[int], *, engine: str) -> tuple[ModuleTrace, ...]:
    """Statistics of each module's output for `row`, in the order in which the modules are done.

    A module that is run twice is there twice; one that is not run, or gives no tensor of numbers, is not there.

    Raises:
        EngineUnavailable: the architecture keeps no list of layers.
    """
    import torch

    traced: list[ModuleTrace] = []

    def record(name: str, kind: ModuleKind, _module: object, _inputs: object, output: object) -> None:
        if (values := _values(output)) is not None:
            traced.append(describe(name, kind, values))

    modules = interesting_modules(model, engine)
    hooks = [
        model.get_submodule(name).register_forward_hook(partial(record, name, kind)) for name, kind in modules.items()
    ]
    try:
        with torch.inference_mode():
            model(input_ids=torch.tensor([list(row)], device=model.device), use_cache=False)
    finally:
        for hook in hooks:
            hook.remove()
    return tuple(traced)


def interesting_modules(model: PreTrainedModel, engine: str) -> dict[str, ModuleKind]:
    """Name in the tree to kind: embedding, layers and their direct parts, the norm after them, and the head."""
    owner: Any = model
    names = {id(module): name for name, module in model.named_modules()}
    found: dict[str, ModuleKind] = {}
    if (embedding := names.get(id(owner.get_input_embeddings()))) is not None:
        found[embedding] = ModuleKind.EMBEDDING
    trunk = _layers_name(model, engine)
    for number, layer in model.get_submodule(trunk).named_children():
        for part, _ in layer.named_children():
            found[f"{trunk}.{number}.{part}"] = _kind(part)
        found[f"{trunk}.{number}"] = ModuleKind.LAYER
    above = trunk.rpartition(".")[0]
    for part, _ in model.get_submodule(above).named_children():
        if _kind(part) is ModuleKind.NORM:
            found[f"{above}.{part}".lstrip(".")] = ModuleKind.NORM
    if (head := names.get(id(owner.get_output_embeddings()))) is not None:
        found[head] = ModuleKind.HEAD
    return found


def _layers_name(model: PreTrainedModel, engine: str) -> str:
    from torch.nn import ModuleList

    lists = {name: module for name, module in model.named_modules() if isinstance(module, ModuleList)}
    if not lists:
        raise EngineUnavailable(
            engine,
            f"{type(model).__name__} keeps no list of layers whose parts could be traced",
            install="no package, for this architecture is not supported",
        )
    sizes: dict[str, int] = {
        name: sum(weights.numel() for weights in module.parameters()) for name, module in lists.items()
    }
    return max(sizes, key=lambda name: sizes[name])


def _kind(name: str) -> ModuleKind:
    """What a name says of its module.

    >>> [_kind(name).value for name in ("post_attention_layernorm", "ln_1", "c_attn", "mlp", "fc1")]
    ['norm', 'norm', 'attention', 'mlp', 'other']
    """
    return next((kind for pattern, kind in _KINDS if pattern.search(name)), ModuleKind.OTHER)


def _values(output: object) -> NDArray[np.float32] | None:
    """The output's first tensor, without its batch axis; None where it is no tensor of floating-point numbers."""
    first = _first_tensor(output)
    if first is None or not first.is_floating_point() or first.ndim == 0:
        return None
    array: NDArray[np.float32] = first.float().cpu().numpy()
    return array[0] if array.ndim > 2 and len(array) == 1 else array


def _first_tensor(output: object) -> torch.Tensor | None:
    import torch

    if isinstance(output, torch.Tensor):
        return output
    parts = tuple(output.values()) if isinstance(output, Mapping) else output
    return _first_tensor(parts[0]) if isinstance(parts, tuple | list) and parts else None
