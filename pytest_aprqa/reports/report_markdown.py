"""The full report as Markdown, to be read from top to bottom or cut into pieces and searched.

The order is fixed by the evidence alone, headings name what stands below them, and text from outside can neither end
a table cell nor a code block. Knows nothing of files or clocks.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from pytest_aprqa.core import GATES, Category, Outcome, counted, excerpt, visible
from pytest_aprqa.evidence import EngineInfo, Evidence, Record
from pytest_aprqa.reports.failures import Failure, failed_records, list_failures
from pytest_aprqa.reports.markdown import (
    bullets,
    categories_part,
    cells_part,
    gateway_part,
    markdown_text,
    sentence,
    short,
    speed_part,
    table,
    unjudged_part,
)
from pytest_aprqa.reports.standing import beside_sentences, outcome_counts, rate_sentence, status_reasons, tier_sentence
from pytest_aprqa.scoring import Mqs, category_of, full_headline, popperian

_FAILURES: Final = 200
"""Told with prompt and answer; the other failures are still rows of the table of cases."""
_FAILURE_CHARS: Final = 2_000
_CASES: Final = 25_000
_CELL_CHARS: Final = 100
_REASONS: Final = 200
_FALSIFIED_GATES: Final = 100


def render_report_markdown(evidence: Evidence, mqs: Mqs) -> str:
    """The report of one playbook's run."""
    playbook = evidence.playbook
    parts = [
        f"# {short(playbook.name or playbook.model)}: {mqs.status}",
        f"Model {short(playbook.model)}. {sentence(full_headline(evidence, mqs))}",
        bullets(map(markdown_text, status_reasons(evidence, mqs))),
        "## Results",
        f"{sentence(tier_sentence(mqs))}\n{sentence(rate_sentence(mqs))}\n"
        f"Records: {outcome_counts(mqs)}. {counted(evidence.distinct_prompts, 'distinct prompt')}.",
        bullets(map(sentence, beside_sentences(evidence))),
        *gateway_part(mqs),
        *categories_part(mqs),
        *_penalties(mqs),
        *cells_part(evidence),
        *speed_part(evidence),
        *unjudged_part(evidence, limit=_REASONS),
        *_gates(evidence.records),
        *_failures(evidence),
        *_falsification(evidence.records),
        *_cases(evidence.records),
        *_tested(evidence),
        *_run(evidence),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def code_block(text: str) -> str:
    r"""Any text as a code block that it cannot leave.

    >>> print(code_block("a ``` b\x1b"))
    ````text
    a ``` b\x1b
    ````
    """
    lines = "\n".join(visible(line) for line in text.split("\n"))
    longest = max((len(run) for run in re.findall(r"`+", lines)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{lines}\n{fence}"


def _penalties(mqs: Mqs) -> Iterator[str]:
    if mqs.penalties:
        yield "### Penalties"
        yield bullets(f"-{one.points} {one.code}: {markdown_text(one.description)}" for one in mqs.penalties)


def _gates(records: Iterable[Record]) -> Iterator[str]:
    counted_by_gate: dict[str, Counter[Outcome]] = {}
    for record in records:
        counted_by_gate.setdefault(record.gate_id, Counter())[record.outcome] += 1
    if counted_by_gate:
        yield "## Gates"
        rows = [_gate_row(gate_id, counted_by_gate[gate_id]) for gate_id in sorted(counted_by_gate, key=_gate_order)]
        yield table(["gate", "category", "severity", "outcomes", "hypothesis"], rows)


def _gate_order(gate_id: str) -> tuple[int, str]:
    return list(Category).index(category_of(gate_id)), gate_id


def _gate_row(gate_id: str, outcomes: Mapping[Outcome, int]) -> list[str]:
    gate = GATES.get(gate_id)
    came_to = ", ".join(f"{outcomes[outcome]:,} {outcome}" for outcome in Outcome if outcomes.get(outcome))
    severity, title = (gate.severity, gate.title) if gate else ("", "")
    return [short(gate_id), category_of(gate_id), severity, came_to, markdown_text(title)]


def _failures(evidence: Evidence) -> Iterator[str]:
    total = len(failed_records(evidence.records))
    if not total:
        return
    shown = list_failures(evidence, limit=_FAILURES, chars=_FAILURE_CHARS)
    yield f"## Failures ({len(shown)} of {total:,})"
    for number, failure in enumerate(shown, start=1):
        yield f"### {number}. {short(failure.case_id)}: {failure.outcome}"
        yield _failure_facts(failure)
        yield from _failure_texts(failure)


def _failure_facts(failure: Failure) -> str:
    gate = GATES.get(failure.gate_id)
    title = f": {markdown_text(gate.title)}" if gate else ""
    facts = [
        f"gate {short(failure.gate_id)} {failure.severity}{title}",
        f"reason: {markdown_text(failure.reason)}",
    ]
    if failure.node_id:
        facts.append(f"again: pytest {markdown_text(failure.node_id)}")
    return bullets(facts)


def _failure_texts(failure: Failure) -> Iterator[str]:
    answer = None if failure.answer is None else failure.answer or "(empty)"
    for label, text in (("Prompt", failure.prompt), ("Answer", answer), ("Standard error", failure.stderr)):
        if text:
            yield f"{label}:\n\n{code_block(text)}"


def _falsification(records: Sequence[Record]) -> Iterator[str]:
    found = popperian(records)
    yield "## Falsification"
    yield bullets(
        [
            f"{counted(found.hypotheses_tested, 'hypothesis test')}, {found.falsified:,} falsified",
            f"corroboration {found.corroboration_ratio:.1%} (95 % interval from {found.confidence_level:.1%})",
            f"weighted by severity {found.severity_weighted_score:.1%}",
            f"{counted(found.black_swan_count, 'black swan')} (a crash, or a grave hypothesis refuted)",
        ]
    )
    if found.falsifications:
        header = ["gate", "severity", "black swan", "occurrences", "first reason"]
        shown = found.falsifications[:_FALSIFIED_GATES]
        rows = [
            [
                short(one.gate_id),
                f"{one.severity}/5",
                "yes" if one.is_black_swan else "no",
                f"{one.occurrences:,}",
                short(one.reason),
            ]
            for one in shown
        ]
        yield table(header, rows)


def _cases(records: Sequence[Record]) -> Iterator[str]:
    if not records:
        return
    yield "## Cases"
    yield table(["case", "gate", "outcome", "reason"], map(_case_row, records[:_CASES]))
    if len(records) > _CASES:
        yield f"… and {len(records) - _CASES:,} more cases, which are in the evidence."


def _case_row(record: Record) -> list[str]:
    texts = (record.case_id, record.gate_id, record.outcome, record.reason)
    return [markdown_text(excerpt(text, limit=_CELL_CHARS)) for text in texts]


def _tested(evidence: Evidence) -> Iterator[str]:
    if evidence.weights:
        yield "## Weights"
        rows = [
            [short(weights.target), short(weights.source), short(weights.revision or ""), short(file), short(digest)]
            for weights in evidence.weights
            for file, digest in sorted(weights.digests.items())
        ]
        yield table(["target", "source", "revision", "file", "sha256"], rows)
    if evidence.engines:
        yield "## Engines"
        header = ["target", "engine", "versions", "device", "type", "threads"]
        yield table(header, map(_engine_row, evidence.engines))


def _engine_row(engine: EngineInfo) -> list[str]:
    versions = ", ".join(f"{library} {version}" for library, version in sorted(engine.versions.items()))
    threads = "" if engine.threads is None else str(engine.threads)
    return [short(text) for text in (engine.target, engine.name, versions, engine.device, engine.dtype, threads)]


def _run(evidence: Evidence) -> Iterator[str]:
    playbook, run, host = evidence.playbook, evidence.run, evidence.host
    facts = {
        "playbook": playbook.path,
        "playbook sha256": playbook.sha256,
        "tier": playbook.tier or "",
        "selection": f"{run.selection} {run.selection_reason}".rstrip(),
        "command": " ".join(run.command),
        "started": run.started_at,
        "finished": run.finished_at or "",
        "pytest-aprqa": run.aprqa_version,
        "pytest": run.pytest_version,
        "host": f"{host.hostname} {host.os}".strip(),
        "processor": f"{host.cpu} ({host.cores} cores)" if host.cores else host.cpu,
        "accelerators": ", ".join(host.gpus),
        "evidence": str(evidence.dialect),
    }
    yield "## Run"
    yield bullets(f"{name}: {short(value)}" for name, value in facts.items() if value)
    if playbook.warnings:
        yield "The playbook's loader remarked:"
        yield bullets(map(short, playbook.warnings[:_REASONS]))
