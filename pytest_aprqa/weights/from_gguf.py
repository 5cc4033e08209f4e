"""A Hugging Face folder made from one GGUF file of the llama architecture with a byte-level BPE tokenizer.

Made for the SmolLM2 file that `smollm2` fetches, whose SHA-256 is known: nothing here guards against a hostile GGUF.
GGUF lists dimensions fastest-first; the bytes are row-major, so `gguf.quants.dequantize` gives the shapes of
Hugging Face already. What differs is the order of the rows of q and k (see `_rotary_rows`).

Reference: the GGUF specification (ggml, docs/gguf.md) and llama.cpp's converter, which this undoes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import gguf
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from pytest_aprqa.core import Json

_GLOBAL_NAMES: Final = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}

_LAYER_NAMES: Final = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}

_CONTROL_TOKEN: Final = 3
"""Value of ``tokenizer.ggml.token_type`` for special tokens (GGUF specification)."""


def write_folder(source: Path, folder: Path, *, pre_tokenizer: Json) -> None:
    """Writes weights, configuration and tokenizer into an existing, empty folder.

    Args:
        source: the GGUF file.
        folder: where to write.
        pre_tokenizer: as tokenizer.json has it; GGUF keeps only its name (``tokenizer.ggml.pre``).
    """
    reader = gguf.GGUFReader(source)
    fields = {name: field.contents() for name, field in reader.fields.items()}
    tensors = dict(_tensors(reader, fields))
    weights = folder / "model.safetensors"
    save_file(tensors, weights, metadata={"format": "pt"})
    weights.chmod(0o644)  # the library leaves it readable to its owner alone
    tied = "lm_head.weight" not in tensors
    _write_json(folder / "config.json", _config(fields, tied=tied))
    _write_json(folder / "generation_config.json", _special_ids(fields))
    _write_json(folder / "tokenizer.json", _tokenizer(fields, pre_tokenizer))
    _write_json(folder / "tokenizer_config.json", _tokenizer_config(fields))


def _tensors(reader: gguf.GGUFReader, fields: Mapping[str, Json]) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Names and values as the Hugging Face llama has them."""
    heads = {
        "attn_q": _integer(fields, "llama.attention.head_count"),
        "attn_k": _integer(fields, "llama.attention.head_count_kv"),
    }
    for tensor in reader.tensors:
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32, copy=False)
        role = tensor.name.split(".")[2] if tensor.name.startswith("blk.") else ""
        if role in heads:
            values = _rotary_rows(values, heads[role])
        yield _name(tensor.name), np.ascontiguousarray(values)


def _rotary_rows(weight: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Undoes the row order of llama.cpp: it interleaves the two halves that rotary embedding pairs.

    Args:
        weight: float32 (heads · dim, hidden).
        heads: how many heads the rows make up.
    """
    rows, hidden = weight.shape
    pairs = weight.reshape(heads, rows // heads // 2, 2, hidden)
    return pairs.swapaxes(1, 2).reshape(rows, hidden)


def _name(name: str) -> str:
    """Hugging Face's name of a GGUF tensor.

    >>> _name("blk.7.attn_q.weight")
    'model.layers.7.self_attn.q_proj.weight'
    """
    if name in _GLOBAL_NAMES:
        return _GLOBAL_NAMES[name]
    _, layer, role, kind = name.split(".")
    return f"model.layers.{layer}.{_LAYER_NAMES[role]}.{kind}"


def _config(fields: Mapping[str, Json], *, tied: bool) -> dict[str, Json]:
    hidden = _integer(fields, "llama.embedding_length")
    heads = _integer(fields, "llama.attention.head_count")
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": _integer(fields, "llama.vocab_size"),
        "hidden_size": hidden,
        "intermediate_size": _integer(fields, "llama.feed_forward_length"),
        "num_hidden_layers": _integer(fields, "llama.block_count"),
        "num_attention_heads": heads,
        "num_key_value_heads": _integer(fields, "llama.attention.head_count_kv"),
        "head_dim": hidden // heads,
        "max_position_embeddings": _integer(fields, "llama.context_length"),
        "hidden_act": "silu",
        "rms_norm_eps": _short_float(fields["llama.attention.layer_norm_rms_epsilon"]),
        "rope_theta": _short_float(fields["llama.rope.freq_base"]),
        "rope_scaling": None,
        "attention_bias": False,
        "mlp_bias": False,
        "tie_word_embeddings": tied,
        "torch_dtype": "float32",
        **_special_ids(fields),
    }


def _special_ids(fields: Mapping[str, Json]) -> dict[str, Json]:
    names = {"bos_token_id": "bos", "eos_token_id": "eos", "pad_token_id": "padding"}
    return {name: fields[f"tokenizer.ggml.{word}_token_id"] for name, word in names.items()}


def _tokenizer(fields: Mapping[str, Json], pre_tokenizer: Json) -> dict[str, Json]:
    byte_level: dict[str, Json] = {
        "type": "ByteLevel",
        "add_prefix_space": False,
        "trim_offsets": True,
        "use_regex": True,
    }
    model: dict[str, Json] = {
        "type": "BPE",
        "vocab": {token: index for index, token in enumerate(_texts(fields, "tokenizer.ggml.tokens"))},
        "merges": [list(merge.split(" ", 1)) for merge in _texts(fields, "tokenizer.ggml.merges")],
    }
    return {
        "version": "1.0",
        "added_tokens": [_added_token(index, text) for index, text in _control_tokens(fields)],
        "normalizer": None,
        "pre_tokenizer": pre_tokenizer,
        "post_processor": None,
        "decoder": byte_level,
        "model": model,
    }


def _added_token(index: int, text: str) -> Json:
    plain: dict[str, Json] = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {"id": index, "content": text, "special": True, **plain}


def _control_tokens(fields: Mapping[str, Json]) -> list[tuple[int, str]]:
    kinds = fields["tokenizer.ggml.token_type"]
    assert isinstance(kinds, list)
    texts = _texts(fields, "tokenizer.ggml.tokens")
    return [(index, text) for index, text in enumerate(texts) if kinds[index] == _CONTROL_TOKEN]


def _tokenizer_config(fields: Mapping[str, Json]) -> dict[str, Json]:
    texts = _texts(fields, "tokenizer.ggml.tokens")
    words = {"bos_token": "bos", "eos_token": "eos", "unk_token": "unknown", "pad_token": "padding"}
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        **{name: texts[_integer(fields, f"tokenizer.ggml.{word}_token_id")] for name, word in words.items()},
        "clean_up_tokenization_spaces": False,
        "model_max_length": fields["llama.context_length"],
        "chat_template": fields["tokenizer.chat_template"],
    }


def _integer(fields: Mapping[str, Json], name: str) -> int:
    value = fields[name]
    assert isinstance(value, int), f"{name} is {value!r}"
    return value


def _texts(fields: Mapping[str, Json], name: str) -> list[str]:
    values = fields[name]
    assert isinstance(values, list)
    return [str(value) for value in values]


def _short_float(value: Json) -> float:
    """The shortest decimal that is the same float32: 1e-05, not 9.999999747378752e-06."""
    assert isinstance(value, int | float)
    return float(str(np.float32(value)))


def _write_json(path: Path, value: Json) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
