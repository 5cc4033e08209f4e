"""A GGUF file of the llama architecture, opened for changes. Its names are written down here, not taken from the
converter under test."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from pytest_aprqa.core import Json
from pytest_aprqa.formats import GgufTensor, GgufValue, TensorEntry, read_gguf, write_gguf
from tests.defects.conversion.stored import Stored

_PARTS: Final = {
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_LAYERS: Final = 8
_NAMES: Final = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
    **{
        f"model.layers.{layer}.{part}.{kind}": f"blk.{layer}.{raw}.{kind}"
        for layer in range(_LAYERS)
        for part, raw in _PARTS.items()
        for kind in ("weight", "bias")
    },
}
_FROM_RAW: Final = {raw: name for name, raw in _NAMES.items()}

_KEYS: Final = {
    "num_hidden_layers": ("llama.block_count", "u32"),
    "hidden_size": ("llama.embedding_length", "u32"),
    "intermediate_size": ("llama.feed_forward_length", "u32"),
    "vocab_size": ("llama.vocab_size", "u32"),
    "num_attention_heads": ("llama.attention.head_count", "u32"),
    "num_key_value_heads": ("llama.attention.head_count_kv", "u32"),
    "head_dim": ("llama.attention.key_length", "u32"),
    "max_position_embeddings": ("llama.context_length", "u32"),
    "rms_norm_eps": ("llama.attention.layer_norm_rms_epsilon", "f32"),
    "rope_theta": ("llama.rope.freq_base", "f32"),
    "rope_type": ("llama.rope.scaling.type", "string"),
    "rope_factor": ("llama.rope.scaling.factor", "f32"),
}
_MERGES: Final = "tokenizer.ggml.merges"
_TOKENS: Final = "tokenizer.ggml.tokens"
_TEMPLATE: Final = "tokenizer.chat_template"


class GgufContents:
    """See `contents.Contents`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        file = read_gguf(path)
        self.fields = {key: GgufValue(value, file.types[key]) for key, value in file.fields.items()}
        self.tensors = {_FROM_RAW.get(raw, raw): read_stored(entry) for raw, entry in file.tensors.items()}

    @property
    def vocabulary(self) -> list[str]:
        return self._texts(_TOKENS)

    @vocabulary.setter
    def vocabulary(self, texts: list[str]) -> None:
        self.set(_TOKENS, [*texts], "[string]")

    @property
    def merges(self) -> list[str]:
        return self._texts(_MERGES)

    @merges.setter
    def merges(self, merges: list[str]) -> None:
        if merges:
            self.set(_MERGES, [*merges], "[string]")
        else:
            del self.fields[_MERGES]

    @property
    def template(self) -> str | None:
        found = self.fields.get(_TEMPLATE)
        return str(found.value) if found else None

    @template.setter
    def template(self, text: str | None) -> None:
        if text is None:
            del self.fields[_TEMPLATE]
        else:
            self.set(_TEMPLATE, text, "string")

    def set(self, key: str, value: Json, kind: str) -> None:
        """Writes a field under GGUF's own key."""
        self.fields[key] = GgufValue(value, kind)

    def state(self, word: str, value: Json) -> None:
        if word == "tie_word_embeddings":
            return  # GGUF has no word for it: the head is there, or it is not
        key, kind = _KEYS[word]
        self.set(key, value, kind)

    def appoint(self, role: str, token: int) -> None:
        self.set(f"tokenizer.ggml.{role}_token_id", token, "u32")

    def begin_with_bos(self, wanted: bool) -> None:
        self.set("tokenizer.ggml.add_bos_token", wanted, "bool")

    def save(self) -> None:
        tensors = [
            GgufTensor(_NAMES.get(name, name), it.dtype, it.shape, lambda it=it: it.raw)  # type: ignore[misc]
            for name, it in self.tensors.items()
        ]
        write_gguf(self.path, self.fields, tensors)

    def _texts(self, key: str) -> list[str]:
        value = self.fields[key].value
        assert isinstance(value, list)
        return [str(text) for text in value]


def read_stored(entry: TensorEntry) -> Stored:
    """A tensor's bytes, straight from the file."""
    raw = np.fromfile(entry.file, np.uint8, entry.stop - entry.start, offset=entry.start)
    return Stored(entry.dtype, entry.shape, raw)
