"""A ticket as Markdown for an issue tracker; whatever the evidence holds, it stays text. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from pytest_aprqa.tickets.quoting import fenced, inline, printable_lines
from pytest_aprqa.tickets.ticket import Excerpt, Ticket

MAX_CHARS: Final = 60_000
"""Of a body; GitHub takes 65,536."""
_GATES: Final = 40
_ROWS: Final = 40
_LONG: Final = 4000
_MARK: Final = "aprqa-ticket"


def marker(key: str) -> str:
    """The hidden comment by which a filed ticket is found again.

    >>> marker("00ff")
    '<!-- aprqa-ticket: 00ff -->'
    """
    return f"<!-- {_MARK}: {key} -->"


def render_ticket(ticket: Ticket) -> str:
    """The ticket's body; its first line is the hidden key."""
    for shown in range(len(ticket.excerpts), -1, -1):
        text = _body(replace(ticket, excerpts=ticket.excerpts[:shown]))
        if len(text) <= MAX_CHARS:
            return text
    return _body(replace(ticket, excerpts=(), environment=(), reproduction="", next_steps=()))


def _body(ticket: Ticket) -> str:
    return "\n\n".join(part for part in _parts(ticket) if part) + "\n"


def _parts(ticket: Ticket) -> Iterator[str]:
    yield marker(ticket.key)
    yield f"# {inline(ticket.title, limit=300)}"
    yield _summary(ticket)
    yield "## Hypothesis"
    yield inline(ticket.hypothesis, limit=_LONG)
    yield "## Evidence"
    for excerpt in ticket.excerpts:
        yield from _excerpt(excerpt)
    yield "## Cases"
    yield _bullets(ticket.cases, ticket.occurrences, "failures")
    if ticket.dependents:
        yield "Not judged because of it:"
        yield _bullets(ticket.dependent_cases, ticket.dependents, "records")
    yield "## See it again"
    yield (
        fenced(ticket.reproduction, language="sh")
        if ticket.reproduction
        else "The evidence names no playbook, so there is no command that would run the same case."
    )
    yield from _next(ticket)
    yield "## Environment"
    yield _table(("what", "value"), ticket.environment[:_ROWS]) if ticket.environment else "Nothing is known of it."


def _summary(ticket: Ticket) -> str:
    gates = ", ".join(inline(gate) for gate in ticket.gates[:_GATES])
    more = f" and {len(ticket.gates) - _GATES} more" if len(ticket.gates) > _GATES else ""
    rows = (
        ("model", inline(ticket.model)),
        ("severity", f"{ticket.severity} ({ticket.severity.word})"),
        ("category", ticket.category.value),
        ("probable cause", ticket.cause),
        ("seen in", inline(ticket.scope) or "no one part alone"),
        ("targets", ", ".join(map(inline, ticket.targets[:_GATES])) or "none named"),
        ("gates", gates + more),
        ("failures", f"{ticket.occurrences:,}"),
        ("not judged because of it", f"{ticket.dependents:,}"),
        ("black swan", "yes: an engine died" if ticket.black_swan else "no"),
        ("labels", ", ".join(ticket.labels)),
        ("other tickets of these targets", ", ".join(ticket.related) or "none"),
    )
    return "\n".join(("| what | value |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows)))


def _excerpt(excerpt: Excerpt) -> Iterator[str]:
    died = f", the engine died of {inline(excerpt.death)}" if excerpt.death else ""
    yield f"### {inline(excerpt.case_id)}"
    yield f"{inline(excerpt.gate_id)}, {excerpt.outcome}{died}:"
    yield fenced(printable_lines(excerpt.reason, limit=_LONG))
    texts = (
        ("prompt", excerpt.prompt or None, False),
        ("expected", excerpt.expected or None, False),
        ("answer", excerpt.answer, False),
        ("numbers", "\n".join(f"{name} = {value}" for name, value in excerpt.numbers) or None, False),
        ("end of standard error", excerpt.stderr or None, True),
    )
    for name, text, tail in texts:
        if text is not None:
            yield f"{name}:"
            yield fenced(printable_lines(text, limit=_LONG, tail=tail) or "(empty)")


def _next(ticket: Ticket) -> Iterator[str]:
    if ticket.next_steps or ticket.fixture is not None:
        yield "## Look next"
    for step in ticket.next_steps:
        yield f"* {inline(step.words)}{':' if step.command else ''}"
        if step.command:
            yield fenced(step.command, language="sh")
    if ticket.fixture is not None:
        fixture = ticket.fixture
        planted = f": defect `{fixture.defect}` of `{fixture.library}`" if fixture.defect else ""
        named = f"; the original tool's class `{fixture.published}`" if fixture.published else ""
        yield f"* to reproduce the cause on purpose: {fixture.make}{planted}{named}"


def _bullets(names: Sequence[str], count: int, noun: str) -> str:
    lines = [f"* {inline(name, limit=300)}" for name in names]
    if count > len(names):
        lines.append(f"* … {count:,} {noun} in all")
    return "\n".join(lines)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    cells = [header, ["---"] * len(header), *([inline(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)
