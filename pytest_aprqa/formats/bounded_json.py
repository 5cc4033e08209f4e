"""JSON files of unknown origin, read in bounded time and memory; whatever is wrong ends in `ArtefactError`.

Refused: too long, too many values, too deep, a key twice, not UTF-8, a top level that is no object.
Knows nothing of what the file means.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pytest_aprqa.core import ArtefactError, Json

MAX_JSON_BYTES: Final = 128 << 20
"""The largest tokenizer.json in use (Gemma 3, Llama 4) is about 33 MB."""

_MAX_VALUES: Final = 8_000_000
"""A tokenizer of 262,144 tokens and 514,906 merges has about 2 million commas and brackets."""


def read_json(path: Path, *, max_bytes: int = MAX_JSON_BYTES) -> dict[str, Json]:
    """Reads a JSON object from a file of at most `max_bytes`."""
    try:
        if not path.is_file():
            raise ArtefactError("cannot be read: it is absent or no file", path=path, expected="a JSON file")
        with path.open("rb") as stream:
            # Not `max_bytes`: a read allocates all that it is asked for.
            file_bytes = os.fstat(stream.fileno()).st_size
            text = stream.read(min(file_bytes, max_bytes) + 1)
    except OSError as exc:
        raise ArtefactError(f"cannot be read: {exc.strerror or exc}", path=path) from exc
    if len(text) > max_bytes:
        raise ArtefactError("is too large", path=path, expected=f"at most {max_bytes} bytes")
    return parse_object(text, path=path)


def parse_object(text: bytes, *, path: Path, offset: int = 0, max_values: int = _MAX_VALUES) -> dict[str, Json]:
    """Parses a JSON object.

    Args:
        text: the bytes.
        path: the file they come from, for errors.
        offset: where in that file they start.
        max_values: at most so many commas and opening brackets, each of which costs about 100 bytes once parsed.
    """
    values = sum(text.count(mark) for mark in (b",", b"{", b"["))
    if values > max_values:
        raise ArtefactError(
            "the JSON has too many values",
            path=path,
            offset=offset,
            expected=f"at most {max_values}",
            found=f"{values}",
        )
    try:
        value = json.loads(text.decode("utf-8"), object_pairs_hook=_without_duplicates)
    except RecursionError as exc:
        raise ArtefactError("the JSON is nested too deep", path=path, offset=offset) from exc
    except json.JSONDecodeError as exc:
        position = len(exc.doc[: exc.pos].encode())
        raise ArtefactError(f"the JSON is broken: {exc.msg}", path=path, offset=offset + position) from exc
    except ValueError as exc:
        raise ArtefactError(f"the JSON is broken: {exc}", path=path, offset=offset) from exc
    if not isinstance(value, dict):
        raise ArtefactError(
            "the JSON is no object", path=path, offset=offset, expected="{...}", found=type(value).__name__
        )
    return value


def _without_duplicates(pairs: list[tuple[str, Json]]) -> Mapping[str, Json]:
    """Two equal keys mean that two readers see two files."""
    value = dict(pairs)
    if len(value) != len(pairs):
        twice, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise ValueError(f"the key {twice[:80]!r} is there twice")
    return value
