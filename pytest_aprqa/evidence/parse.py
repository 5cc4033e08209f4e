"""Turns the bytes of an evidence file into plain JSON, in bounded time and memory whatever the bytes are."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Final, NoReturn

from pytest_aprqa.core import EvidenceError, Json

MAX_BYTES: Final = 100_000_000
"""Largest file that is read by default; 20,000 records of 32 tokens take about 40 MB."""

MAX_VALUES: Final = 10_000_000
"""Most JSON values in one text: some 100 bytes each once parsed, so that 100 MB of ``[],[],`` do not become 5 GB."""


def read_bytes(path: Path, *, max_bytes: int = MAX_BYTES) -> bytes:
    """The file's bytes.

    Raises:
        EvidenceError: it is not there, not a plain file, not readable or too large.
    """
    try:
        if not path.is_file():
            found = "a folder" if path.is_dir() else "nothing"
            raise EvidenceError(f"{path}: expected an evidence file, found {found}")
        with path.open("rb") as file:
            content = file.read(max_bytes + 1)
    except (OSError, ValueError) as exc:
        raise EvidenceError(f"{path}: cannot be read: {exc}") from exc
    if len(content) > max_bytes:
        raise EvidenceError(f"{path}: larger than {max_bytes:,} bytes; raise the limit if the file is meant to be")
    return content


def parse_json(content: bytes, *, where: str) -> Json:
    """Parses strict JSON in UTF-8: no NaN, no key twice, no absurd depth or number.

    Args:
        content: the text.
        where: what to name in an error.

    Raises:
        EvidenceError: it is not such JSON.
    """
    values = 1 + content.count(b",") + content.count(b"[") + content.count(b"{")
    if values > MAX_VALUES:
        raise EvidenceError(f"{where}: may hold {values:,} values; expected at most {MAX_VALUES:,}")
    try:
        parsed: Json = json.loads(
            content.decode("utf-8-sig"), object_pairs_hook=_object_of, parse_constant=_refuse_constant
        )
    except RecursionError as exc:
        raise EvidenceError(f"{where}: nested too deeply") from exc
    except json.JSONDecodeError as exc:
        truncated = "; the file is truncated" if exc.pos >= len(exc.doc.rstrip()) else ""
        raise EvidenceError(f"{where}: not JSON: {exc.msg}, line {exc.lineno} column {exc.colno}{truncated}") from exc
    except ValueError as exc:  # UnicodeDecodeError, numbers of too many digits, and the two hooks below
        raise EvidenceError(f"{where}: not JSON: {exc}") from exc
    return parsed


def _object_of(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    made = dict(pairs)
    if len(made) < len(pairs):
        twice, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise ValueError(f"key {twice[:60]!r} stands twice in one object")
    return made


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")
