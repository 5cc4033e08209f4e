"""When a change is a regression, and what to keep in mind: rules of one shape. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from pytest_aprqa.core import Category, GatewayState
from pytest_aprqa.regression.circumstances import Difference
from pytest_aprqa.regression.comparison import GatewayChange, Limits
from pytest_aprqa.regression.flips import Flip
from pytest_aprqa.regression.measures import MeasureDelta
from pytest_aprqa.regression.pairing import Change, Duplicate
from pytest_aprqa.regression.speeds import SpeedDelta, SpeedRatio
from pytest_aprqa.regression.tally import Group, Tally, exact_test

_NAMED: Final = 3
"""Cases named in one reason."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What the rules look at."""

    limits: Limits
    blocked: bool
    """Whether the later run is BLOCKED and the earlier one was not."""
    complete: bool
    """Whether the later run had all cases; else a gateway that is unknown now was merely not asked."""
    tally: Tally
    targets: tuple[Group, ...]
    flips: tuple[Flip, ...]
    duplicates: tuple[Duplicate, ...]
    measures: tuple[MeasureDelta, ...]
    speeds: tuple[SpeedDelta, ...]
    gateways: tuple[GatewayChange, ...]
    differences: tuple[Difference, ...]


def blocked_rule(found: Findings) -> Iterator[str]:
    """The later run is blocked, be it by what the earlier one never judged."""
    if found.blocked:
        yield "the later run is BLOCKED, the earlier one was not"


def gateway_rule(found: Findings) -> Iterator[str]:
    """A gateway that was passed is lost."""
    for change in found.gateways:
        lost = change.after is GatewayState.FAILED or (change.after is GatewayState.UNKNOWN and found.complete)
        if change.target_id is not None and change.before is GatewayState.PASSED and lost:
            yield f"{change.gateway} of {change.target_id} was passed and is {change.after}"


def broken_rule(found: Findings) -> Iterator[str]:
    """Repeatable cases of weight broke."""
    firm = [flip for flip in found.flips if flip.firm]
    if len(firm) > found.limits.max_broken:
        more = f" and {len(firm) - _NAMED} more" if len(firm) > _NAMED else ""
        names = ", ".join(flip.case_id for flip in firm[:_NAMED])
        yield f"{_cases(firm)} of P0 or P1 broke, {found.limits.max_broken} allowed: {names}{more}"


def chance_rule(found: Findings) -> Iterator[str]:
    """More cases broke than chance would break."""
    test, alpha = exact_test(found.tally), found.limits.alpha
    if test.p_worse < alpha:
        yield (
            f"{test.broke} cases broke and {test.fixed} were fixed: McNemar's exact test, one-sided "
            f"p = {test.p_worse:.3g}, alpha {alpha:g}"
        )
    for group in found.targets:
        if len(found.targets) > 1 and group.p_adjusted < alpha:
            yield (
                f"of {group.name} {group.test.broke} cases broke and {group.test.fixed} were fixed: McNemar's exact "
                f"test, one-sided p = {group.p_adjusted:.3g} for {len(found.targets)} targets, alpha {alpha:g}"
            )


def unjudged_rule(found: Findings) -> Iterator[str]:
    """More passes are no longer judged than are allowed."""
    lost, most = len(_lost_passes(found)), found.limits.max_unjudged
    if most is not None and lost > most:
        yield f"{lost} cases that passed were not judged again, {most} allowed"


def measure_rule(found: Findings) -> Iterator[str]:
    """A divergence rose beyond its interval and beyond its share of the limit."""
    for delta in found.measures:
        if delta.surely_worse and delta.room is not None:
            most = delta.room * found.limits.max_divergence_rise
            if delta.worsening > most:
                yield (
                    f"{delta.quantity} of {delta.target_id} went from {delta.before.value:.4g} to "
                    f"{delta.after.value:.4g} (difference {delta.low:.3g} to {delta.high:.3g}), "
                    f"{most:.3g} allowed"
                )


def speed_rule(found: Findings) -> Iterator[str]:
    """The whole interval of a ratio is beyond its limit."""
    for delta in found.speeds:
        for ratio in delta.ratios:
            if _too_slow(ratio, found.limits):
                share = found.limits.max_throughput_drop if ratio.is_rate else found.limits.max_latency_rise
                side = "less" if ratio.is_rate else "more"
                yield (
                    f"{ratio.words} of {delta.target_id} is {ratio.ratio:.3g} times what it was "
                    f"({ratio.low:.3g} to {'?' if ratio.high is None else f'{ratio.high:.3g}'}), "
                    f"{share:.0%} {side} allowed"
                )


_REGRESSIONS: Final[tuple[Callable[[Findings], Iterator[str]], ...]] = (
    gateway_rule,
    blocked_rule,
    broken_rule,
    chance_rule,
    unjudged_rule,
    measure_rule,
    speed_rule,
)


def reasons_of(found: Findings) -> tuple[str, ...]:
    """Why this is a regression; empty where it is none."""
    return tuple(reason for rule in _REGRESSIONS for reason in rule(found))


def nothing_remark(found: Findings) -> Iterator[str]:
    """Comparing nothing is never a pass."""
    if not found.tally.compared:
        yield "nothing was compared: no case was passed or failed by both runs"


def doubt_remark(found: Findings) -> Iterator[str]:
    """Circumstances that cast doubt."""
    for difference in found.differences:
        if difference.doubt:
            yield f"{difference.what}: {difference.doubt}"


def lost_remark(found: Findings) -> Iterator[str]:
    """Passes of which the later run says nothing."""
    if lost := _lost_passes(found):
        absent = sum(flip.change is Change.ONLY_BEFORE for flip in lost)
        yield f"{_cases(lost)} that passed not judged again, {absent} of them not in the later run"


def other_question_remark(found: Findings) -> Iterator[str]:
    """Names that mean something else now."""
    both = (Change.ONLY_BEFORE, Change.ONLY_AFTER)
    names = [{flip.case_id for flip in found.flips if flip.change is only} for only in both]
    if other := sorted(names[0] & names[1]):
        yield f"{len(other)} with another question under the same name, not compared, such as {other[0]}"


def failing_remark(found: Findings) -> Iterator[str]:
    """Failures that no earlier verdict stands against."""
    new = (Change.NOW_JUDGED, Change.ONLY_AFTER)
    failing = [
        flip for flip in found.flips if flip.change in new and flip.after is not None and flip.after.outcome.failed
    ]
    if failing:
        yield f"{_cases(failing)} failing that the earlier run did not judge, such as {failing[0].case_id}"


def chance_remark(found: Findings) -> Iterator[str]:
    """What broke and may mend by itself."""
    broken = [flip for flip in found.flips if flip.change is Change.BROKE and not flip.repeatable]
    if broken:
        speed = sum(flip.category is Category.PERF for flip in broken)
        yield (
            f"{_cases(broken)} broken by chance or clock ({speed} on speed, {len(broken) - speed} sampled): "
            "they count in the test only"
        )


def duplicate_remark(found: Findings) -> Iterator[str]:
    """Names that are no names."""
    if found.duplicates:
        first, count = found.duplicates[0], len(found.duplicates)
        yield (
            f"{count} {'name' if count == 1 else 'names'} several times in a run, counted once with the worst outcome, "
            f"such as {first.case_id} under {first.gate_id} ({first.before} before, {first.after} after)"
        )


def speed_remark(found: Findings) -> Iterator[str]:
    """Speeds that are not of the same thing."""
    for delta in found.speeds:
        if delta.problem:
            yield f"the speed of {delta.target_id} is not compared: {delta.problem}"


_REMARKS: Final[tuple[Callable[[Findings], Iterator[str]], ...]] = (
    nothing_remark,
    doubt_remark,
    lost_remark,
    other_question_remark,
    failing_remark,
    chance_remark,
    duplicate_remark,
    speed_remark,
)


def warnings_of(found: Findings) -> tuple[str, ...]:
    """What to keep in mind."""
    return tuple(remark for rule in _REMARKS for remark in rule(found))


def _cases(flips: list[Flip]) -> str:
    return f"{len(flips)} {'case' if len(flips) == 1 else 'cases'}"


def _lost_passes(found: Findings) -> list[Flip]:
    return [
        flip
        for flip in found.flips
        if flip.change in (Change.NOW_UNJUDGED, Change.ONLY_BEFORE)
        and flip.before is not None
        and flip.before.outcome.passed
    ]


def _too_slow(ratio: SpeedRatio, limits: Limits) -> bool:
    if ratio.is_rate:
        return ratio.high is not None and ratio.high < 1 - limits.max_throughput_drop
    return ratio.low > 1 + limits.max_latency_rise
