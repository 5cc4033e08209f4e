"""What changed since an earlier run, as the page shows it; the comparison itself is made in the regression room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from pytest_aprqa.regression import Change, Comparison, Conclusion, Flip, MeasureDelta, Side, SpeedDelta, Told
from pytest_aprqa.reports.details import short_number
from pytest_aprqa.reports.page.links import records_link
from pytest_aprqa.reports.page.texts import block

MOST_FLIPS: Final = 100
MOST_ROWS: Final = 200
"""Of each other table."""

Rows = tuple[tuple[str, ...], ...]

_LONELY: Final = (Change.ONLY_BEFORE, Change.ONLY_AFTER)
_VERDICTS: Final = {
    Conclusion.REGRESSED: ("failed", "The later run is worse beyond the limits."),
    Conclusion.STOOD: ("passed", "Nothing is worse beyond the limits."),
    Conclusion.NOTHING_COMPARED: ("unknown", "No case was judged by both runs, so this says nothing."),
}


@dataclass(frozen=True, slots=True)
class Turnabout:
    """One case that changed."""

    change: str
    css: str
    severity: str
    case_id: str
    gate_id: str
    by_chance: bool
    """Whether chance or the clock has a say."""
    prompt: Markup | None
    sides: tuple[tuple[str, str, Markup, Markup | None], ...]
    """Before and after, where the run has it: when, outcome, reason, answer."""
    link: str


@dataclass(frozen=True, slots=True)
class Changes:
    """The whole view."""

    css: str
    conclusion: str
    sentence: str
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]
    sides: Rows
    """Name, before, after."""
    counts: tuple[tuple[str, int], ...]
    test: str
    gateways: Rows
    groups: Rows
    """Target or category, compared, broke, fixed, adjusted p."""
    measures: Rows
    speeds: Rows
    turnabouts: tuple[Turnabout, ...]
    turnabouts_more: int
    lonely: Rows
    """Change, severity and name of the cases that only one run has."""
    lonely_more: int
    differences: Rows


def changes_of(comparison: Comparison) -> Changes:
    """The comparison as the template reads it."""
    css, sentence = _VERDICTS[comparison.conclusion]
    test = comparison.test
    lonely = [flip for flip in comparison.flips if flip.change in _LONELY]
    turned = [flip for flip in comparison.flips if flip.change not in _LONELY]
    return Changes(
        css=css,
        conclusion=comparison.conclusion,
        sentence=sentence,
        reasons=comparison.reasons[:MOST_ROWS],
        warnings=comparison.warnings[:MOST_ROWS],
        sides=_sides(comparison.before, comparison.after),
        counts=_counts(comparison),
        test=f"McNemar's exact test, one-sided: p = {test.p_worse:.3g}; two-sided: p = {test.p_two_sided:.3g}",
        gateways=tuple(
            (f"{one.gateway} {one.gateway.word}", one.target_id or "model", one.before, one.after)
            for one in comparison.gateways[:MOST_ROWS]
        ),
        groups=tuple(
            (
                group.name,
                *map(str, (group.tally.compared, group.test.broke, group.test.fixed)),
                f"{group.p_adjusted:.3g}",
            )
            for group in (*comparison.by_target, *comparison.by_category)
            if group.tally.compared
        )[:MOST_ROWS],
        measures=tuple(map(_measure, comparison.measures[:MOST_ROWS])),
        speeds=tuple(row for delta in comparison.speeds[:MOST_ROWS] for row in _speeds(delta)),
        turnabouts=tuple(map(_turnabout, turned[:MOST_FLIPS])),
        turnabouts_more=max(0, len(turned) - MOST_FLIPS),
        lonely=tuple((flip.change, flip.severity, flip.case_id) for flip in lonely[:MOST_ROWS]),
        lonely_more=max(0, len(lonely) - MOST_ROWS),
        differences=tuple((one.what, one.before, one.after, one.doubt) for one in comparison.differences[:MOST_ROWS]),
    )


def _sides(before: Side, after: Side) -> Rows:
    def facts(side: Side) -> tuple[str, ...]:
        low, high = side.interval
        judged = (
            f"{side.passed:,} of {side.total:,} judged (95 % {low:.1%} to {high:.1%})" if side.total else "none judged"
        )
        gateways = ", ".join(f"{gateway} {state}" for gateway, state in side.gateways.items())
        run = (side.model, side.playbook or "not named", side.started_at or "not known")
        return (*run, side.status, side.headline, judged, gateways, f"{side.records:,}")

    names = ("Model", "Playbook", "Started", "Status", "Score", "Passed", "Gateways", "Records")
    return tuple(zip(names, facts(before), facts(after), strict=True))


def _counts(comparison: Comparison) -> tuple[tuple[str, int], ...]:
    tally = comparison.tally
    return (
        ("broke", tally.broke),
        ("fixed", tally.fixed),
        ("passed in both", tally.both_passed),
        ("failed in both", tally.both_failed),
        ("became unjudged", tally.now_unjudged),
        ("newly judged", tally.now_judged),
        ("only before", tally.only_before),
        ("only after", tally.only_after),
        ("same outcome, other words", comparison.answers_changed),
    )


def _measure(delta: MeasureDelta) -> tuple[str, ...]:
    known = delta.low is not None and delta.high is not None
    interval = f"{short_number(delta.low)} to {short_number(delta.high)}" if known else ""
    numbers = (delta.before.value, delta.after.value, delta.delta)
    return delta.target_id, delta.quantity, *map(short_number, numbers), interval, short_number(delta.after.limit)


def _speeds(delta: SpeedDelta) -> Rows:
    if not delta.ratios:
        return ((delta.target_id, f"not compared: {delta.problem}", "", ""),)
    return tuple(
        (delta.target_id, ratio.words, f"× {ratio.ratio:.3g}", f"{ratio.low:.3g} to {short_number(ratio.high)}")
        for ratio in delta.ratios
    )


def _turnabout(flip: Flip) -> Turnabout:
    css = {Change.BROKE: "o-falsified", Change.FIXED: "o-corroborated"}.get(flip.change, "o-skipped")
    sides = (("Before", flip.before), ("After", flip.after))
    return Turnabout(
        change=flip.change,
        css=css,
        severity=flip.severity,
        case_id=flip.case_id,
        gate_id=flip.gate_id,
        by_chance=not flip.repeatable,
        prompt=block(flip.prompt) if flip.prompt else None,
        sides=tuple((when, *_told(told)) for when, told in sides if told is not None),
        link=records_link(q=flip.case_id),
    )


def _told(told: Told) -> tuple[str, Markup, Markup | None]:
    return told.outcome, block(told.reason), None if told.answer is None else block(told.answer or "(empty)")
