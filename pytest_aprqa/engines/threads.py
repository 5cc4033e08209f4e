"""How many threads an engine computes with, where nobody says: as OpenMP's own variable has it, else the cores."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

_VARIABLE: Final = "OMP_NUM_THREADS"
_MOST: Final = 4096
"""More is a slip of the pen, which a library would answer by dying."""


def default_threads(environment: Mapping[str, str], *, busy: int = 1) -> int:
    """Threads of one engine.

    Args:
        environment: a positive number in ``OMP_NUM_THREADS`` is the answer; of a list, which OpenMP allows, the first.
        busy: engines that compute at the same time, which share the cores.

    >>> default_threads({"OMP_NUM_THREADS": "3"}), default_threads({"OMP_NUM_THREADS": " 4,2"}, busy=2)
    (3, 4)
    >>> default_threads({"OMP_NUM_THREADS": "0"}) == default_threads({})
    True
    """
    word = environment.get(_VARIABLE, "").partition(",")[0].strip()
    if word.isascii() and word.isdigit() and len(word) <= len(str(_MOST)) and 1 <= int(word) <= _MOST:
        return int(word)
    return max(1, len(os.sched_getaffinity(0)) // max(1, busy))
