"""The score policy ``upstream``: the published formula, bit for bit, with its faults.

What was not tested gets full marks, a skipped record counts as passed, and a gateway without evidence passes; so a
model that could not even be downloaded scores 800. Kept to compare with published scores; no verdict of ours uses it.
An inconclusive record, which the original does not know, counts as skipped does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final, NamedTuple

from pytest_aprqa.core import Category, Gateway, Json, Outcome
from pytest_aprqa.evidence import Record, plain_json
from pytest_aprqa.scoring.gate_ids import category_by_rule
from pytest_aprqa.scoring.grades import grade
from pytest_aprqa.scoring.points import GATEWAY_PENALTY, MAX_POINTS, normalized
from pytest_aprqa.scoring.tally import Penalty, penalties

_QUALIFIES_FROM: Final = 70
_PRODUCTION_FROM: Final = 90


class Tally(NamedTuple):
    """Counts of one category."""

    passed: int
    """Skipped ones included."""
    total: int


@dataclass(frozen=True, slots=True)
class UpstreamMqs:
    """The score by the published formula."""

    raw_score: int
    """0-1000."""
    normalized_score: float
    """0-100."""
    grade: str
    gateways: Mapping[Gateway, bool]
    """True for passed, which is also a gateway without evidence."""
    categories: Mapping[Category, int]
    """Points; all 0 when a gateway failed."""
    tallies: Mapping[Category, Tally]
    ungated_categories: Mapping[Category, int]
    """Points as if no gateway had failed."""
    ungated_raw: int
    """Score as if no gateway had failed."""
    penalties: tuple[Penalty, ...]
    total_penalty: int
    total_tests: int
    tests_passed: int
    """Skipped ones included."""
    tests_failed: int
    qualifies: bool
    production_ready: bool

    @property
    def gateways_passed(self) -> bool:
        """True when none failed."""
        return all(self.gateways.values())

    def to_json(self) -> dict[str, Json]:
        """Plain JSON."""
        plain = plain_json(asdict(self))
        assert isinstance(plain, dict)
        return plain


def score_upstream(records: Iterable[Record]) -> UpstreamMqs:
    """Scores the records by the published formula."""
    known = tuple(records)
    gateways = {gateway: not fails(known) for gateway, fails in _GATEWAY_RULES.items()}
    failed = [gateway for gateway, passed in gateways.items() if not passed]
    tallies = _tallies(known)
    ungated = {category: _points(counted, MAX_POINTS[category]) for category, counted in tallies.items()}
    crashed = sum(record.outcome is Outcome.CRASHED for record in known)
    timeout = sum(record.outcome is Outcome.TIMEOUT for record in known)
    found = penalties(crashed, timeout, ())
    penalty = sum(one.points for one in found)
    ungated_raw = max(0, sum(ungated.values()) - penalty)
    raw = 0 if failed else ungated_raw
    normalized_score = normalized(raw)
    tests_failed = sum(record.outcome.failed for record in known)
    return UpstreamMqs(
        raw_score=raw,
        normalized_score=normalized_score,
        grade=grade(normalized_score),
        gateways=gateways,
        categories=dict.fromkeys(Category, 0) if failed else ungated,
        tallies=tallies,
        ungated_categories=ungated,
        ungated_raw=ungated_raw,
        penalties=penalties(0, 0, failed) if failed else found,
        total_penalty=GATEWAY_PENALTY if failed else penalty,
        total_tests=len(known),
        tests_passed=len(known) - tests_failed,
        tests_failed=tests_failed,
        qualifies=not failed and normalized_score >= _QUALIFIES_FROM,
        production_ready=not failed and normalized_score >= _PRODUCTION_FROM,
    )


def _tallies(records: Sequence[Record]) -> dict[Category, Tally]:
    counted = dict.fromkeys(Category, Tally(0, 0))
    for record in records:
        category = category_by_rule(record.gate_id)
        passed, total = counted[category]
        counted[category] = Tally(passed + (not record.outcome.failed), total + 1)
    return counted


def _points(counted: Tally, maximum: int) -> int:
    # In floating point, as the original computes it, where `points` is exact.
    return math.floor(counted.passed / counted.total * maximum + 0.5) if counted.total else maximum


def _g0_fails(records: Sequence[Record]) -> bool:
    return any(record.outcome.failed and record.gate_id.startswith("G0-INTEGRITY") for record in records)


def _g1_fails(records: Sequence[Record]) -> bool:
    return any(record.outcome.failed and "G1" in record.gate_id for record in records)


def _g2_fails(records: Sequence[Record]) -> bool:
    return any(record.outcome.failed and "G2" in record.gate_id for record in records)


def _g3_fails(records: Sequence[Record]) -> bool:
    return any(record.outcome is Outcome.CRASHED for record in records)


def _g4_fails(records: Sequence[Record]) -> bool:
    return sum(record.outcome.failed and "G4" in record.gate_id for record in records) > len(records) // 4


_GATEWAY_RULES: Final[Mapping[Gateway, Callable[[Sequence[Record]], bool]]] = {
    Gateway.G0: _g0_fails,
    Gateway.G1: _g1_fails,
    Gateway.G2: _g2_fails,
    Gateway.G3: _g3_fails,
    Gateway.G4: _g4_fails,
}
