"""What a run did not test: a certificate that is silent about its gaps claims them as passed. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from pytest_aprqa.core import Backend, Format, GatewayState, Modality, Outcome, counted, excerpt
from pytest_aprqa.evidence import Evidence, Record, Selection
from pytest_aprqa.reports.matrix import matrix_rows
from pytest_aprqa.reports.unjudged import unjudged_groups
from pytest_aprqa.scoring import Mqs

_TEXT_CHARS: Final = 300
_ROWS: Final = 200
_REASONS: Final = 50


def gaps_of(evidence: Evidence, mqs: Mqs) -> Iterator[str]:
    """What was not tested, one remark each, printable and shortened."""
    yield from _selection(evidence)
    yield from _categories_and_gateways(mqs)
    yield from _absent(evidence.records)
    yield from _cells(evidence.records)
    yield from _open_gates(evidence.records)
    yield from (group.line for group in unjudged_groups(evidence.records, limit=_REASONS))
    remarks = evidence.playbook.warnings[:_REASONS]
    yield from (f"the playbook's loader remarked: {_show(text)}" for text in remarks)


def _selection(evidence: Evidence) -> Iterator[str]:
    run = evidence.run
    if run.selection is Selection.PARTIAL:
        yield f"part of the playbook was left out{f' ({_show(run.selection_reason)})' if run.selection_reason else ''}"
    missing = evidence.playbook.planned - len(evidence.records)
    if missing > 0:
        yield f"{counted(missing, 'planned case')} left no record"


def _categories_and_gateways(mqs: Mqs) -> Iterator[str]:
    without = [category for category, score in mqs.categories.items() if not score.total]
    if without:
        yield f"categories without evidence: {', '.join(without)}"
    for gateway, state in mqs.gateways.items():
        if state is GatewayState.UNKNOWN:
            yield f"gateway {gateway} ({gateway.word}) is unknown, which is not passed"


def _absent(records: tuple[Record, ...]) -> Iterator[str]:
    """Formats, backends and ways of use that no judged record is about."""
    judged = [record for record in records if record.outcome.passed or record.outcome.failed]
    absent: dict[str, set[str]] = {
        "formats": set(map(str, Format)) - {str(record.format) for record in judged},
        "backends": set(map(str, Backend)) - {str(record.backend) for record in judged},
        "ways of use": set(map(str, Modality)) - {str(record.modality) for record in judged},
    }
    for name, words in absent.items():
        if words:
            yield f"{name} not tested: {', '.join(sorted(words))}"


def _cells(records: tuple[Record, ...]) -> Iterator[str]:
    for row in matrix_rows(records)[:_ROWS]:
        for cell in row.cells:
            if cell is not None and not cell.judged:
                unjudged = cell.count(Outcome.SKIPPED) + cell.count(Outcome.INCONCLUSIVE)
                yield f"cell {_show(cell.cell_id)}: none of {counted(unjudged, 'case')} was judged"


def _open_gates(records: tuple[Record, ...]) -> Iterator[str]:
    found = Counter(record.gate_id for record in records if record.outcome is Outcome.INCONCLUSIVE)
    if found:
        named = ", ".join(f"{_show(gate_id)} ({count:,})" for gate_id, count in sorted(found.items())[:_ROWS])
        yield f"inconclusive gates: {named}"


def _show(text: str) -> str:
    return excerpt(text, limit=_TEXT_CHARS)
