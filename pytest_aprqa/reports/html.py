"""Our columns in the table of pytest-html: the headers, and one record's texts, escaped for HTML."""

from __future__ import annotations

from html import escape
from typing import Final

from pytest_aprqa.evidence import Record
from pytest_aprqa.reports.failures import last_answer, last_prompt

_COLUMNS: Final = ("Gate", "Target", "Modality", "Outcome", "Prompt", "Answer")
_CHARS: Final = 500


def html_columns() -> tuple[str, ...]:
    """Headers of our columns."""
    return _COLUMNS


def html_cells(record: Record | None) -> tuple[str, ...]:
    """The texts of one row, one for each column; all empty for a test that is none of ours."""
    if record is None:
        return ("",) * len(_COLUMNS)
    texts = (
        record.gate_id,
        record.target_id or "",
        record.modality or "",
        record.outcome,
        last_prompt(record, chars=_CHARS),
        last_answer(record, chars=_CHARS) or "",
    )
    return tuple(escape(text) for text in texts)
