"""Writes a model as APR: names and row order of Hugging Face, types as they are stored where APR has them.

Q4_K and Q6_K blocks are copied bit for bit, every other quantized type is decoded to float32. Nothing is quantized.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, Final

from numpy.typing import NDArray

from pytest_aprqa.conversion.config_apr import apr_config
from pytest_aprqa.conversion.names import EMBEDDING, HEAD
from pytest_aprqa.conversion.ready import body, require_family, require_tokenizer
from pytest_aprqa.conversion.stored import PLAIN, plain, stored_rows
from pytest_aprqa.conversion.tokenizer_keys import apr_tokenizer_keys
from pytest_aprqa.conversion.view import ModelView, TensorView
from pytest_aprqa.core import ArtefactError, Json, Quantization
from pytest_aprqa.formats.apr_write import AprTensor, write_apr

_COPIED: Final = frozenset({"Q4_K", "Q6_K"})

_BLOCKS_OF: Final = {Quantization.Q4_K_M: "Q4_K", Quantization.Q6_K: "Q6_K"}
"""What a file of this quantization mostly holds."""


def write_apr_model(view: ModelView, path: Path, quantization: Quantization | None) -> None:
    """Writes the model.

    Args:
        view: the source, of any format.
        path: the file to write.
        quantization: F32, F16 or BF16 for all matrices; Q4_K_M or Q6_K where the source has those blocks; None keeps
            each tensor's type where APR has it.

    Raises:
        ArtefactError: the model or its tokenizer cannot be said in APR, or would have to be quantized.
    """
    family = require_family(view)
    _require_blocks(view, quantization)
    tensors = [_tensor(tensor, quantization) for tensor in body(view)]
    if view.tied:
        # Aprender's engines look for a head of its own also where it is the embedding.
        head = view.tensors.get(HEAD, view.tensors[EMBEDDING])
        tensors.append(_tensor(head, quantization, name=HEAD))
    metadata = apr_config(view.config, tied=view.tied) | {
        "original_format": view.format.value,
        "param_count": sum(tensor.entry.values for tensor in body(view)),
    }
    metadata.setdefault("model_type", family.model_type)
    name = view.config.get("_name_or_path") or view.raw.get("general.name")
    metadata |= {"name": name} if isinstance(name, str) and name else {}
    metadata |= _quantization(tensors)
    shapes: dict[str, Json] = {
        tensor.name: list(tensor.shape) for tensor in sorted(tensors, key=lambda each: each.name)
    }
    metadata["tensor_shapes"] = shapes
    write_apr(path, metadata | apr_tokenizer_keys(require_tokenizer(view), family.architecture), tensors)


def _require_blocks(view: ModelView, quantization: Quantization | None) -> None:
    if quantization is None or quantization.value.upper() in PLAIN:
        return
    wanted = _BLOCKS_OF.get(quantization)
    if wanted is None or not any(tensor.entry.dtype == wanted for tensor in view.tensors.values()):
        found = sorted({tensor.entry.dtype for tensor in view.tensors.values()})
        raise ArtefactError(
            f"an APR file in {quantization} needs a source that has it: only blocks of a GGUF file are taken over, "
            "nothing is quantized",
            path=view.path,
            expected=f"tensors of {wanted}" if wanted else "f32, f16, bf16, q4_k_m or q6_k",
            found=", ".join(found)[:200],
        )


def _tensor(tensor: TensorView, quantization: Quantization | None, *, name: str | None = None) -> AprTensor:
    dtype = _dtype(tensor, quantization)
    if dtype in _COPIED:
        data = partial(stored_rows, tensor, interleave_heads=None)
        return AprTensor(name or tensor.name, dtype, tensor.shape, partial(_flat, data))
    return AprTensor(name or tensor.name, dtype, tensor.shape, partial(_bytes, tensor, dtype))


def _dtype(tensor: TensorView, quantization: Quantization | None) -> str:
    stored = tensor.entry.dtype
    if quantization is None or quantization in _BLOCKS_OF:
        kept = PLAIN if tensor.offset else PLAIN | _COPIED
        return stored if stored in kept else "F32"
    # Vectors lose digits in a narrow type and save nothing; those that are narrow already stay as they are.
    if len(tensor.shape) <= 1 and quantization is not Quantization.F32:
        return stored if stored in PLAIN else "F32"
    return quantization.value.upper()


def _bytes(tensor: TensorView, dtype: str) -> bytes:
    return plain(tensor.values(), dtype, tensor).tobytes()


def _flat(data: Any) -> NDArray[Any]:  # noqa: ANN401 - a partial has no better type
    flat: NDArray[Any] = data().reshape(-1)
    return flat


def _quantization(tensors: list[AprTensor]) -> dict[str, Json]:
    """The typed key of the format, where there are blocks."""
    blocks = {tensor.dtype for tensor in tensors} & _COPIED
    if not blocks:
        return {}
    main = min(blocks)
    bits = {"Q4_K": 4, "Q6_K": 6}[main]
    return {"quantization": {"quant_type": main.lower(), "bits": bits, "block_size": 256, "symmetric": main == "Q6_K"}}
