"""The numbers of a model, under whichever key config.json gives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pytest_aprqa.kernels.families import traits_of
from pytest_aprqa.kernels.reading import Reading

KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "hidden": ("hidden_size", "n_embd", "d_model", "dim"),
    "layers": ("num_hidden_layers", "n_layer", "num_layers", "n_layers"),
    "heads": ("num_attention_heads", "n_head", "num_heads", "n_heads"),
    "kv_heads": ("num_key_value_heads", "num_kv_heads", "n_head_kv"),
    "head": ("head_dim",),
    "inner": ("intermediate_size", "n_inner", "ffn_dim", "ffn_hidden_size"),
    "vocab": ("vocab_size",),
    "positions": ("max_position_embeddings", "n_positions", "max_sequence_length", "max_seq_len", "n_ctx"),
    "experts": ("num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts"),
    "experts_per_token": ("num_experts_per_tok", "num_experts_per_token", "moe_top_k", "moe_topk", "top_k_experts"),
    "expert_inner": ("moe_intermediate_size",),
    "window": ("sliding_window", "sliding_window_size", "attention_window_size"),
}
"""Size to the keys that give it."""

EXPECTED: Final[Mapping[str, str]] = {
    "expected_hidden_dim": "hidden",
    "expected_num_layers": "layers",
    "expected_num_heads": "heads",
    "expected_num_kv_heads": "kv_heads",
    "expected_vocab_size": "vocab",
    "expected_intermediate_dim": "inner",
}
"""Field of a playbook to the size that it is about."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the configuration says; None where it does not."""

    hidden: int | None = None
    layers: int | None = None
    heads: int | None = None
    kv_heads: int | None = None
    head: int | None = None
    """Width of one head; only where it is given."""
    inner: int | None = None
    """Width of the feed-forward layer."""
    vocab: int | None = None
    positions: int | None = None
    """Longest context, in tokens."""
    experts: int | None = None
    experts_per_token: int | None = None
    expert_inner: int | None = None
    window: int | None = None
    """Tokens that a sliding layer sees; None where nothing slides."""

    @property
    def parameters(self) -> int | None:
        """A rough count from the sizes, norms and biases left out; None where a size is missing."""
        if self.hidden is None or self.layers is None or self.vocab is None or self.inner is None:
            return None
        keys = (self.kv_heads or self.heads or 1) / (self.heads or 1)
        query = self.hidden if self.head is None or self.heads is None else self.head * self.heads
        attention = self.hidden * query * (2 + 2 * keys)
        width = (self.expert_inner or self.inner) * self.experts if self.experts else self.inner
        return round(self.vocab * self.hidden + self.layers * (attention + 3 * self.hidden * width))


def facts_of(reading: Reading) -> Facts:
    """Reads the numbers."""
    found = {name: reading.whole(*keys) for name, keys in KEYS.items()}
    values = {name: each.value for name, each in found.items() if each is not None}
    if "heads" in values and one_kv_head(reading):
        values["kv_heads"] = 1
    elif "kv_heads" not in values and "heads" in values and heads_by_default(reading):
        values["kv_heads"] = values["heads"]
    return Facts(**values)


def heads_by_default(reading: Reading) -> bool:
    """Whether every head has keys of its own because nothing says otherwise."""
    absent = reading.whole_file and reading.any(*KEYS["kv_heads"]) is None
    return absent and traits_of(reading.model_type).own_heads


def one_kv_head(reading: Reading) -> bool:
    """Whether all heads share one key; Falcon's files then give a number of key heads that nobody reads."""
    shared = reading.switch("multi_query")
    new = reading.switch("new_decoder_architecture")
    return shared is not None and shared.value and not (new is not None and new.value)
