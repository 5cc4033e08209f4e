"""The records as the page's script reads them: columns of numbers that point into one list of distinct texts.

Prompts and reasons repeat from cell to cell, so each text is held once. Texts are cut so that the whole stays light:
the more records, the shorter; a cut text names its length.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pytest_aprqa.core import GATES, Json, Outcome
from pytest_aprqa.evidence import Evidence, Record
from pytest_aprqa.reports.failures import severity_of_record
from pytest_aprqa.reports.page.texts import SHORT, command, last_lines, lines, plain_lines, script_json
from pytest_aprqa.scoring import category_of

BUDGET_BYTES: Final = 12_000_000
"""Of the records in the page: it opens in a second or two."""
MOST_RECORDS: Final = 60_000
"""In the table; of more, the failed ones come first."""
_LIMITS: Final = (20_000, 4_000, 1_000, 600, 400, 250, 150, 100, 60)
"""Characters of a prompt, an answer or details; the first that keeps within the budget is taken."""
_LEAST_NAME: Final = 120
"""Characters of an id that are shown in any case."""
_TURNS: Final = 50
"""Of one conversation."""
_STDERR: Final = 2_000
_ROW_BYTES: Final = 300
"""What a record takes beside its prompts and answers, at the least."""
_OUTCOMES: Final = tuple(Outcome)


class _Texts:
    """Distinct texts as they are shown, each with its number."""

    def __init__(self, limit: int) -> None:
        self.all: list[Json] = []
        self._limit = limit
        self._places: dict[str, int] = {}
        self._short: dict[str, int] = {}

    def place(self, text: str | None) -> int:
        """The number of a text that may be cut; -1 for none."""
        return self._number(text, self._places, self._limit)

    def name(self, text: str | None) -> int:
        """The number of an id, which stays whole unless it is absurd; -1 for none."""
        return self._number(text, self._short, max(_LEAST_NAME, min(SHORT, self._limit)))

    def _number(self, text: str | None, places: dict[str, int], limit: int) -> int:
        if text is None:
            return -1
        found = places.get(text)
        if found is None:
            found = places[text] = len(self.all)
            self.all.append(lines(text, limit=limit))
        return found


def records_json(evidence: Evidence) -> str:
    """The records for the script element: the longest texts that keep within the budget."""
    chosen = _chosen(evidence.records)
    lengths = _lengths(chosen)
    made = ""
    for limit in _LIMITS:
        least = _ROW_BYTES * len(chosen) + sum(min(length, limit) for length in lengths)
        if least > BUDGET_BYTES and limit != _LIMITS[-1]:
            continue
        made = script_json(_table(evidence, chosen, limit))
        if len(made.encode()) <= BUDGET_BYTES:
            return made
    while len(made.encode()) > BUDGET_BYTES and len(chosen) > 1:
        chosen = _worst_first(chosen)[: len(chosen) // 2]
        made = script_json(_table(evidence, chosen, _LIMITS[-1]))
    return made


def _chosen(records: Sequence[Record]) -> Sequence[Record]:
    return records if len(records) <= MOST_RECORDS else _worst_first(records)[:MOST_RECORDS]


def _worst_first(records: Sequence[Record]) -> list[Record]:
    return sorted(records, key=lambda record: (not record.outcome.failed, record.index))


def _lengths(records: Sequence[Record]) -> list[int]:
    """Of the prompts and answers, each distinct one once, as the table holds them."""
    distinct = {text for record in records for text in (*record.turns, *(one.text for one in record.answers))}
    return [len(text) for text in distinct]


def _table(evidence: Evidence, records: Sequence[Record], limit: int) -> dict[str, Json]:
    texts = _Texts(limit)
    gates: dict[int, Json] = {}
    targets: dict[int, Json] = {}
    rows: list[Json] = []
    path = evidence.playbook.path
    for record in records:
        gate = texts.name(record.gate_id)
        if gate not in gates:
            known = GATES.get(record.gate_id)
            title = "" if known is None else known.title
            gates[gate] = [str(category_of(record.gate_id)), str(severity_of_record(record)), title]
        target = texts.name(record.target_id)
        targets.setdefault(target, [record.format, record.backend, record.quantization])
        rows.append([gate, target, *_row(record, texts)])
    # What runs a record again is its case, but for gateways, which are one item each; -1 is the whole playbook.
    items: dict[str, Json] = {
        str(place): texts.name(record.item) for place, record in enumerate(records) if record.item != record.case_id
    }
    return {
        "outcomes": [str(outcome) for outcome in _OUTCOMES],
        "gates": {str(place): gate for place, gate in gates.items()},
        "targets": {str(place): target for place, target in targets.items()},
        "texts": texts.all,
        "rows": rows,
        "total": len(evidence.records),
        "path": path if command(path, "x") else "",
        "items": items,
        "untypable": [place for place, record in enumerate(records) if not command(path, record.item)],
    }


def _row(record: Record, texts: _Texts) -> list[Json]:
    """What follows gate and target: outcome, case, modality, reason, time, turns, answers, and what else there is."""
    return [
        _OUTCOMES.index(record.outcome),
        texts.name(record.case_id),
        texts.name(record.modality),
        texts.place(record.reason),
        None if record.duration_ms is None else round(record.duration_ms, 1),
        [texts.place(turn) for turn in record.turns[:_TURNS]],
        [texts.place(answer.text) for answer in record.answers[:_TURNS]],
        [[name, texts.place(text)] for name, text in _more(record) if text],
    ]


def _more(record: Record) -> list[tuple[str, str]]:
    details = {key: value for key, value in record.details.items() if (key, value) != ("garbage", False)}
    expected = "" if record.expected is None else plain_lines(record.expected)
    return [
        ("expected", expected),
        ("system prompt", record.system or ""),
        ("kind of question", record.scenario_category or ""),
        ("judged by", ", ".join(record.oracles[:_TURNS])),
        ("compared", "not known" if record.compared is None else str(record.compared)),
        ("asked with", _asked(record)),
        ("measured", _measured(record)),
        ("notes", "\n".join(record.notes[:_TURNS])),
        ("standard error", last_lines(record.stderr_tail, limit=_STDERR)),
        ("exit code", "" if record.exit_code is None else str(record.exit_code)),
        ("details", plain_lines(details) if details else ""),
    ]


def _asked(record: Record) -> str:
    words = (
        (record.prompting, "{}"),
        (record.temperature, "temperature {:g}"),
        (record.max_tokens, "at most {} tokens"),
        (record.seed, "seed {}"),
        (record.timeout_ms, "deadline {} ms"),
    )
    return ", ".join(form.format(value) for value, form in words if value is not None)


def _measured(record: Record) -> str:
    metrics = record.metrics
    if metrics is None:
        return ""
    words = (
        (metrics.ttft_ms, "first token after {:.4g} ms"),
        (metrics.decode_tok_per_s, "{:.3g} tokens/s"),
        (metrics.generated_tokens, "{} tokens"),
        (metrics.batch_size, "batch of {}"),
    )
    return ", ".join(form.format(value) for value, form in words if value is not None)
