"""Writes a model as GGUF in a type that needs no quantizer of llama.cpp: F32, F16, BF16, Q8_0, or as it is stored.

Norms and vectors are float32, as llama.cpp wants them. What has blocks already keeps them where no type is asked for.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any, Final

import gguf
import numpy as np
from numpy.typing import NDArray

from pytest_aprqa.conversion.config_gguf import gguf_fields
from pytest_aprqa.conversion.configuration import head_count, layer_count
from pytest_aprqa.conversion.families import Family
from pytest_aprqa.conversion.names import EMBEDDING, is_norm, names_of, rotary_heads
from pytest_aprqa.conversion.ready import body, require_family, require_tokenizer
from pytest_aprqa.conversion.rope import rope_tensors
from pytest_aprqa.conversion.rows import interleaved
from pytest_aprqa.conversion.stored import PLAIN, plain, require_heads, stored_rows
from pytest_aprqa.conversion.tokenizer_keys import gguf_tokenizer_fields
from pytest_aprqa.conversion.tokens import padded
from pytest_aprqa.conversion.view import ModelView, TensorView
from pytest_aprqa.core import Json, Quantization
from pytest_aprqa.formats.block_types import BLOCK_TYPES, encode
from pytest_aprqa.formats.gguf_write import GgufTensor, write_gguf

DIRECT: Final = frozenset({Quantization.F32, Quantization.F16, Quantization.BF16, Quantization.Q8_0})
"""What is written here; the rest is llama.cpp's quantizer's."""

_COPIED: Final = frozenset({"Q4_K", "Q6_K"})
"""Blocks that APR stores as GGML does."""

_WITHOUT_BLOCKS: Final = "F16"
"""For rows that do not divide into the wanted blocks; llama.cpp's converter takes it too."""


def write_gguf_model(view: ModelView, path: Path, quantization: Quantization | None) -> None:
    """Writes the model.

    Args:
        view: the source, of any format.
        path: the file to write.
        quantization: one of `DIRECT`; None keeps each tensor's type where GGUF has it.

    Raises:
        ArtefactError: the model, its tokenizer or a number in it cannot be said in GGUF.
    """
    family = require_family(view)
    tensors = [_tensor(view, family, tensor, quantization) for tensor in body(view)]
    extra = [
        GgufTensor(name, "F32", values.shape, partial(_same, values))
        for name, values in rope_tensors(view.config, path=view.path).items()
    ]
    fields = _general(view, family, _file_type(tensors)) | gguf_fields(family, view.config, path=view.path)
    rows = view.tensors[EMBEDDING].shape[0]
    fields |= gguf_tokenizer_fields(padded(require_tokenizer(view), rows, path=view.path))
    write_gguf(path, fields, [*tensors, *extra])


def _general(view: ModelView, family: Family, file_type: gguf.LlamaFileType) -> dict[str, Json]:
    fields: dict[str, Json] = {
        "general.architecture": family.architecture,
        "general.type": "model",
        "general.file_type": int(file_type),
        "general.quantization_version": gguf.GGML_QUANT_VERSION,
    }
    name = view.config.get("_name_or_path") or view.raw.get("name")
    return fields | ({"general.name": name} if isinstance(name, str) and name else {})


def _file_type(tensors: list[GgufTensor]) -> gguf.LlamaFileType:
    """The name of the type that most tensors have, vectors aside."""
    counts = Counter(tensor.dtype for tensor in tensors if len(tensor.shape) > 1)
    most = counts.most_common(1)[0][0] if counts else "F32"
    names = {"F32": "ALL_F32", "Q4_K": "MOSTLY_Q4_K_M"}
    return gguf.LlamaFileType[names.get(most, f"MOSTLY_{most}")]


def _tensor(view: ModelView, family: Family, tensor: TensorView, quantization: Quantization | None) -> GgufTensor:
    raw_name = names_of(family, layer_count(view.config, path=view.path)).to_gguf[tensor.name]
    heads = _heads(view, family, tensor)
    if heads is not None:
        require_heads(tensor, heads)
    dtype = _dtype(tensor, quantization)
    if dtype == tensor.entry.dtype and dtype in _COPIED:
        return GgufTensor(raw_name, dtype, tensor.shape, partial(stored_rows, tensor, interleave_heads=heads))
    offset = family.norm_offset if is_norm(tensor.name) else 0.0
    return GgufTensor(raw_name, dtype, tensor.shape, partial(_encoded, tensor, dtype, heads, offset))


def _heads(view: ModelView, family: Family, tensor: TensorView) -> int | None:
    key = rotary_heads(tensor.name) if family.permuted else None
    return None if key is None else head_count(view.config, key, path=view.path)


def _dtype(tensor: TensorView, quantization: Quantization | None) -> str:
    if len(tensor.shape) <= 1 or is_norm(tensor.name):
        return "F32"
    if quantization is None:
        return tensor.entry.dtype if tensor.entry.dtype in PLAIN | _COPIED else "F32"
    wanted = quantization.value.upper()
    whole = wanted in PLAIN or tensor.shape[-1] % BLOCK_TYPES[wanted].values == 0
    return wanted if whole else _WITHOUT_BLOCKS


def _encoded(tensor: TensorView, dtype: str, heads: int | None, offset: float) -> NDArray[Any]:
    values = tensor.values()
    if heads is not None:
        values = interleaved(values, heads)
    if offset:
        values = values + np.float32(offset)
    return plain(values, dtype, tensor) if dtype in PLAIN else encode(dtype, values)


def _same(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return values
