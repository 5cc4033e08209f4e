"""A model's configuration as APR has it, and back.

APR has its own words for the sizes (``num_layers``, ``num_heads`` ...); everything else lies flat beside them under
config.json's names. Read are also the spellings of config.json and of GGUF that Aprender's engines accept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pytest_aprqa.conversion.configuration import plain_configuration
from pytest_aprqa.core import Json

_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "num_hidden_layers": ("num_layers", "num_hidden_layers", "n_layer", "n_layers", "block_count"),
    "num_attention_heads": ("num_heads", "num_attention_heads", "n_head", "n_heads", "head_count"),
    "num_key_value_heads": ("num_kv_heads", "num_key_value_heads", "n_kv_heads", "head_count_kv"),
    "hidden_size": ("hidden_size", "hidden_dim", "n_embd", "d_model", "embedding_length"),
    "intermediate_size": ("intermediate_size", "intermediate_dim", "n_inner", "ffn_dim", "feed_forward_length"),
    "max_position_embeddings": ("max_position_embeddings", "n_ctx", "context_length", "max_seq_len"),
    "vocab_size": ("vocab_size", "n_vocab"),
    "rms_norm_eps": ("rms_norm_eps", "rms_norm_epsilon", "layer_norm_rms_epsilon"),
    "rope_theta": ("rope_theta", "rope_freq_base", "freq_base"),
}
"""config.json's key, and APR's: the first is written."""

_SAME: Final = (
    "head_dim", "rope_scaling", "partial_rotary_factor", "original_max_position_embeddings", "rope_local_base_freq",
    "layer_norm_eps", "norm_epsilon", "hidden_act", "hidden_activation", "attention_bias", "mlp_bias", "use_bias",
    "use_qkv_bias", "use_parallel_residual", "qk_layernorm", "sliding_window", "sliding_window_pattern", "layer_types",
    "use_sliding_window", "max_window_layers", "attn_logit_softcapping", "final_logit_softcapping",
    "query_pre_attn_scalar", "attention_multiplier", "embedding_multiplier", "residual_multiplier", "logits_scaling",
)  # fmt: skip
"""Keys that both spell alike."""

_TYPES: Final[Mapping[str, str]] = {"gemma3": "gemma3_text", "smollm": "llama", "smollm2": "llama", "phi": "phi3"}
"""Architectures that other writers call by another name."""

_GGUF_PREFIX: Final = "model."
"""Aprender's importer of GGUF repeats the sizes under names that begin with it."""

HALVES: Final = 2
"""``rope_type`` of weights whose rows are in Hugging Face's order."""
PAIRS: Final = 0
"""``rope_type`` of weights whose rows rotate as adjacent pairs."""


def apr_config(config: Mapping[str, Json], *, tied: bool) -> dict[str, Json]:
    """The metadata that says what config.json says."""
    metadata: dict[str, Json] = {"architecture": config.get("model_type"), "model_type": config.get("model_type")}
    metadata |= {words[0]: config[key] for key, words in _WORDS.items() if config.get(key) is not None}
    metadata |= {key: config[key] for key in _SAME if config.get(key) is not None}
    return metadata | {"rope_type": HALVES, "tied_embeddings": tied}


def config_of_apr(metadata: Mapping[str, Json]) -> dict[str, Json]:
    """What APR's metadata says, in the words of config.json."""
    config: dict[str, Json] = {}
    said = metadata.get("architecture") or metadata.get("model_type")
    if isinstance(said, str):
        config["model_type"] = _TYPES.get(said.lower(), said.lower())
    for key, words in _WORDS.items():
        spelled = [word for word in words if metadata.get(word) is not None]
        spelled += [f"{_GGUF_PREFIX}{word}" for word in words if metadata.get(f"{_GGUF_PREFIX}{word}") is not None]
        if spelled:
            config[key] = metadata[spelled[0]]
    config |= {key: metadata[key] for key in _SAME if key in metadata}
    if isinstance(metadata.get("tied_embeddings"), bool):
        config["tie_word_embeddings"] = metadata["tied_embeddings"]
    if isinstance(metadata.get("rope_scaling"), dict):
        return plain_configuration(config)
    return config


def rows_are_interleaved(metadata: Mapping[str, Json]) -> bool:
    """True when q and k have the rows of the GGUF file that Aprender imported, which it does not reorder.

    Its importer of safetensors writes the same ``rope_type`` over rows in Hugging Face's order: alone it says nothing.
    """
    return metadata.get("rope_type") == PAIRS and str(metadata.get("original_format")).lower() == "gguf"
