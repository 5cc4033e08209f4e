"""What an ``hf_parity`` oracle of a playbook asks for: which corpus, and how close its logits must be met.

``config`` has ``corpus_path`` (a path or a name, see `find_golden`) and ``tolerance``: a word, ``fp32``, ``fp16``,
``bf16``, ``int8``, ``int4`` or any stored type that has limits; or a number, the most that the normalized error of the
logits may be; or an object of quantities and numbers, such as ``{golden_kl: 0.01}``. Without it, the limits are those
of the artefact's own type.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from pytest_aprqa.core import AprqaError, Json
from pytest_aprqa.parity import Quantity, limit_for

KEYS: Final = frozenset({"corpus_path", "tolerance"})

_PRECISIONS: Final = {"fp32": "f32", "fp16": "f16", "int8": "q8_0", "int4": "q4_0"}
"""Words of older playbooks, and the stored types whose limits they mean."""

_JUDGED: Final = (Quantity.GOLDEN_KL, Quantity.LOGIT_NMSE, Quantity.TOP1, Quantity.GREEDY_MARGIN)
"""Quantities that a comparison with a corpus has."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One ``hf_parity`` oracle."""

    corpus: str
    """Path or name; empty where the playbook names none, which takes the model's own family."""
    word: str | None = None
    """Stored type whose limits apply; None takes the artefact's."""
    overrides: Mapping[str, float] = field(default_factory=dict)
    """Limits by quantity."""


def read_hf_parity(config: Mapping[str, Json]) -> Wanted:
    """Reads an oracle's configuration.

    >>> read_hf_parity({"corpus_path": "aprqa-tiny", "tolerance": "fp16"}).word
    'f16'

    Raises:
        ValueError: a key is unknown or a value makes no sense.
    """
    if unknown := set(config) - KEYS:
        raise ValueError(f"unknown key {sorted(unknown)[0]!r}; expected one of {', '.join(sorted(KEYS))}")
    corpus = config.get("corpus_path", "")
    if not isinstance(corpus, str):
        raise ValueError(f"corpus_path: expected a path or a name; found {corpus!r:.60}")
    tolerance = config.get("tolerance")
    if tolerance is None:
        return Wanted(corpus)
    if isinstance(tolerance, str):
        return Wanted(corpus, _word(tolerance))
    if isinstance(tolerance, dict):
        return Wanted(corpus, None, dict(_limit(name, value) for name, value in tolerance.items()))
    return Wanted(corpus, None, dict([_limit(Quantity.LOGIT_NMSE, tolerance)]))


def _word(tolerance: str) -> str:
    word = _PRECISIONS.get(tolerance.lower(), tolerance)
    try:
        limit_for(word, Quantity.GOLDEN_KL)
    except AprqaError as exc:
        raise ValueError(f"tolerance: {exc}") from exc
    return word


def _limit(name: str, value: Json) -> tuple[str, float]:
    if name not in _JUDGED:
        raise ValueError(f"tolerance: expected one of {', '.join(_JUDGED)}; found {name!r:.60}")
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    if not 0 <= number < math.inf:
        raise ValueError(f"tolerance {name}: expected a number from 0; found {value!r:.60}")
    return name, float(number)
