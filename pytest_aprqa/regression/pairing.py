"""Which record of one run is about the same thing as which of the other. Pure.

First by case and gate, then by case, then by gate, cell and scenario, and at last by gate, cell and what was said, so
that a renamed scenario finds itself again; where another thing was said, it is another case. Records that one run has
several times under one name count as one, with the worst of their outcomes: no order would tell which belongs to
which. What is left is in one run only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pytest_aprqa.core import Outcome
from pytest_aprqa.evidence import Record


class Change(StrEnum):
    """What became of a case from one run to the other."""

    SAME = "same"
    """Passed, failed or was not judged in both."""
    BROKE = "broke"
    """Passed before and failed after."""
    FIXED = "fixed"
    """Failed before and passed after."""
    NOW_UNJUDGED = "became unjudged"
    """Passed or failed before, skipped or inconclusive after."""
    NOW_JUDGED = "newly judged"
    """Skipped or inconclusive before, passed or failed after."""
    ONLY_BEFORE = "only before"
    ONLY_AFTER = "only after"


@dataclass(frozen=True, slots=True)
class Unit:
    """What one run says of one case under one gate."""

    record: Record
    """The one with the worst outcome, the first of several."""
    count: int
    """Records under this name; more than one is a duplicate."""
    index: int
    """Place of the first in collection order."""


@dataclass(frozen=True, slots=True)
class Pair:
    """The same thing in both runs; at least one of the two is there."""

    before: Unit | None
    after: Unit | None

    @property
    def record(self) -> Record:
        """The later run's record, else the earlier one's."""
        unit = self.after or self.before
        assert unit is not None
        return unit.record

    @property
    def judged(self) -> bool:
        """Whether both runs passed or failed it."""
        return (
            self.before is not None
            and self.after is not None
            and is_judged(self.before.record)
            and is_judged(self.after.record)
        )

    @property
    def change(self) -> Change:
        """What became of it."""
        if self.after is None:
            return Change.ONLY_BEFORE
        if self.before is None:
            return Change.ONLY_AFTER
        then, now = self.before.record, self.after.record
        if is_judged(then) != is_judged(now):
            return Change.NOW_UNJUDGED if is_judged(then) else Change.NOW_JUDGED
        if then.outcome.passed == now.outcome.passed:
            return Change.SAME
        return Change.BROKE if then.outcome.passed else Change.FIXED


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A name that a run has more than once."""

    case_id: str
    gate_id: str
    before: int
    """Records of the earlier run."""
    after: int
    """Records of the later run."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """All pairs of two runs, in the later run's order, and what came several times."""

    pairs: tuple[Pair, ...]
    duplicates: tuple[Duplicate, ...]


Key = Callable[[Record], Hashable | None]


def _said(record: Record) -> Hashable | None:
    """What the model was told: a name under which something else is asked is another case.

    None for gates, which say what they need to, and nothing where they were skipped.
    """
    return None if record.scenario is None else (record.system, record.turns)


def _where(record: Record) -> Hashable:
    return record.gate_id, record.target_id, record.modality


def _name(record: Record) -> Hashable:
    return record.case_id, record.gate_id, _said(record)


def _case(record: Record) -> Hashable:
    return record.case_id, _said(record)


def _scenario(record: Record) -> Hashable | None:
    return None if record.scenario is None else (_where(record), record.scenario, _said(record))


def _prompt(record: Record) -> Hashable | None:
    return (_where(record), _said(record)) if record.scenario is not None and record.turns else None


def _place(record: Record) -> Hashable | None:
    return _where(record) if record.scenario is None else None


_KEYS: tuple[Key, ...] = (_name, _case, _scenario, _prompt, _place)
"""In the order in which they are tried; one that does not point to a single record on each side joins nothing."""


def pair_records(before: Sequence[Record], after: Sequence[Record]) -> Pairing:
    """Pairs the records of two runs."""
    then, now = _units(before), _units(after)
    duplicates = _duplicates(then, now)
    pairs: list[Pair] = []
    for key in _KEYS:
        thens, nows = _single(then, key), _single(now, key)
        joined = [(thens[word], nows[word]) for word in nows if word in thens]
        pairs += [Pair(one, other) for one, other in joined]
        taken_then, taken_now = {id(one) for one, _ in joined}, {id(other) for _, other in joined}
        then = [unit for unit in then if id(unit) not in taken_then]
        now = [unit for unit in now if id(unit) not in taken_now]
    pairs += [Pair(None, unit) for unit in now] + [Pair(unit, None) for unit in then]
    return Pairing(tuple(sorted(pairs, key=_order)), duplicates)


def is_judged(record: Record) -> bool:
    """Whether it passed or failed."""
    return record.outcome.passed or record.outcome.failed


_WORST = (
    Outcome.CRASHED,
    Outcome.TIMEOUT,
    Outcome.FALSIFIED,
    Outcome.CORROBORATED,
    Outcome.INCONCLUSIVE,
    Outcome.SKIPPED,
)


def _units(records: Iterable[Record]) -> list[Unit]:
    groups: dict[Hashable, list[Record]] = {}
    for record in records:
        groups.setdefault(_name(record), []).append(record)
    return [
        Unit(min(group, key=lambda record: _WORST.index(record.outcome)), len(group), group[0].index)
        for group in groups.values()
    ]


def _single(units: Sequence[Unit], key: Key) -> dict[Hashable, Unit]:
    words = [(key(unit.record), unit) for unit in units]
    counted = Counter(word for word, _ in words)
    return {word: unit for word, unit in words if word is not None and counted[word] == 1}


def _duplicates(before: Sequence[Unit], after: Sequence[Unit]) -> tuple[Duplicate, ...]:
    counts = [{_name(unit.record): unit.count for unit in units} for units in (before, after)]
    several = {_name(unit.record): unit.record for units in (before, after) for unit in units if unit.count > 1}
    return tuple(
        Duplicate(record.case_id, record.gate_id, counts[0].get(name, 0), counts[1].get(name, 0))
        for name, record in several.items()
    )


def _order(pair: Pair) -> tuple[bool, int, str]:
    unit = pair.after or pair.before
    assert unit is not None
    return pair.after is None, unit.index, unit.record.case_id
