"""Passes that say nothing: what evidence calls a pass although nothing, or nothing true, was there to pass. Pure.

Meant for foreign evidence, whose judges we did not see; the counts are lower bounds, for a banner that happens to hold
the right number counts as an answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Final

from pytest_aprqa.core import Modality
from pytest_aprqa.evidence import Evidence, Record
from pytest_aprqa.oracles.expression import last_expression

_TEXT_CHARS: Final = 100_000
"""Characters of one record that are looked at."""
_SCENARIO: Final = re.compile(r"F-A[1-6]-\d+")
"""Gates under which published evidence files ordinary prompts."""
_NOTHING: Final = re.compile(r"\b(?:all )?0 (?:source )?tensors|source=0\b|identical output:\s*\Z")
"""What published checks print when they compared nothing with nothing."""
_ERROR: Final = re.compile(r"\berror:|parity gate failed|\bdemo\b", re.IGNORECASE)


def empty_passes(evidence: Evidence) -> Iterator[str]:
    """One sentence for each kind of pass that says nothing."""
    passed = [record for record in evidence.records if record.outcome.passed]
    asked = [record for record in passed if record.modality in tuple(Modality) and _SCENARIO.match(record.gate_id)]
    sums = [(record, value) for record in asked if (value := _value(record)) is not None]
    silent = sum(not _said(record).strip() for record in asked)
    wrong = sum(not _holds(_said(record), value) for record, value in sums)
    failed = sum(bool(_ERROR.search(_said(record))) for record in asked)
    hollow = sum(bool(_NOTHING.search(f"{record.reason[:_TEXT_CHARS]}\n{_said(record)}")) for record in passed)
    if silent:
        yield f"{silent} of {len(asked)} passed answers are empty"
    if wrong:
        yield f"{wrong} of {len(sums)} passed answers to a sum do not hold its result"
    if failed:
        yield f"{failed} of {len(asked)} passed answers hold an error message or a demonstration"
    if hollow:
        yield f"{hollow} passed comparisons compared nothing with nothing"


def _said(record: Record) -> str:
    return "\n".join(answer.text for answer in record.answers)[:_TEXT_CHARS]


def _value(record: Record) -> Fraction | None:
    expression = last_expression(record.turns[-1]) if record.turns else None
    value = expression.value if expression else None
    return value if value is not None and value.denominator == 1 else None


def _holds(text: str, value: Fraction) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(str(value))}(?!\w)", text) is not None
