"""Opens a model file of any format as a `ModelView`: one function for each format, chosen by what the file is.

Reads headers, metadata and the few tensors that belong to the configuration; no weights.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from pytest_aprqa.conversion.config_apr import config_of_apr, rows_are_interleaved
from pytest_aprqa.conversion.config_gguf import config_of_gguf
from pytest_aprqa.conversion.configuration import head_count, layer_count, plain_configuration
from pytest_aprqa.conversion.families import FAMILIES, Family, family_of_architecture
from pytest_aprqa.conversion.names import EMBEDDING, HEAD, ROPE_TENSORS, is_norm, names_of, rotary_heads
from pytest_aprqa.conversion.tokenizer_keys import apr_tokenizer, gguf_tokenizer
from pytest_aprqa.conversion.tokenizer_read import read_tokenizer
from pytest_aprqa.conversion.tokenizer_write import special_token_ids
from pytest_aprqa.conversion.tokens import TokenizerFacts
from pytest_aprqa.conversion.view import ModelView, TensorView
from pytest_aprqa.core import ArtefactError, Format, Json
from pytest_aprqa.formats import TensorEntry, open_checkpoint, read_config, read_tensor
from pytest_aprqa.formats.apr import read_apr
from pytest_aprqa.formats.gguf import read_gguf

_MAX_ROPE_VALUES = 1 << 16


def format_of(path: Path) -> Format:
    """The format of a model, by the first bytes of its file.

    Raises:
        ArtefactError: there is nothing, or nothing of a format we know.
    """
    if path.is_dir():
        return Format.SAFETENSORS
    try:
        with path.open("rb") as stream:
            first = stream.read(16)
    except OSError as exc:
        raise ArtefactError(f"cannot be read: {exc.strerror or exc}", path=path) from exc
    if first.startswith(b"GGUF"):
        return Format.GGUF
    if first.startswith(b"APR") or path.name.endswith((".apr", ".apr.json")):
        return Format.APR
    if path.name.endswith((".safetensors", ".safetensors.index.json")):
        return Format.SAFETENSORS
    raise ArtefactError(
        "is no model file of a known format",
        path=path,
        expected="a Hugging Face folder, its .safetensors file, a .gguf or an .apr file",
        found=f"{first!r}",
    )


def open_model(path: Path) -> ModelView:
    """Opens a Hugging Face folder (or its weight file), a GGUF file, an APR file or an APR manifest.

    Raises:
        ArtefactError: it is broken, or of no known format; for GGUF, of an architecture that is not converted.
    """
    match format_of(path):
        case Format.SAFETENSORS:
            return _open_folder(path if path.is_dir() else path.parent)
        case Format.GGUF:
            return _open_gguf(path)
        case Format.APR:
            return _open_apr(path)


def _open_folder(folder: Path) -> ModelView:
    raw = read_config(folder)
    config = plain_configuration(raw)
    stored = open_checkpoint(folder).tensors
    family = _family(config)
    known = _known(family, config, stored, folder / "config.json")
    tensors = {name: TensorView(name, stored[name], stored[name].shape) for name in stored if name in known}
    foreign = tuple(name for name in stored if name not in known)
    return ModelView(
        folder, Format.SAFETENSORS, config, tensors, foreign, read_tokenizer(folder, config), raw, family, stored
    )


def _family(config: Mapping[str, Json]) -> Family | None:
    return next((family for family in FAMILIES if family.model_type == config.get("model_type")), None)


def _known(family: Family | None, config: Mapping[str, Json], stored: Iterable[str], path: Path) -> frozenset[str]:
    """Names of the architecture's tensors; of an unknown architecture, all that are there."""
    if family is None:
        return frozenset(stored)
    return names_of(family, layer_count(config, path=path)).known


def _open_gguf(path: Path) -> ModelView:
    file = read_gguf(path)
    family = family_of_architecture(file.fields.get("general.architecture"), path=path)
    tokenizer = gguf_tokenizer(file.fields, path=path)
    rope = {name: _factors(entry) for name, entry in file.tensors.items() if name in ROPE_TENSORS}
    embedding = file.tensors.get("token_embd.weight")
    config = config_of_gguf(
        family,
        file.fields,
        rope,
        tied="output.weight" not in file.tensors,
        vocabulary=embedding.shape[0] if embedding and embedding.shape else None,
        path=path,
    )
    names = names_of(family, layer_count(config, path=path)).from_gguf
    tensors = {
        names[raw]: _gguf_tensor(names[raw], entry, family, config, path)
        for raw, entry in file.tensors.items()
        if raw in names
    }
    config |= _said_by_tensors(family, tensors) | _ids(tokenizer)
    foreign = tuple(raw for raw in file.tensors if raw not in names and raw not in ROPE_TENSORS)
    return ModelView(path, Format.GGUF, config, tensors, foreign, tokenizer, file.fields, family, file.tensors)


def _factors(entry: TensorEntry) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    if entry.values > _MAX_ROPE_VALUES:
        raise ArtefactError(f"tensor {entry.name!r} is too large", path=entry.file, found=f"{list(entry.shape)}")
    return np.asarray(read_tensor(entry), np.float32)


def _gguf_tensor(name: str, entry: TensorEntry, family: Family, config: Mapping[str, Json], path: Path) -> TensorView:
    offset = family.norm_offset if is_norm(name) else 0.0
    return TensorView(name, entry, entry.shape, _heads(name, config, path) if family.permuted else None, offset)


def _heads(name: str, config: Mapping[str, Json], path: Path) -> int | None:
    key = rotary_heads(name)
    return None if key is None else head_count(config, key, path=path)


def _said_by_tensors(family: Family, tensors: Iterable[str]) -> dict[str, Json]:
    """Keys of config.json that only the presence of tensors tells."""
    q_bias = "model.layers.0.self_attn.q_proj.bias" in tensors
    match family.model_type:
        case "llama" | "granite":
            mlp_bias = "model.layers.0.mlp.up_proj.bias" in tensors
            return {"attention_bias": q_bias, "mlp_bias": mlp_bias}
        case "qwen3" | "gemma" | "gemma2" | "gemma3_text":
            return {"attention_bias": q_bias}
        case "stablelm":
            return {"use_qkv_bias": q_bias}
        case "starcoder2":
            return {"use_bias": q_bias}
        case _:
            return {}


def _ids(tokenizer: TokenizerFacts | None) -> dict[str, Json]:
    return {} if tokenizer is None else special_token_ids(tokenizer)


def _open_apr(path: Path) -> ModelView:
    file = read_apr(path)
    tokenizer = apr_tokenizer(file.metadata, path=path)
    config = config_of_apr(file.metadata)
    family = _family(config)
    if family is not None:
        config.setdefault("architectures", [family.model_class])
    known = _known(family, config, file.tensors, path)
    interleaved = family is not None and family.permuted and rows_are_interleaved(file.metadata)
    tensors = {
        name: TensorView(name, entry, entry.shape, _heads(name, config, path) if interleaved else None)
        for name, entry in file.tensors.items()
        if name in known
    }
    if "vocab_size" not in config and EMBEDDING in tensors and tensors[EMBEDDING].shape:
        config["vocab_size"] = tensors[EMBEDDING].shape[0]
    config.setdefault("tie_word_embeddings", HEAD not in tensors)
    config |= _ids(tokenizer)
    foreign = tuple(name for name in file.tensors if name not in known)
    return ModelView(path, Format.APR, config, tensors, foreign, tokenizer, file.metadata, family, file.tensors)
