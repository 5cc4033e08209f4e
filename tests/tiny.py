"""Makes a tiny random Llama with a byte-level tokenizer and a chat template: a real model folder in milliseconds.

Written with numpy and safetensors alone, so that a test that only needs a folder does not wait for torch. It speaks
nonsense, deterministically; half of its byte values can be made stop tokens, so that its answers have several lengths.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from pytest_aprqa.core import Weights

BOS, IM_START, IM_END = "<|bos|>", "<|im_start|>", "<|im_end|>"
BOS_ID, IM_START_ID, IM_END_ID = 256, 257, 258
VOCABULARY = 259
HIDDEN, LAYERS, HEADS, KV_HEADS, MLP = 32, 2, 4, 2, 64
CONTEXT = 512

TEMPLATE = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
TEMPLATE_WITHOUT_SYSTEM = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}" + (TEMPLATE)
)


def make_tiny(
    folder: Path, *, template: str | None = TEMPLATE, seed: int = 0, stop_ids: tuple[int, ...] = (IM_END_ID,)
) -> Weights:
    """Writes the model into `folder` and returns it as weights; equal arguments give equal bytes.

    Args:
        folder: made if it does not exist.
        template: chat template; None leaves the model without one.
        seed: of the random weights.
        stop_ids: ``eos_token_id`` of the generation configuration.
    """
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors(seed), folder / "model.safetensors", metadata={"format": "pt"})
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": VOCABULARY,
        "hidden_size": HIDDEN,
        "intermediate_size": MLP,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": KV_HEADS,
        "head_dim": HIDDEN // HEADS,
        "max_position_embeddings": CONTEXT,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "hidden_act": "silu",
        "tie_word_embeddings": False,
        "bos_token_id": BOS_ID,
        "eos_token_id": IM_END_ID,
        "torch_dtype": "float32",
    }
    tokenizer = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": BOS, "eos_token": IM_END}
    if template is not None:
        tokenizer["chat_template"] = template
    _write(folder / "config.json", config)
    _write(folder / "generation_config.json", {"bos_token_id": BOS_ID, "eos_token_id": list(stop_ids)})
    _write(folder / "tokenizer_config.json", tokenizer)
    _write(folder / "tokenizer.json", _tokenizer())
    return Weights(folder=folder, files=(folder / "model.safetensors",), source="tests/tiny.py")


def tensors(seed: int = 0) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    """Names and random values of all weights, float32, in PyTorch's layout (rows are outputs)."""
    random = np.random.default_rng(seed)
    kv = HIDDEN // HEADS * KV_HEADS
    shapes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (VOCABULARY, HIDDEN),
        "model.norm.weight": (HIDDEN,),
        "lm_head.weight": (VOCABULARY, HIDDEN),
    }
    for layer in range(LAYERS):
        shapes |= {
            f"model.layers.{layer}.input_layernorm.weight": (HIDDEN,),
            f"model.layers.{layer}.post_attention_layernorm.weight": (HIDDEN,),
            f"model.layers.{layer}.self_attn.q_proj.weight": (HIDDEN, HIDDEN),
            f"model.layers.{layer}.self_attn.k_proj.weight": (kv, HIDDEN),
            f"model.layers.{layer}.self_attn.v_proj.weight": (kv, HIDDEN),
            f"model.layers.{layer}.self_attn.o_proj.weight": (HIDDEN, HIDDEN),
            f"model.layers.{layer}.mlp.gate_proj.weight": (MLP, HIDDEN),
            f"model.layers.{layer}.mlp.up_proj.weight": (MLP, HIDDEN),
            f"model.layers.{layer}.mlp.down_proj.weight": (HIDDEN, MLP),
        }
    return {
        name: np.ones(shape, np.float32)
        if len(shape) == 1
        else random.normal(0.0, 0.3, shape).astype(np.float32)  # large enough that attention matters to the answer
        for name, shape in sorted(shapes.items())
    }


def _tokenizer() -> dict[str, object]:
    """A byte-level BPE without merges: a token for each byte, and three special ones."""
    special = [(BOS, BOS_ID), (IM_START, IM_START_ID), (IM_END, IM_END_ID)]
    return {
        "version": "1.0",
        "added_tokens": [
            {
                "id": number,
                "content": content,
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": True,
            }
            for content, number in special
        ],
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": BOS, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {BOS: {"id": BOS, "ids": [BOS_ID], "tokens": [BOS]}},
        },
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {
            "type": "BPE",
            "vocab": {char: number for number, char in enumerate(_byte_alphabet())} | dict(special),
            "merges": [],
        },
    }


def _byte_alphabet() -> list[str]:
    """The printable character that byte-level tokenizers write for each byte (GPT-2's table)."""
    printable = {*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)}
    spare = iter(range(256, 512))
    return [chr(byte if byte in printable else next(spare)) for byte in range(256)]


def _write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1), encoding="utf-8")
