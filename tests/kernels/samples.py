"""Configurations as published models have them, cut to what describes the architecture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pytest_aprqa.core import Json

Config = Mapping[str, Json]

SIZES: Final[Config] = {
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
    "intermediate_size": 128,
    "vocab_size": 32000,
    "max_position_embeddings": 4096,
}
LLAMA3: Final[Config] = {
    **SIZES,
    "model_type": "llama",
    "vocab_size": 128256,
    "max_position_embeddings": 131072,
    "rms_norm_eps": 1e-5,
    "hidden_act": "silu",
    "rope_theta": 500000.0,
    "rope_scaling": {"rope_type": "llama3", "factor": 32.0, "original_max_position_embeddings": 8192},
    "attention_bias": False,
    "mlp_bias": False,
    "tie_word_embeddings": True,
}
QWEN2: Final[Config] = {
    **SIZES,
    "model_type": "qwen2",
    "rms_norm_eps": 1e-6,
    "hidden_act": "silu",
    "rope_theta": 1000000.0,
    "sliding_window": 2048,
    "use_sliding_window": False,
    "tie_word_embeddings": True,
}
QWEN3: Final[Config] = {
    **QWEN2,
    "model_type": "qwen3",
    "attention_bias": False,
    "head_dim": 16,
    "tie_word_embeddings": False,
}
MISTRAL: Final[Config] = {
    **SIZES,
    "model_type": "mistral",
    "max_position_embeddings": 32768,
    "sliding_window": 4096,
    "rms_norm_eps": 1e-5,
    "hidden_act": "silu",
    "rope_theta": 10000.0,
    "tie_word_embeddings": False,
}
GEMMA2: Final[Config] = {
    **SIZES,
    "model_type": "gemma2",
    "vocab_size": 256000,
    "max_position_embeddings": 8192,
    "sliding_window": 4096,
    "hidden_act": "gelu_pytorch_tanh",
    "hidden_activation": "gelu_pytorch_tanh",
    "attention_bias": False,
    "attn_logit_softcapping": 50.0,
    "final_logit_softcapping": 30.0,
    "query_pre_attn_scalar": 256,
    "rms_norm_eps": 1e-6,
    "rope_theta": 10000.0,
}
GEMMA3: Final[Config] = {
    "model_type": "gemma3",
    "architectures": ["Gemma3ForConditionalGeneration"],
    "vision_config": {"hidden_size": 1152, "model_type": "siglip_vision_model"},
    "text_config": {
        **SIZES,
        "model_type": "gemma3_text",
        "max_position_embeddings": 131072,
        "sliding_window": 512,
        "sliding_window_pattern": 6,
        "rope_theta": 1000000.0,
        "rope_local_base_freq": 10000.0,
        "rope_scaling": {"rope_type": "linear", "factor": 8.0},
        "attention_bias": False,
    },
}
DEEPSEEK_V2: Final[Config] = {
    **SIZES,
    "model_type": "deepseek_v2",
    "num_key_value_heads": 8,
    "kv_lora_rank": 512,
    "n_routed_experts": 64,
    "n_shared_experts": 2,
    "num_experts_per_tok": 6,
    "moe_intermediate_size": 32,
    "rms_norm_eps": 1e-6,
    "hidden_act": "silu",
    "attention_bias": False,
    "rope_scaling": {"type": "yarn", "factor": 40, "original_max_position_embeddings": 4096},
    "tie_word_embeddings": False,
}
QWEN3_MOE: Final[Config] = {
    **QWEN3,
    "model_type": "qwen3_moe",
    "num_experts": 128,
    "num_experts_per_tok": 8,
    "moe_intermediate_size": 32,
}
FALCON: Final[Config] = {
    "model_type": "falcon",
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 8,
    "num_kv_heads": 8,
    "vocab_size": 65024,
    "multi_query": True,
    "new_decoder_architecture": False,
    "parallel_attn": True,
    "alibi": False,
    "bias": False,
    "layer_norm_epsilon": 1e-5,
}
GPT2: Final[Config] = {
    "model_type": "gpt2",
    "n_embd": 64,
    "n_layer": 2,
    "n_head": 8,
    "n_positions": 1024,
    "vocab_size": 50257,
    "activation_function": "gelu_new",
    "layer_norm_epsilon": 1e-5,
}
BLOOM: Final[Config] = {"model_type": "bloom", "hidden_size": 64, "n_layer": 2, "n_head": 8, "vocab_size": 250880}
PHI: Final[Config] = {
    **SIZES,
    "model_type": "phi",
    "num_key_value_heads": None,
    "partial_rotary_factor": 0.4,
    "hidden_act": "gelu_new",
    "layer_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "qk_layernorm": False,
    "tie_word_embeddings": False,
}
OLMO2: Final[Config] = {**LLAMA3, "model_type": "olmo2", "rope_scaling": None, "num_key_value_heads": 8}
GRANITE: Final[Config] = {
    **LLAMA3,
    "model_type": "granite",
    "rope_scaling": None,
    "embedding_multiplier": 12.0,
    "logits_scaling": 8.0,
    "residual_multiplier": 0.22,
    "attention_multiplier": 0.015625,
}
MAMBA: Final[Config] = {"model_type": "mamba", "hidden_size": 64, "num_hidden_layers": 2, "vocab_size": 50280}
NEMOTRON: Final[Config] = {
    **SIZES,
    "model_type": "nemotron",
    "hidden_act": "relu2",
    "norm_eps": 1e-5,
    "partial_rotary_factor": 0.5,
    "attention_bias": False,
    "mlp_bias": False,
}
HYBRID: Final[Config] = {
    **QWEN3_MOE,
    "model_type": "qwen3_next",
    "layer_types": ["linear_attention", "linear_attention", "linear_attention", "full_attention"],
    "shared_expert_intermediate_size": 32,
    "partial_rotary_factor": 0.25,
}
QWEN2_VL: Final[Config] = {**QWEN2, "rope_scaling": {"type": "mrope", "mrope_section": [16, 24, 24]}}
