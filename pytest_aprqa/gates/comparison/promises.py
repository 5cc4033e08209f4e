"""Which stored types a quantization promises: llama.cpp's recipes, as a table.

A recipe mixes types: some matrices are kept finer, and a matrix whose rows do not fill the blocks of a type takes
another one. What no recipe knows is a matrix left in, or fallen back to, a type of full width.

Reference: llama.cpp, ``llama_tensor_get_type`` and ``tensor_type_fallback`` of src/llama-quant.cpp.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pytest_aprqa.core import Quantization


@dataclass(frozen=True, slots=True)
class Promise:
    """What the matrices of a quantization may be stored as."""

    main: frozenset[str]
    """Most values of the big matrices are stored so."""
    mixed: frozenset[str] = frozenset()
    """Some matrices may be."""

    @property
    def allowed(self) -> frozenset[str]:
        """Every type of a matrix."""
        return self.main | self.mixed


WIDE: Final = frozenset({"F64", "F32", "F16", "BF16"})
"""Types that quantize nothing."""

GROUP: Final = 32
"""No block type is smaller: a matrix whose rows are no multiple of it cannot be quantized."""


def _types(words: str) -> frozenset[str]:
    return frozenset(words.split())


PROMISES: Final[Mapping[Quantization, Promise]] = {
    Quantization.F32: Promise(_types("F32")),
    Quantization.F16: Promise(_types("F16")),
    Quantization.BF16: Promise(_types("BF16")),
    Quantization.Q8_0: Promise(_types("Q8_0 APR_Q8")),
    # Rows that are no multiple of 256 fall back: Q6_K to Q8_0, Q5_K to Q5_1, Q4_K to Q5_0, Q3_K and Q2_K to IQ4_NL
    # (older versions: Q4_0).
    Quantization.Q6_K: Promise(_types("Q6_K Q8_0")),
    Quantization.Q5_K_M: Promise(_types("Q5_K Q5_1"), _types("Q6_K Q8_0")),
    Quantization.Q5_0: Promise(_types("Q5_0"), _types("Q6_K Q8_0 Q5_1")),
    Quantization.Q4_K_M: Promise(_types("Q4_K Q5_0"), _types("Q5_K Q5_1 Q6_K Q8_0")),
    Quantization.Q4_0: Promise(_types("Q4_0 APR_Q4"), _types("Q4_1 Q4_K Q5_0 Q6_K Q8_0")),
    Quantization.Q3_K_M: Promise(_types("Q3_K IQ4_NL Q4_0"), _types("Q4_K Q5_K Q5_0 Q5_1 Q6_K Q8_0")),
    Quantization.Q2_K: Promise(_types("Q2_K Q3_K IQ4_NL Q4_0"), _types("Q4_K Q5_K Q5_0 Q5_1 Q6_K Q8_0")),
}
"""By the quantization that a target names."""
