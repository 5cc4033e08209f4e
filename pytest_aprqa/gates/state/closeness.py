"""How close logits must be that are to be the same: one table by the type that computes, with its sources.

The same sum in another order rounds otherwise: a token computed over a cache, or beside others in a batch, takes other
kernels than the same token alone. What that may cost depends on the type of the weights while computing, and on nothing
else that is known here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pytest_aprqa.gates.state.work import Work


class Arithmetic(StrEnum):
    """What an engine computes with, by how it rounds."""

    FLOAT = "float32"
    """All of it float32, the cache too."""
    HALF = "half"
    """float16 or bfloat16 somewhere; in llama.cpp, whose caches are float16, also where the weights are F32."""
    BLOCKS = "quantized"
    """Quantized weights, whose products llama.cpp computes with activations that are quantized too."""


@dataclass(frozen=True, slots=True)
class Closeness:
    """The most that logits may differ, at any position."""

    kl: float
    """Nats of KL divergence."""
    nmse: float
    """Normalized error of the logits, scale-free."""
    tie: float
    """Nats between two likeliest tokens below which either may be chosen."""
    source: str

    def __str__(self) -> str:
        return f"limits KL {self.kl:.3g}, normalized error {self.nmse:.3g} ({self.source})"


ROUNDING: Final = Closeness(1e-9, 1e-10, 1e-3, "the same computation again: the last bits of float32")
"""For the same rows in the same order, where nothing changes the kernels."""

_TABLE: Final[Mapping[Arithmetic, Closeness]] = {
    Arithmetic.FLOAT: Closeness(1e-7, 1e-8, 1e-3, "float32; 9.5e-11 and 4.8e-12 measured on healthy models"),
    Arithmetic.HALF: Closeness(0.02, 1e-3, 0.1, "half precision; 0.0015 and 8.2e-05 measured on healthy models"),
    Arithmetic.BLOCKS: Closeness(0.3, 0.025, 1.0, "quantized; 0.078 and 0.0058 measured on healthy models"),
}
"""Ten times the worst that was measured over a cache or in a batch, on a cpu, and four times that of quantized weights:
of aprqa-tiny in float32, bfloat16, float16 and as F32, F16, BF16, Q8_0, Q6_K, Q5_0, Q4_K_M, Q4_0, Q2_K; of
SmolLM2-135M-Instruct in float32 and as Q4_K_M, Q8_0 and Q4_1, with questions and rows from many places of the text.
float32 has more room, for processors and gpus whose kernels add up in yet other orders.

Of quantized weights the two limits do different work. KL has a long tail: half of SmolLM2's rows stay below 0.01, and
the worst of two hundred costs 0.078. The normalized error has none, and it catches the smallest faults: with a token
entered twice into the cache, the rows of the gates cost 0.037 as Q8_0 and 0.052 as Q4_K_M, where KL is 0.11 and 0.30. A
token lost, attended padding or a neighbour's tokens cost 0.28 and more, and half a nat and more."""

_HALVES: Final = frozenset({"float16", "bfloat16", "f32", "f16", "bf16"})
"""torch's names, and llama.cpp's of types of files."""


def arithmetic_of(dtype: str) -> Arithmetic:
    """By what the engine says it computes with; a word that is not known is the name of some quantization.

    >>> [arithmetic_of(dtype).value for dtype in ("float32", "bfloat16", "F32", "Q4_K_M")]
    ['float32', 'half', 'half', 'quantized']
    """
    word = dtype.lower()
    if word == Arithmetic.FLOAT:
        return Arithmetic.FLOAT
    return Arithmetic.HALF if word in _HALVES else Arithmetic.BLOCKS


def closeness_of(work: Work) -> Closeness:
    """What another order of the same sums may cost on a target."""
    return _TABLE[arithmetic_of(work.engine().facts.dtype)]
