"""Small random models of several architectures, for tests of what is said to work with any."""

from __future__ import annotations

from typing import Any

SMALL: dict[str, dict[str, int]] = {
    "LlamaForCausalLM": {"hidden_size": 16, "num_attention_heads": 2, "num_key_value_heads": 2},
    "GPT2LMHeadModel": {"n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 64},
    # A window shorter than the row, and than a piece of it.
    "MistralForCausalLM": {
        "hidden_size": 16,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "sliding_window": 4,
    },
    "MambaForCausalLM": {"hidden_size": 16, "state_size": 4},
}
IDS = [5, 6, 7, 8, 9, 10, 11, 12, 40, 41, 42]


def small(architecture: str, **sizes: int) -> Any:  # noqa: ANN401 - any model class
    """The model, on the CPU, the same every time."""
    import torch
    import transformers

    torch.manual_seed(0)
    sizes = {"vocab_size": 64, "num_hidden_layers": 2, "intermediate_size": 32} | sizes
    config = getattr(transformers, f"{architecture.removesuffix('LMHeadModel').removesuffix('ForCausalLM')}Config")
    return getattr(transformers, architecture)(config(initializer_range=0.5, **sizes)).eval()
