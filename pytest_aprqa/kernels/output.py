"""Both ends of a model: vocabulary, output head, caps and factors; and the stored types of its matrices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from pytest_aprqa.core import Quantization
from pytest_aprqa.kernels.facts import KEYS
from pytest_aprqa.kernels.families import traits_of
from pytest_aprqa.kernels.operation import Aspect, Findings, Operation, Unknown
from pytest_aprqa.kernels.reading import Reading

LARGE_VOCABULARY: Final = 100_000
SMALL_VOCABULARY: Final = 40_000
"""Llama 2 has 32,000 tokens, GPT-2 50,257, Llama 3 128,256."""

_CAPS: Final = {
    "attn_logit_softcapping": "attention_softcap",
    "final_logit_softcapping": "logit_softcap",
    "logits_soft_cap": "logit_softcap",
}
_FACTORS: Final = {
    "logit_scale": "logit_scaling",
    "logits_scaling": "logit_scaling",
    "embedding_multiplier": "embedding_scaling",
    "residual_multiplier": "residual_scaling",
    "attention_multiplier": "attention_scaling",
    "query_pre_attn_scalar": "attention_scaling",
    "scale_emb": "embedding_scaling",
    "scale_depth": "residual_scaling",
}
STORED: Final[Mapping[Quantization, tuple[str, ...]]] = {
    Quantization.F32: (),
    Quantization.F16: (),
    Quantization.BF16: (),
    Quantization.Q8_0: ("q80",),
    Quantization.Q6_K: ("q6k",),
    Quantization.Q5_K_M: ("q5k", "q6k"),
    Quantization.Q5_0: ("q50", "q6k"),
    Quantization.Q4_K_M: ("q4k", "q6k"),
    Quantization.Q4_0: ("q40", "q6k"),
    Quantization.Q3_K_M: ("q3k", "q4k", "q5k", "q6k"),
    Quantization.Q2_K: ("q2k", "q3k", "q6k"),
}
"""Quantization to the block types that llama.cpp's quantizer stores matrices in, where rows divide into blocks."""


def head(reading: Reading) -> Findings:
    """Whether the embedding serves as output head."""
    stated = reading.switch("tie_word_embeddings", "tie_embeddings")
    if stated is not None:
        tied, fact = stated.value, stated.fact
    elif reading.whole_file and (default := traits_of(reading.model_type).tied) is not None:
        tied, fact = default, f"no tie_word_embeddings (model_type {reading.model_type})"
    else:
        yield Unknown(Aspect.HEAD, "no key says (tie_word_embeddings)")
        return
    yield Operation(Aspect.HEAD, "tied_embeddings" if tied else "separate_head", fact)


def vocabulary(reading: Reading) -> Findings:
    """The class of its size."""
    size = reading.whole(*KEYS["vocab"])
    if size is None:
        yield Unknown(Aspect.VOCABULARY, f"no key says ({KEYS['vocab'][0]})")
        return
    large = size.value >= LARGE_VOCABULARY
    kind = "large" if large else "small" if size.value < SMALL_VOCABULARY else "medium"
    yield Operation(Aspect.VOCABULARY, f"{kind}_vocabulary", size.fact)


def scaling(reading: Reading) -> Findings:
    """Caps and factors on logits, embeddings and residuals; those of 1 change nothing."""
    for table in (_CAPS, _FACTORS):
        for key, name in table.items():
            found = reading.number(key)
            if found is not None and found.value not in (0.0, 1.0):
                yield Operation(Aspect.SCALING, name, found.fact)


def fused(quantizations: Sequence[Quantization]) -> Iterator[Operation]:
    """Products with matrices that are stored in blocks, by the targets' quantizations."""
    seen: set[str] = set()
    for quantization in quantizations:
        for kind in STORED[quantization]:
            if kind not in seen:
                seen.add(kind)
                yield Operation(Aspect.QUANTIZATION, f"fused_{kind}_matvec", f"quantization {quantization}")


def quantized(reading: Reading) -> Findings:
    """Products with matrices that are stored rounded in the original already."""
    method = reading.block("quantization_config").get("quant_method")
    if isinstance(method, str):
        plain = "".join(letter for letter in method.lower() if letter.isascii() and letter.isalnum())[:20]
        yield Operation(Aspect.QUANTIZATION, f"{plain}_matmul", f"quantization_config.quant_method {plain}")
