"""The summary as GitHub Markdown: for a workflow's step summary and beside the evidence.

GitHub refuses a step summary of 1 MiB and more, so every list is bounded, and the whole is cut as a last resort.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Final

from pytest_aprqa.core import Modality, counted, excerpt, visible
from pytest_aprqa.evidence import Evidence
from pytest_aprqa.reports.failures import Failure, failed_records, list_failures
from pytest_aprqa.reports.matrix import LEGEND, mark, matrix_rows
from pytest_aprqa.reports.speed import SPEED_HEADER, SPEED_LEGEND, speed_rows
from pytest_aprqa.reports.standing import (
    beside_sentences,
    outcome_counts,
    rate_sentence,
    status_reasons,
    tier_sentence,
)
from pytest_aprqa.reports.unjudged import unjudged_groups
from pytest_aprqa.scoring import CategoryScore, Mqs, full_headline

MAX_BYTES: Final = 1_000_000
"""Of the whole text; GitHub's limit is 1,048,576."""

_FAILURES: Final = 50
_TEXT_CHARS: Final = 200
_REASONS: Final = 20
_CUT: Final = "\n\n(cut here: the whole would be too long)\n"
_SPECIAL: Final = str.maketrans({character: f"\\{character}" for character in "\\`*_[]|~#$"} | {"@": "&#64;"})


def render_step_summary(evidence: Evidence, mqs: Mqs) -> str:
    """The summary of one playbook's run; below 1 MiB whatever the run."""
    playbook = evidence.playbook
    parts = [
        f"## {short(playbook.name or playbook.model)}: {mqs.status}",
        f"Model {short(playbook.model)}. {sentence(full_headline(evidence, mqs))}",
        bullets(map(markdown_text, status_reasons(evidence, mqs))),
        f"{sentence(tier_sentence(mqs))}\n{sentence(rate_sentence(mqs))}\n"
        f"Records: {outcome_counts(mqs)}. {counted(evidence.distinct_prompts, 'distinct prompt')}.",
        bullets(map(sentence, beside_sentences(evidence))),
        *gateway_part(mqs),
        *cells_part(evidence),
        *speed_part(evidence),
        *unjudged_part(evidence),
        *categories_part(mqs),
        *_failures(evidence),
    ]
    return _cut("\n\n".join(part for part in parts if part) + "\n")


def markdown_text(text: str) -> str:
    r"""Any text as inline Markdown that shows it, on one line.

    >>> markdown_text("a|b <c> `d`\n")
    'a\\|b &lt;c&gt; \\`d\\`\\\\n'
    """
    return escape(visible(text), quote=False).translate(_SPECIAL)


def short(text: str) -> str:
    """A text from outside, shortened, as inline Markdown."""
    return markdown_text(excerpt(text, limit=_TEXT_CHARS))


def sentence(text: str) -> str:
    """Words of our own as a sentence of Markdown."""
    return f"{text[:1].upper()}{markdown_text(text[1:])}."


def bullets(lines: Iterable[str]) -> str:
    """Lines of Markdown as a list."""
    return "\n".join(f"* {line}" for line in lines)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; the cells are Markdown already."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def gateway_part(mqs: Mqs) -> Iterator[str]:
    """The gateways of each target."""
    yield "### Gateways"
    rows = [[markdown_text(target), *states.values()] for target, states in mqs.target_gateways.items()] or [
        ["model", *mqs.gateways.values()]
    ]
    yield table(["target", *(f"{gateway} {gateway.word}" for gateway in mqs.gateways)], rows)


def cells_part(evidence: Evidence) -> Iterator[str]:
    """The matrix of cells, where there are any."""
    rows = matrix_rows(evidence.records)
    if rows:
        yield "### Cells"
        yield table(["target", *Modality], [[markdown_text(row.target_id), *map(mark, row.cells)] for row in rows])
        yield LEGEND


def speed_part(evidence: Evidence) -> Iterator[str]:
    """What was measured of each target, if anything."""
    rows = speed_rows(evidence)
    if rows:
        yield "### Speed"
        yield table(SPEED_HEADER, [[markdown_text(cell) for cell in row] for row in rows])
        yield f"{SPEED_LEGEND}."


def unjudged_part(evidence: Evidence, *, limit: int = _REASONS) -> Iterator[str]:
    """Why cases were skipped or inconclusive, each reason once; at most `limit` reasons of each."""
    groups = unjudged_groups(evidence.records, limit=limit)
    if groups:
        yield "### Not judged"
        yield bullets("<br>".join(map(markdown_text, (group.line, *group.reason[1:]))) for group in groups)


def categories_part(mqs: Mqs) -> Iterator[str]:
    """Points and pass rate of each category."""
    yield "### Categories"
    yield table(["category", "points", "passed", "95 % interval"], map(_category, mqs.categories.values()))


def _category(score: CategoryScore) -> list[str]:
    points = f"{score.points}/{score.max_points}"
    if score.total == 0:
        return [score.category, points, "no evidence", ""]
    low, high = score.interval
    return [score.category, points, f"{score.passed} of {score.total}", f"{low:.1%} .. {high:.1%}"]


def _failures(evidence: Evidence) -> Iterator[str]:
    total = len(failed_records(evidence.records))
    if total:
        shown = list_failures(evidence, limit=_FAILURES, chars=_TEXT_CHARS)
        yield f"### Failures ({len(shown)} of {total:,})"
        header = ["case", "gate", "outcome", "reason", "prompt", "answer"]
        yield table(header, map(_failure, shown))


def _failure(failure: Failure) -> list[str]:
    texts = (failure.case_id, f"{failure.gate_id} {failure.severity}", failure.outcome, failure.reason, failure.prompt)
    answer = "" if failure.answer is None else failure.answer or "(empty)"
    return [markdown_text(text) for text in (*texts, answer)]


def _cut(text: str) -> str:
    encoded = text.encode("utf-8")
    if len(encoded) <= MAX_BYTES:
        return text
    kept = encoded[: MAX_BYTES - len(_CUT)]
    return kept[: kept.rfind(b"\n")].decode("utf-8") + _CUT
