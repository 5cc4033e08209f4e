"""Writes a model as a Hugging Face folder: config.json, tokenizer, and one safetensors file, a tensor at a time.

Float types are kept, quantized types decoded to float32. A vector that GGUF had to widen to float32 gets the type of
the matrices again where that loses nothing, so that a folder survives the way to GGUF and back.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from pytest_aprqa.conversion.names import EMBEDDING
from pytest_aprqa.conversion.ready import body, require_family, require_tokenizer
from pytest_aprqa.conversion.stored import PLAIN, plain, survives
from pytest_aprqa.conversion.tokenizer_write import generation_config, tokenizer_config, tokenizer_json
from pytest_aprqa.conversion.view import ModelView, TensorView
from pytest_aprqa.core import ArtefactError, Format, Json
from pytest_aprqa.formats import SIDE_FILES, SINGLE_FILE
from pytest_aprqa.formats.safetensors import BITS

_TORCH: Final = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}


def write_hf_folder(view: ModelView, folder: Path) -> None:
    """Writes the model into a folder.

    Args:
        view: of any format; of a Hugging Face folder, everything but the weights is copied as it is.
        folder: an empty one, made when it is not there.

    Raises:
        ArtefactError: the model cannot be said in this format, or the folder cannot be written.
    """
    require_family(view)
    tensors = _plan(view)
    side = {} if view.format is Format.SAFETENSORS else _side_files(view, tensors)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write_weights(folder / SINGLE_FILE, tensors)
        for name, value in side.items():
            _write_json(folder / name, value)
        if view.format is Format.SAFETENSORS:
            for name in SIDE_FILES:
                if (view.path / name).is_file():
                    shutil.copyfile(view.path / name, folder / name)
    except OSError as exc:
        raise ArtefactError(f"cannot be written: {exc.strerror or exc}", path=folder) from exc


class _Planned(NamedTuple):
    tensor: TensorView
    dtype: str

    @property
    def stored_bytes(self) -> int:
        return self.tensor.entry.values * BITS[self.dtype] // 8


def _plan(view: ModelView) -> list[_Planned]:
    """Tensors and types in the order of the safetensors library: widest type first, then by name."""
    main = _plain_dtype(view.tensors[EMBEDDING])
    planned = [_Planned(tensor, _dtype(tensor, main, narrow=view.format is Format.GGUF)) for tensor in body(view)]
    return sorted(planned, key=lambda each: (-BITS[each.dtype], each.tensor.name))


def _plain_dtype(tensor: TensorView) -> str:
    return tensor.entry.dtype if tensor.entry.dtype in PLAIN else "F32"


def _dtype(tensor: TensorView, main: str, *, narrow: bool) -> str:
    if narrow and len(tensor.shape) <= 1 and main != "F32" and survives(tensor.values(), main):
        return main
    return _plain_dtype(tensor)


def _side_files(view: ModelView, tensors: Sequence[_Planned]) -> dict[str, Mapping[str, Json]]:
    facts = require_tokenizer(view)
    main = next(each.dtype for each in tensors if each.tensor.name == EMBEDDING)
    return {
        "config.json": {**view.config, "torch_dtype": _TORCH[main]},
        "generation_config.json": generation_config(facts),
        "tokenizer.json": tokenizer_json(facts, path=view.path),
        "tokenizer_config.json": tokenizer_config(facts, view.config.get("max_position_embeddings")),
    }


def _write_weights(path: Path, tensors: Sequence[_Planned]) -> None:
    """Header, then the tensors' bytes: what the safetensors library writes, without holding all of them."""
    header: dict[str, Json] = {"__metadata__": {"format": "pt"}}
    at = 0
    for each in tensors:
        stop = at + each.stored_bytes
        header[each.tensor.name] = {
            "dtype": each.dtype,
            "shape": list(each.tensor.shape),
            "data_offsets": [at, stop],
        }
        at = stop
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as stream:
        stream.write(len(text).to_bytes(8, "little") + text)
        for each in tensors:
            plain(each.tensor.values(), each.dtype, each.tensor).tofile(stream)


def _write_json(path: Path, value: Mapping[str, Json]) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
