"""A comparison of two runs, for a terminal and as Markdown: the same sections, drawn in two ways. Pure.

Every text from outside is made printable first. Knows nothing of files, and judges nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pytest_aprqa.core import counted, excerpt
from pytest_aprqa.regression import (
    Change,
    Comparison,
    Conclusion,
    Flip,
    Group,
    MeasureDelta,
    Side,
    SpeedRatio,
)
from pytest_aprqa.reports.markdown import MAX_BYTES, markdown_text

_MIN_WIDTH: Final = 40
_FLIPS: Final = 20
_ROWS: Final = 30
_TEXT_CHARS: Final = 200
_SEEN_REL: Final = 1e-4
_STYLES: Final = {
    Conclusion.REGRESSED: "bold red",
    Conclusion.NOTHING_COMPARED: "bold yellow",
    Conclusion.STOOD: "bold green",
}


@dataclass(frozen=True, slots=True)
class _Section:
    """A heading with a list or a table below it; the texts are as raw as the evidence."""

    title: str
    note: str = ""
    lines: tuple[str, ...] = ()
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show."""
        return not self.lines and not self.rows


def render_comparison(
    comparison: Comparison, *, width: int, color: bool, ascii: bool = False, everything: bool = False
) -> str:
    """The comparison for a terminal.

    Args:
        comparison: what to show.
        width: columns of the terminal; below 40 counts as 40.
        color: with terminal colors.
        ascii: for a stream that cannot print anything else.
        everything: every changed case and every number, not the first ones.
    """
    console = Console(
        file=StringIO(),
        width=max(width, _MIN_WIDTH),
        force_terminal=color,
        color_system="standard" if color else None,
        legacy_windows=False,
        markup=False,
        emoji=False,
        highlight=False,
        _environ={},
    )
    console.print(Text(comparison.conclusion.value, style=_STYLES[comparison.conclusion]))
    for section in _sections(comparison, everything=everything):
        console.print()
        console.print(Text.assemble((section.title, "bold"), (f"  {section.note}" if section.note else "", "dim")))
        console.print(Padding(_grid(section, ascii=ascii), (0, 0, 0, 2), expand=False))
    assert isinstance(console.file, StringIO)
    return "".join(f"{line.rstrip()}\n" for line in console.file.getvalue().rstrip("\n").split("\n"))


def render_comparison_markdown(comparison: Comparison, *, everything: bool = False) -> str:
    """The comparison as GitHub Markdown; below 1 MB, so that a step summary or a comment can hold it."""
    parts = [f"## {markdown_text(comparison.after.model)}: {comparison.conclusion}"]
    for section in _sections(comparison, everything=everything):
        note = f" ({markdown_text(section.note)})" if section.note else ""
        parts.append(f"### {section.title[:1].upper()}{section.title[1:]}{note}")
        if section.lines:
            parts.append("\n".join(f"* {_escaped(line)}" for line in section.lines))
        if section.rows:
            head = section.header or ("",) * len(section.rows[0])
            table = [head, ("---",) * len(head), *(tuple(map(_escaped, row)) for row in section.rows)]
            parts.append("\n".join(f"| {' | '.join(cells)} |" for cells in table))
    return _cut("\n\n".join(parts) + "\n")


def _sections(comparison: Comparison, *, everything: bool) -> Iterator[_Section]:
    found = (
        _Section("runs", rows=(("before", *_side(comparison.before)), ("after", *_side(comparison.after)))),
        _Section("cases", lines=tuple(_case_lines(comparison))),
        _Section("regressed because", lines=comparison.reasons),
        _Section("keep in mind", lines=comparison.warnings),
        _gateways(comparison),
        _flips(comparison, everything=everything),
        _groups("targets", comparison.by_target, everything=everything),
        _groups("categories", comparison.by_category, everything=everything),
        _measures(comparison, everything=everything),
        _speeds(comparison),
        _differences(comparison),
    )
    return (section for section in found if not section.is_empty)


def _side(side: Side) -> tuple[str, str]:
    named = ", ".join(filter(None, (side.model, side.playbook, side.tier and f"tier {side.tier}", side.started_at)))
    low, high = side.interval
    judged = f"{side.passed} of {side.total} passed, {low:.1%} .. {high:.1%}" if side.total else "nothing judged"
    gateways = " ".join(f"{gateway} {state}" for gateway, state in side.gateways.items())
    return named, f"{side.headline}; {judged}; {gateways}"


def _case_lines(comparison: Comparison) -> Iterator[str]:
    tally, test = comparison.tally, comparison.test
    yield (
        f"{counted(tally.compared, 'case')} passed or failed by both runs: {tally.both_passed:,} passed twice, "
        f"{tally.both_failed:,} failed twice, {tally.broke:,} broke, {tally.fixed:,} were fixed"
    )
    yield (
        f"not compared: {tally.both_unjudged:,} judged by neither, {tally.now_unjudged:,} no longer judged, "
        f"{tally.now_judged:,} newly judged, {tally.only_before:,} only before, {tally.only_after:,} only after"
    )
    if comparison.answers_changed:
        yield f"{counted(comparison.answers_changed, 'greedy answer')} in other words, with the same outcome"
    yield (
        f"McNemar's exact test: p = {test.p_worse:.3g} that so many break by chance, {test.p_two_sided:.3g} two-sided, "
        f"alpha {comparison.limits.alpha:g}"
    )


def _gateways(comparison: Comparison) -> _Section:
    rows = tuple(
        (change.target_id or "the model", change.gateway.value, change.before.value, change.after.value)
        for change in comparison.gateways
    )
    return _Section("gateways that changed", header=("target", "gateway", "before", "after"), rows=rows)


def _flips(comparison: Comparison, *, everything: bool) -> _Section:
    """What broke, was fixed or fails newly, one by one; what is not judged any more, each reason once."""
    if everything:
        return _Section("changed cases", lines=tuple(map(_flip, comparison.flips)))
    told = [flip for flip in comparison.flips if flip.change in _TOLD or _fails_now(flip)]
    lost = [flip for flip in comparison.flips if flip.change is Change.NOW_UNJUDGED]
    lines = [*map(_flip, told[:_FLIPS]), *_lost(lost)]
    note = "" if len(told) <= _FLIPS and not lost else f"{min(len(told), _FLIPS)} of {len(comparison.flips):,}"
    return _Section("changed cases", note=note, lines=tuple(lines))


_TOLD: Final = (Change.BROKE, Change.FIXED)


def _fails_now(flip: Flip) -> bool:
    return flip.after is not None and flip.after.outcome.failed


def _lost(flips: Sequence[Flip]) -> Iterator[str]:
    by_reason: dict[str, list[Flip]] = {}
    for flip in flips:
        assert flip.after is not None
        by_reason.setdefault(_short(f"{flip.after.outcome}: {flip.after.reason}"), []).append(flip)
    for reason, members in sorted(by_reason.items(), key=lambda item: -len(item[1]))[:_ROWS]:
        yield f"{counted(len(members), 'case')} became unjudged, {reason}; such as {_short(members[0].case_id)}"


def _flip(flip: Flip) -> str:
    chance = "" if flip.repeatable else ", by chance or clock"
    head = f"{flip.change}: {_short(flip.case_id)} ({_short(flip.gate_id)} {flip.severity}{chance})"
    tells = flip.before if flip.change is Change.FIXED or flip.after is None else flip.after
    if tells is None or tells.outcome.passed:
        return head
    was = "was " if tells is flip.before else ""
    return f"{head}: {was}{_short(f'{tells.outcome}: {tells.reason}')}"


def _groups(title: str, groups: Sequence[Group], *, everything: bool) -> _Section:
    header = (title, "compared", "broke", "fixed", "p worse", "p for all")
    compared = groups if everything else [group for group in groups if group.tally.compared]
    shown = compared if everything else compared[:_ROWS]
    return _Section(title, header=header, rows=tuple(map(_group, shown)), note=_rest(shown, compared))


def _group(group: Group) -> tuple[str, ...]:
    counts = (group.tally.compared, group.test.broke, group.test.fixed)
    return group.name, *(f"{count:,}" for count in counts), f"{group.test.p_worse:.3g}", f"{group.p_adjusted:.3g}"


def _measures(comparison: Comparison, *, everything: bool) -> _Section:
    moved = [one for one in comparison.measures if everything or _moved(one)]
    shown = moved if everything else moved[:_ROWS]
    header = ("target", "quantity", "before", "after", "difference", "limit")
    still = len(comparison.measures) - len(moved)
    note = ", ".join(filter(None, (_rest(shown, moved), f"{still:,} did not move" if still else "")))
    if not shown and still:
        return _Section("divergence from the ground truth", lines=(f"{counted(still, 'number')}, none of them moved",))
    return _Section("divergence from the ground truth", note=note, header=header, rows=tuple(map(_measure, shown)))


def _moved(one: MeasureDelta) -> bool:
    """Whether the difference would be seen in the digits that are printed."""
    return abs(one.delta) > _SEEN_REL * max(abs(one.before.value), abs(one.after.value))


def _measure(one: MeasureDelta) -> tuple[str, ...]:
    interval = "" if one.low is None or one.high is None else f" ({one.low:+.3g} .. {one.high:+.3g})"
    limit = "" if one.after.limit is None else f"{one.after.limit:.4g}"
    delta = f"{one.delta:+.3g}{interval}"
    return one.target_id, _short(one.quantity), f"{one.before.value:.4g}", f"{one.after.value:.4g}", delta, limit


def _speeds(comparison: Comparison) -> _Section:
    rows = tuple((delta.target_id, ratio.words, _ratio(ratio)) for delta in comparison.speeds for ratio in delta.ratios)
    return _Section("speed", note="after over before, 95 % interval", header=("target", "quantity", "ratio"), rows=rows)


def _ratio(ratio: SpeedRatio) -> str:
    return f"{ratio.ratio:.3g} ({ratio.low:.3g} .. {'?' if ratio.high is None else f'{ratio.high:.3g}'})"


def _differences(comparison: Comparison) -> _Section:
    rows = tuple(
        (_short(one.what), _short(one.before) or "-", _short(one.after) or "-") for one in comparison.differences
    )
    return _Section("what else differs", header=("what", "before", "after"), rows=rows[: 2 * _ROWS])


def _rest(shown: Sequence[object], whole: Sequence[object]) -> str:
    return "" if len(shown) == len(whole) else f"{len(shown)} of {len(whole):,}"


def _short(text: str) -> str:
    return text if len(text) <= _TEXT_CHARS else f"{text[:_TEXT_CHARS]}…"


def _escaped(text: str) -> str:
    return markdown_text(excerpt(text, limit=4 * _TEXT_CHARS))


def _grid(section: _Section, *, ascii: bool) -> Table:
    def cell(text: str) -> Text:
        return Text(excerpt(text, limit=4 * _TEXT_CHARS, ascii=ascii), overflow="fold")

    if section.lines:
        listing = Table.grid(padding=(0, 1, 0, 0))
        for line in section.lines:
            listing.add_row("-", cell(line))
        return listing
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", show_edge=False, show_header=bool(section.header))
    for place in range(len(section.rows[0])):
        table.add_column(section.header[place] if section.header else "", overflow="fold")
    _add_rows(table, ([cell(text) for text in row] for row in section.rows))
    return table


def _add_rows(table: Table, rows: Iterable[Sequence[Text]]) -> None:
    for row in rows:
        table.add_row(*row)


def _cut(text: str) -> str:
    """The text, ended at a whole line where it is too long."""
    encoded = text.encode("utf-8")
    if len(encoded) <= MAX_BYTES:
        return text
    note = "\n\n(cut here: the whole would be too long)\n"
    kept = encoded[: MAX_BYTES - len(note)]
    return kept[: kept.rfind(b"\n")].decode("utf-8") + note
