"""How close two tokens must be for either to be chosen: by what a server computes with, as measured.

The same sums in another order round otherwise. A prompt cache, other requests beside one, another length of the prompt
and another build of the same library change that order. What it costs depends on the coarsest rounding on the way:
llama.cpp rounds activations to eight bits before each product with quantized weights, and what was a last bit of a sum
becomes a step of 1/127.

Measured on SmolLM2-135M-Instruct, on a cpu: by how many nats one of the likely tokens leads another, with the prompt
computed at once, in two pieces cut at several places, and token by token over the cache. Largest change of the lead,
and largest lead that was lost, of about 3100 comparisons each (1400 of float32 and bfloat16, which torch computes):

======== ======= ====
weights  change  lost
======== ======= ====
float32  0.00003 none
F16      0.034   none
bfloat16 0.56    0.25
Q8_0     0.59    0.35
Q6_K     0.86    0.57
Q4_K_M   0.83    0.43
Q4_0     0.75    0.21
======== ======= ====

Neither flash attention nor a float16 cache is the cause: without both, Q4_K_M changes as much (0.71). Between the
library that measures the leads and the one that serves, its leads were seen to change by up to 0.92.
"""

from __future__ import annotations

from typing import Final

from pytest_aprqa.gates.measured import Unjudgeable
from pytest_aprqa.gates.server.service import Service

FLOAT: Final = 0.01
"""Nats, for float32: far more than was measured, since the kernels of other processors and of gpus were not."""
HALF: Final = 0.1
"""Nats, for float16, and for llama.cpp's F32 and F16, whose caches are float16."""
COARSE: Final = 1.0
"""Nats, for bfloat16 and quantized weights, and where nobody knows what a server computes with: 73 % against 27 %."""
BUNDLED: Final = frozenset({"llama.cpp", "transformers"})
"""Servers that compute with what the own engine computes with."""
_BY_DTYPE: Final = {"float32": FLOAT, "float16": HALF, "f16": HALF, "f32": HALF}
"""By torch's names, and by llama.cpp's of types of files."""


def tie_of(service: Service) -> float:
    """Nats below which a lead is none, for a server that runs."""
    if service.server().kind not in BUNDLED:
        return COARSE
    try:
        return tie_of_dtype(service.heard.dtype)
    except Unjudgeable:
        return COARSE


def tie_of_dtype(dtype: str) -> float:
    """By what the own engine says it computes with; a word that is not known is the name of some quantization.

    >>> [tie_of_dtype(dtype) for dtype in ("float32", "F16", "bfloat16", "Q4_K_M", "")]
    [0.01, 0.1, 1.0, 1.0, 1.0]
    """
    return _BY_DTYPE.get(dtype.lower(), COARSE)
