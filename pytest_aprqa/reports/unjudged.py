"""What was not judged, skipped or inconclusive, with each reason said once."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from pytest_aprqa.core import Outcome, counted, excerpt
from pytest_aprqa.evidence import Record

_LINE_CHARS: Final = 300
_LINES: Final = 12
"""Of one reason; the one that names every place where weights were looked for has about ten."""


@dataclass(frozen=True, slots=True)
class UnjudgedGroup:
    """Records that were not judged for the same reason."""

    outcome: Outcome
    """skipped or inconclusive."""
    count: int
    reason: tuple[str, ...]
    """The reason's lines, each printable and shortened."""
    example: str
    """One case that was not judged for this reason."""

    @property
    def line(self) -> str:
        """How many, what became of them, and the reason's first line; of what ran also where to look."""
        look = f", such as {self.example}" if self.outcome is Outcome.INCONCLUSIVE and self.example else ""
        return f"{counted(self.count, 'case')} {self.outcome}: {self.reason[0]}{look}"


def unjudged_groups(records: Iterable[Record], *, limit: int, ascii: bool = False) -> tuple[UnjudgedGroup, ...]:
    """The reasons, skipped before inconclusive, the most frequent first.

    Args:
        records: all of a run.
        limit: most reasons of each outcome; the others are counted in a last group.
        ascii: spell everything outside ASCII.
    """
    groups: list[UnjudgedGroup] = []
    known = tuple(records)
    recorded = {(record.target_id, record.gate_id) for record in known}
    for outcome in (Outcome.SKIPPED, Outcome.INCONCLUSIVE):
        by_reason: dict[str, list[Record]] = {}
        for record in known:
            if record.outcome is outcome:
                by_reason.setdefault(record.reason, []).append(record)
        ordered = sorted(by_reason.values(), key=len, reverse=True)
        groups += [_group(members, recorded, ascii) for members in ordered[:limit]]
        if rest := ordered[limit:]:
            words = (counted(len(rest), "other reason"),)
            groups.append(UnjudgedGroup(outcome, sum(map(len, rest)), words, ""))
    return tuple(groups)


def _group(members: Sequence[Record], recorded: Container[tuple[str | None, str]], ascii: bool) -> UnjudgedGroup:
    first = members[0]
    ground = first.details.get("not_checked")
    lines = _lines(first.reason, ascii)
    if isinstance(ground, str) and (first.target_id, ground) not in recorded:
        named = excerpt(ground, limit=_LINE_CHARS, ascii=ascii)
        lines = (*lines, f"{named} was not selected: it was looked at for these alone, and has no record in this run")
    example = excerpt(first.case_id, limit=_LINE_CHARS, ascii=ascii)
    return UnjudgedGroup(first.outcome, len(members), lines, example)


def _lines(reason: str, ascii: bool) -> tuple[str, ...]:
    # Split only so far: the rest of a reason of megabytes is dropped without being copied line by line.
    lines = [line for line in reason[: _LINES * _LINE_CHARS].split("\n", _LINES)[:_LINES] if line.strip()]
    return tuple(excerpt(line.rstrip(), limit=_LINE_CHARS, ascii=ascii) for line in lines) or ("no reason given",)
