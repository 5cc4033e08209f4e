"""What the words of an error point to: whole words only, so that a model named ``nano`` is no NaN. Pure."""

from __future__ import annotations

import re
from typing import Final

from pytest_aprqa.core import death_of
from pytest_aprqa.evidence import Record
from pytest_aprqa.parity import Family
from pytest_aprqa.tickets.causes import (
    CRASH,
    DEQUANTIZATION,
    MISSING_FILE,
    OUT_OF_MEMORY,
    SERVER_DOWN,
    UNSUPPORTED,
)

_READ_CHARS: Final = 4000
"""Of a reason and of the end of standard error; what an error is, it says early or last."""
_KILLED: Final = "SIGKILL"

_RULES: Final[tuple[tuple[str, str], ...]] = (
    (OUT_OF_MEMORY, r"\bout of memory\b|\boom\b|\bcannot allocate\b|\bbad_alloc\b|\bmemoryerror\b"),
    (
        CRASH,
        r"\bsegfault(ed)?\b|\bsegmentation fault\b|\bsig(segv|abrt|bus|fpe|ill)\b|\bpanicked at\b"
        r"|\bassert(ion)?\b[^\n]{0,200}\bfailed\b|\bcore dumped\b",
    ),
    (
        SERVER_DOWN,
        r"\bfailed to become ready\b|\b(did|does) not become ready\b|\bconnection refused\b|\baddress already in use\b",
    ),
    (
        Family.MISSING_TENSOR,
        r"\btensor names?\b|\bname mismatch\b|\b(missing|unexpected) tensors?\b|\btensors? (\S+ )?not found\b"
        r"|\btensors? (\S+ )?(is|are) missing\b",
    ),
    (
        MISSING_FILE,
        r"\bmissing (embedded )?tokenizer\b|\btokenizer\S* (is )?(missing|not found)\b|\bno such file\b"
        r"|\bfile not found\b|\bmissing config\.json\b|\bconfig\.json (is )?(missing|not found)\b",
    ),
    (Family.TRUNCATED_FILE, r"\btruncated\b|\bunexpected (eof|end of file)\b"),
    (
        Family.CONFIG_MISMATCH,
        r"\b(hidden_size|num_(hidden_)?layers|num_attention_heads|num_key_value_heads|vocab_size|intermediate_size)\b"
        r"|\b(metadata|config(uration)?|shape|size) mismatch\b",
    ),
    (Family.NOT_FINITE, r"\bnans?\b|\binf(inity|inite)?\b|\boverflow(ed|s)?\b|\bnot finite\b"),
    (DEQUANTIZATION, r"\bde-?quanti[sz]\w*|\bquanti[sz]\w* (failed|error|mismatch)\b"),
    (UNSUPPORTED, r"\b(not|un)[ -]?supported\b|\bunknown (model )?architecture\b"),
)
"""The first that fits; what stops everything before what may be its consequence."""

_COMPILED: Final = tuple((key, re.compile(pattern, re.IGNORECASE)) for key, pattern in _RULES)


def cause_of_words(record: Record) -> str | None:
    """Key of the cause that the record's reason or its standard error names; None where none is named."""
    text = f"{_said(record)}\n{record.stderr_tail[-_READ_CHARS:] if record.exit_code else ''}"
    for name in {record.model, record.model.rpartition("/")[2]} - {""}:
        text = text.replace(name, "model")
    return next((str(key) for key, pattern in _COMPILED if pattern.search(text)), None)


def _said(record: Record) -> str:
    """The reason; only its first line where a model's answers may follow, which name no cause."""
    reason = record.reason.strip()[:_READ_CHARS]
    first = reason.partition("\n")[0]
    return reason if _FAILURE.search(first) or record.exit_code else first


_FAILURE: Final = re.compile(r"\bfailed\b[^\n]{0,20}:|\berror\b", re.IGNORECASE)


def cause_of_death(record: Record) -> str:
    """Key of the cause by which an engine died."""
    if death_of_record(record) == _KILLED or cause_of_words(record) == OUT_OF_MEMORY:
        return OUT_OF_MEMORY
    return CRASH


def death_of_record(record: Record) -> str:
    """How the engine died, such as ``SIGSEGV``; empty where the record does not say."""
    if record.exit_code is None:
        found = re.search(r"\bSIG[A-Z]{2,6}\b", record.reason[:_READ_CHARS])
        return found[0] if found else ""
    return death_of(record.exit_code)
