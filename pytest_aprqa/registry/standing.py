"""How a row stands today: its status, and everything that takes from it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from pytest_aprqa.registry.awards import Award, Origin
from pytest_aprqa.registry.moments import moment_of
from pytest_aprqa.registry.row import Row
from pytest_aprqa.scoring import Status
from pytest_aprqa.scoring.status import STALE_AFTER_DAYS

_VALID_FOR: Final = timedelta(days=STALE_AFTER_DAYS)
_NO_RUNS: Final[Mapping[str, Award]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Standing:
    """How a row stands."""

    status: str
    """The row's word."""
    verified: bool
    """True when a run of this package is recorded that gave this status."""
    stale_days: int | None
    """Age of an award that is to be renewed, in days; None while it holds."""
    remarks: tuple[str, ...]
    """What takes from the status, such as ``imported, unverified``; without ages, so that they change seldom."""

    @property
    def holds(self) -> bool:
        """True for a status that may be shown as it is."""
        return not self.remarks

    @property
    def text(self) -> str:
        """On one line, such as ``CERTIFIED (stale, 93 days)``."""
        told = [
            f"stale, {self.stale_days} days" if remark == "stale" and self.stale_days is not None else remark
            for remark in self.remarks
        ]
        return f"{self.status} ({', '.join(told)})" if told else self.status


def standing(row: Row, award: Award | None, *, now: datetime, runs: Mapping[str, Award] | None = None) -> Standing:
    """How a row stands.

    Args:
        row: the row.
        award: what is recorded of it.
        now: today.
        runs: the last run of each tier; one that was blocked after the award is a remark.
    """
    verified = award is not None and award.origin is Origin.MEASURED and award.status == row.status
    since = moment_of(row.last_certified)
    age = None if since is None or not row.awarded else now - since
    stale_days = age.days if age is not None and age > _VALID_FOR else None
    remarks = (*_origin(row, award), *_age(row, since, stale_days), *_refuted(since, runs or _NO_RUNS))
    return Standing(row.status, verified, stale_days, remarks)


def _origin(row: Row, award: Award | None) -> Iterator[str]:
    if award is not None and award.origin is Origin.IMPORTED:
        yield "imported"
        yield "unverified"
    elif award is None and row.status != Status.PENDING:
        yield "no evidence recorded"
        yield "unverified"
    elif award is not None and award.status != row.status:
        yield f"its record says {award.status or 'nothing'}"
        yield "unverified"


def _age(row: Row, since: datetime | None, stale_days: int | None) -> Iterator[str]:
    if row.awarded and since is None:
        yield "undated"
    if stale_days is not None:
        yield "stale"


def _refuted(since: datetime | None, runs: Mapping[str, Award]) -> Iterator[str]:
    for tier, run in sorted(runs.items()):
        at = moment_of(run.at)
        if run.status == Status.BLOCKED and at is not None and (since is None or at > since):
            yield f"blocked in a later {tier} run"
