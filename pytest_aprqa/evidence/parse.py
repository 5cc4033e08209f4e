"""Turns the bytes of an evidence file into plain JSON, in bounded time and memory whatever the bytes are."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Final, NoReturn

from pytest_aprqa.core import EvidenceError, Json

MAX_BYTES: Final = 100_000_000
"""Largest file that is read by default; 20,000 records of 32 tokens take about 40 MB."""

MAX_VALUES: Final = 10_000_000
"""Most JSON values in one text: some 100 bytes each once parsed, so that 100 MB of ``[],[],`` do not become 5 GB."""

MAX_RECORDS: Final = 100_000
"""Most records in one file: some 3 kB and 80 µs each, and five times the largest run that was ever tried."""

_LARGEST_DIGITS: Final = 308
"""Decimal digits of the largest whole number that every report can still divide."""

_TO_ZEROS: Final = bytes.maketrans(b"123456789", b"0" * 9)


def read_bytes(path: Path, *, max_bytes: int = MAX_BYTES) -> bytes:
    """The file's bytes.

    Raises:
        EvidenceError: it is not there, not a plain file, not readable or too large.
    """
    try:
        if not path.is_file():
            raise EvidenceError(f"{path}: expected an evidence file, found {_what_is_there(path)}")
        with path.open("rb") as file:
            content = file.read(max_bytes + 1)
    except (OSError, ValueError) as exc:
        raise EvidenceError(f"{path}: cannot be read: {exc}") from exc
    if len(content) > max_bytes:
        raise EvidenceError(
            f"{path}: larger than {max_bytes:,} bytes; test fewer cases in one run (-k, or a smaller playbook), "
            "or read it from Python with a larger max_bytes"
        )
    return content


def check_count(found: int, *, where: str) -> None:
    """Refuses more records than can be judged and shown in reasonable time.

    Raises:
        EvidenceError: there are more than `MAX_RECORDS`.
    """
    if found > MAX_RECORDS:
        raise EvidenceError(
            f"{where}: holds {found:,} records; expected at most {MAX_RECORDS:,}; test fewer cases in one run"
        )


def check_values(content: bytes, *, where: str) -> None:
    """Refuses a text of JSON that would take gigabytes once parsed, before it is.

    Raises:
        EvidenceError: it may hold more than `MAX_VALUES`.
    """
    values = 1 + content.count(b",") + content.count(b"[") + content.count(b"{")
    if values > MAX_VALUES:
        raise EvidenceError(
            f"{where}: may hold {values:,} values; expected at most {MAX_VALUES:,}; test fewer cases in one run"
        )


def parse_json(content: bytes, *, where: str) -> Json:
    """Parses strict JSON in UTF-8: no NaN, no infinity, no key twice, no absurd depth or number.

    Args:
        content: the text.
        where: what to name in an error.

    Raises:
        EvidenceError: it is not such JSON.
    """
    check_values(content, where=where)
    try:
        parsed: Json = json.loads(
            content.decode("utf-8-sig"),
            object_pairs_hook=_object_of,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_bounded if _has_long_number(content) else None,
        )
    except RecursionError as exc:
        raise EvidenceError(f"{where}: nested too deeply") from exc
    except json.JSONDecodeError as exc:
        truncated = "; the file is truncated" if exc.pos >= len(exc.doc.rstrip()) else ""
        raise EvidenceError(f"{where}: not JSON: {exc.msg}, line {exc.lineno} column {exc.colno}{truncated}") from exc
    except ValueError as exc:  # UnicodeDecodeError, numbers of too many digits, and the two hooks below
        raise EvidenceError(f"{where}: not JSON: {exc}") from exc
    return parsed


def _what_is_there(path: Path) -> str:
    if path.is_dir():
        inside = next((path / name for name in ("evidence.json", "evidence.jsonl") if (path / name).is_file()), None)
        return "a folder" if inside is None else f"a folder; did you mean {inside}?"
    return "what is not a plain file" if path.exists() else "nothing"


def _object_of(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    made = dict(pairs)
    if len(made) < len(pairs):
        twice, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise ValueError(f"key {twice[:60]!r} stands twice in one object")
    return made


def _has_long_number(content: bytes) -> bool:
    """Whether a row of digits, be it in a text, is too long: a call for each whole number is dear, a search is not."""
    return b"0" * (_LARGEST_DIGITS + 1) in content.translate(_TO_ZEROS)


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"the number {text[:40]} is too large")
    return number


def _bounded(text: str) -> int:
    if len(text) > _LARGEST_DIGITS:
        raise ValueError(f"a number of {len(text):,} digits is too large")
    return int(text)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")
