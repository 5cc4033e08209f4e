"""Changes counted: over all cases, and by target and category, each with its test. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from pytest_aprqa.regression.mcnemar import McNemar, holm, mcnemar
from pytest_aprqa.regression.pairing import Change, Pair
from pytest_aprqa.scoring import category_of

NO_TARGET: Final = "no target"
"""Name of the group of records that have none."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many cases changed how."""

    both_passed: int
    both_failed: int
    broke: int
    fixed: int
    both_unjudged: int
    now_unjudged: int
    now_judged: int
    only_before: int
    only_after: int

    @property
    def compared(self) -> int:
        """Cases that both runs passed or failed."""
        return self.both_passed + self.both_failed + self.broke + self.fixed


@dataclass(frozen=True, slots=True)
class Group:
    """The cases of one target or one category."""

    name: str
    tally: Tally
    test: McNemar
    p_adjusted: float
    """`McNemar.p_worse`, made larger by Holm's method for the number of groups beside it."""


def tally_of(pairs: Iterable[Pair]) -> Tally:
    """Counts the changes."""
    counts: Counter[Change] = Counter()
    same: Counter[str] = Counter()
    for pair in pairs:
        change = pair.change
        counts[change] += 1
        if change is Change.SAME:
            outcome = pair.record.outcome
            same["passed" if outcome.passed else "failed" if outcome.failed else "unjudged"] += 1
    return Tally(
        both_passed=same["passed"],
        both_failed=same["failed"],
        broke=counts[Change.BROKE],
        fixed=counts[Change.FIXED],
        both_unjudged=same["unjudged"],
        now_unjudged=counts[Change.NOW_UNJUDGED],
        now_judged=counts[Change.NOW_JUDGED],
        only_before=counts[Change.ONLY_BEFORE],
        only_after=counts[Change.ONLY_AFTER],
    )


def exact_test(tally: Tally) -> McNemar:
    """The test of a tally."""
    return mcnemar(tally.broke, tally.fixed)


def by_target(pairs: Sequence[Pair]) -> tuple[Group, ...]:
    """One group for each target, sorted by its id."""
    return _groups(pairs, lambda pair: pair.record.target_id or NO_TARGET)


def by_category(pairs: Sequence[Pair]) -> tuple[Group, ...]:
    """One group for each score category, sorted by its name."""
    return _groups(pairs, lambda pair: category_of(pair.record.gate_id).value)


def _groups(pairs: Sequence[Pair], name_of: Callable[[Pair], str]) -> tuple[Group, ...]:
    members: dict[str, list[Pair]] = {}
    for pair in pairs:
        members.setdefault(name_of(pair), []).append(pair)
    tallies = {name: tally_of(members[name]) for name in sorted(members)}
    tests = {name: exact_test(tally) for name, tally in tallies.items()}
    adjusted = holm([test.p_worse for test in tests.values()])
    return tuple(
        Group(name, tally, tests[name], p_adjusted)
        for (name, tally), p_adjusted in zip(tallies.items(), adjusted, strict=True)
    )
