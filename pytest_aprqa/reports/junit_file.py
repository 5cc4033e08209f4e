"""The whole run as a JUnit file, from evidence alone: what pytest's own report would say, for runs long past.

Valid against the xunit2 schema as Jenkins publishes it, which knows neither properties of a test case nor a count of
skipped ones on the root. One suite for each target; what XML cannot hold is spelled out. Pure: text out, no file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from pytest_aprqa.core import GATES, Outcome, counted, excerpt, visible
from pytest_aprqa.evidence import Evidence, Record
from pytest_aprqa.reports.junit import target_properties
from pytest_aprqa.scoring import Mqs

NO_TARGET: Final = "no target"
"""Name of the suite of records that are about no target; only foreign evidence has them."""

_NAME_CHARS: Final = 500
_TEXT_CHARS: Final = 4_000
"""Shown of each turn, answer and reason."""
_TURNS: Final = 20
"""Shown of one conversation."""
_LONGEST_S: Final = 1e9
"""Thirty years; an absurd duration of foreign evidence must not become the word ``inf``."""


def render_junit(evidence: Evidence, mqs: Mqs) -> str:
    """The JUnit file of one playbook's run.

    A crash or a timeout is an error, a falsified hypothesis a failure; skipped and inconclusive cases are skipped, and
    say which of the two they are.
    """
    suites = _by_target(evidence.records)
    title = _name(evidence.playbook.name or evidence.playbook.model)
    head = {"name": title, **_counts(evidence.records)}
    del head["skipped"]  # the schema knows it on a suite alone
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f"<testsuites{_attributes(head)}>"]
    for number, (target_id, records) in enumerate(suites.items()):
        lines += _suite(evidence, mqs, f"{title} {target_id}", target_id, records, number)
    return "\n".join([*lines, "</testsuites>", ""])


def unique_names(names: Iterable[str]) -> list[str]:
    """The same names, with a number behind each that was there before.

    >>> unique_names(["a", "a", "a (2)", "a"])
    ['a', 'a (2)', 'a (2) (2)', 'a (3)']
    """
    taken: set[str] = set()
    seen: dict[str, int] = {}
    made = []
    for name in names:
        unique = name
        while unique in taken:
            seen[name] = seen.get(name, 1) + 1
            unique = f"{name} ({seen[name]})"
        taken.add(unique)
        made.append(unique)
    return made


def _by_target(records: Sequence[Record]) -> dict[str, list[Record]]:
    suites: dict[str, list[Record]] = {}
    for record in records:
        suites.setdefault(record.target_id or NO_TARGET, []).append(record)
    return suites or {NO_TARGET: []}


def _suite(
    evidence: Evidence, mqs: Mqs, title: str, target_id: str, records: Sequence[Record], number: int
) -> Iterator[str]:
    run = evidence.run
    head = {"name": title, "id": str(number), **_counts(records), "hostname": _name(evidence.host.hostname)}
    # The schema's readers want the time without its zone, which is UTC here.
    head["timestamp"] = _name(run.started_at)[:19]
    yield f" <testsuite{_attributes({key: value for key, value in head.items() if value})}>"
    yield "  <properties>"
    for name, value in target_properties(evidence, mqs, target_id):
        yield f"   <property{_attributes({'name': name, 'value': value})}/>"
    yield "  </properties>"
    names = unique_names(_name(record.case_id) or record.gate_id for record in records)
    for name, record in zip(names, records, strict=True):
        yield from _case(record, name, title)
    yield " </testsuite>"


def _case(record: Record, name: str, title: str) -> Iterator[str]:
    head = {"classname": title, "name": name, "time": _seconds([record])}
    children = [*_ending(record), *_output(record)]
    if not children:
        yield f"  <testcase{_attributes(head)}/>"
        return
    yield f"  <testcase{_attributes(head)}>"
    yield from children
    yield "  </testcase>"


def _ending(record: Record) -> Iterator[str]:
    """The element that says how a case that did not pass ended."""
    tag = _TAGS.get(record.outcome)
    if tag is None:
        return
    word = f"{record.outcome}: " if tag == "skipped" else ""
    message = word + excerpt(record.reason, limit=_NAME_CHARS)
    head = {"message": message, "type": f"aprqa.{record.outcome}"}
    yield f"   <{tag}{_attributes(head)}>{escape(_explained(record))}</{tag}>"


_TAGS: Final = {
    Outcome.FALSIFIED: "failure",
    Outcome.TIMEOUT: "error",
    Outcome.CRASHED: "error",
    Outcome.SKIPPED: "skipped",
    Outcome.INCONCLUSIVE: "skipped",
}


def _explained(record: Record) -> str:
    gate = GATES.get(record.gate_id)
    lines = [f"gate {_name(record.gate_id)}{f' ({gate.severity}): {gate.title}' if gate else ''}"]
    lines.append(_block(record.reason))
    if record.exit_code is not None:
        lines.append(f"exit code {record.exit_code}")
    if record.stderr_tail:
        lines.append(f"stderr:\n{_block(record.stderr_tail[-_TEXT_CHARS:])}")
    return "\n".join(lines)


def _output(record: Record) -> Iterator[str]:
    lines = [f"system: {_block(record.system)}"] if record.system else []
    for number, turn in enumerate(record.turns[:_TURNS]):
        lines.append(f"prompt: {_block(turn)}")
        if number < len(record.answers):
            lines.append(f"answer: {_block(record.answers[number].text)}")
    if not record.turns:
        lines += [f"answer: {_block(answer.text)}" for answer in record.answers[:_TURNS]]
    if len(record.turns) > _TURNS:
        lines.append(f"({counted(len(record.turns) - _TURNS, 'more turn')})")
    if lines:
        text = "\n".join(lines)
        yield f"   <system-out>{escape(text)}</system-out>"


def _counts(records: Sequence[Record]) -> dict[str, str]:
    tags = [_TAGS.get(record.outcome) for record in records]
    return {
        "tests": str(len(records)),
        "failures": str(tags.count("failure")),
        "errors": str(tags.count("error")),
        "skipped": str(tags.count("skipped")),
        "time": _seconds(records),
    }


def _seconds(records: Sequence[Record]) -> str:
    spent_ms = sum(record.duration_ms or 0.0 for record in records)
    return f"{min(spent_ms / 1000, _LONGEST_S):.3f}"


def _attributes(pairs: dict[str, str]) -> str:
    return "".join(f" {name}={quoteattr(value)}" for name, value in pairs.items())


def _name(text: str) -> str:
    return excerpt(text, limit=_NAME_CHARS)


def _block(text: str) -> str:
    """Several lines, each printable: control characters and half surrogate pairs, which XML forbids, are spelled."""
    lines = "\n".join(visible(line) for line in text[:_TEXT_CHARS].split("\n"))
    return lines if len(text) <= _TEXT_CHARS else f"{lines}… ({len(text):,} characters)"
