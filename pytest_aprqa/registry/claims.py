"""What a row says that cannot be true whatever its evidence: rules on the row and its record alone. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from pytest_aprqa.core import TIERS, Tier
from pytest_aprqa.core import Award as TierAward
from pytest_aprqa.registry.finding import Finding, Rule
from pytest_aprqa.registry.moments import moment_of
from pytest_aprqa.registry.row import NOT_GIVEN, Row
from pytest_aprqa.registry.sizes import billions_of, size_of
from pytest_aprqa.registry.table import duplicates
from pytest_aprqa.scoring import Status, cert_grade
from pytest_aprqa.scoring.status import PROVISIONAL_FROM, STALE_AFTER_DAYS

LEGACY: Final = ("PARTIAL", "FAIL", "UNTESTED", "REJECTED")
"""Words of older files: read and kept."""

_KNOWN: Final = (*(status.value for status in Status), *LEGACY)
_TOMORROW: Final = timedelta(days=1)
"""Clocks differ; by less than this."""


def false_claims(row: Row, now: datetime) -> tuple[Finding, ...]:
    """Everything that the row alone contradicts."""
    return tuple(Finding(row.model_id, rule, problem) for rule, problems in _RULES for problem in problems(row, now))


def false_rows(rows: Sequence[Row]) -> tuple[Finding, ...]:
    """Models that stand several times."""
    return tuple(
        Finding(model, Rule.ROW, f"stands in {count} rows; which of them holds?")
        for model, count in duplicates(rows).items()
    )


def _size(row: Row, _: datetime) -> Iterator[str]:
    if billions_of(row.parameters) is None:
        yield f"parameters {row.parameters!r} are no count such as 135M or 7B"
    elif size_of(row.parameters) != row.size_category:
        yield f"{row.parameters} parameters are {size_of(row.parameters)}, the row says {row.size_category!r}"


def _status(row: Row, _: datetime) -> Iterator[str]:
    if row.status not in _KNOWN:
        yield f"no status is called {row.status!r}; expected one of {', '.join(Status)}"
        return
    if not row.awarded:
        return
    needed = TIERS[Tier.DEEP].pass_mark if row.status == Status.CERTIFIED else PROVISIONAL_FROM
    if row.mqs_score is None or row.mqs_score < needed:
        score = "no score" if row.mqs_score is None else f"the score {row.mqs_score}"
        yield f"{row.status} needs a score of {needed}, the row has {score}"


def _grade(row: Row, _: datetime) -> Iterator[str]:
    graded = row.grade not in NOT_GIVEN
    if row.mqs_score is None:
        if graded:
            yield f"grade {row.grade} without a score"
    elif (graded or row.awarded) and row.grade != cert_grade(row.mqs_score):
        yield f"the score {row.mqs_score} has the grade {cert_grade(row.mqs_score)}, the row says {row.grade or 'none'}"


def _tier(row: Row, _: datetime) -> Iterator[str]:
    if not row.awarded:
        return
    tier = row.certified_tier
    if tier not in tuple(Tier):
        yield f"{row.status} without a tier that could award it: {tier or 'none'}"
        return
    best = TIERS[Tier(tier)].award
    if best is TierAward.NONE:
        yield f"the tier {tier} awards nothing, the row says {row.status}"
    elif row.status == Status.CERTIFIED and best is not TierAward.CERTIFIED:
        yield f"the tier {tier} cannot certify: it awards at most {best}"


def _gateways(row: Row, _: datetime) -> Iterator[str]:
    missing = [name for name, passed in row.gates.items() if not passed]
    if row.awarded and missing:
        yield f"{row.status} with {', '.join(missing)} not passed in the row itself"


def _date(row: Row, now: datetime) -> Iterator[str]:
    at = moment_of(row.last_certified)
    if at is None:
        if row.awarded or row.last_certified not in NOT_GIVEN:
            yield f"expected the date of the measurement, found {row.last_certified or 'nothing'!r}"
    elif at > now + _TOMORROW:
        yield f"measured in the future: {row.last_certified}"
    elif row.awarded and now - at > timedelta(days=STALE_AFTER_DAYS):
        yield f"stale: measured {(now - at).days} days ago, an award holds for {STALE_AFTER_DAYS}"


_RULES: Final[tuple[tuple[Rule, Callable[[Row, datetime], Iterator[str]]], ...]] = (
    (Rule.SIZE, _size),
    (Rule.STATUS, _status),
    (Rule.GRADE, _grade),
    (Rule.TIER, _tier),
    (Rule.GATEWAYS, _gateways),
    (Rule.DATE, _date),
)
