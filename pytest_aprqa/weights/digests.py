"""SHA-256 of a model's files, remembered for the large ones.

Hashing half a gigabyte takes a second, and each run needs it. The memory is a small JSON file, keyed by path, size and
both time stamps in nanoseconds; it is a convenience: a broken, unwritable or lost one costs time, never a wrong run.
A file whose content was changed under the same size, mtime and ctime would be taken for the old one.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from pytest_aprqa.core import ArtefactError, Weights
from pytest_aprqa.formats import INDEX_FILE, SIDE_FILES

_LARGE_BYTES: Final = 32 << 20
"""From here on a digest is remembered; below, reading the file costs less than 0.1 s."""

_SETTLED_NS: Final = 2_000_000_000
"""A file younger than this may change again within the same time stamp (2 s on FAT), so it is not remembered."""

_MAX_ENTRIES: Final = 1000


def digested(weights: Weights, *, memory: Path | None = None) -> Weights:
    """The same weights with the digests of all files that decide what the model says.

    Args:
        weights: as `resolve` found them.
        memory: file that remembers digests of large files, see `digest_memory`; None computes all.
    """
    side = (weights.folder / name for name in (*SIDE_FILES, INDEX_FILE))
    paths = dict.fromkeys([*weights.files, *(path for path in side if path.is_file())])
    return replace(weights, digests=digest_files(paths, memory=memory))


def digest_memory(environment: Mapping[str, str]) -> Path:
    """The file of the user's cache folder that remembers digests."""
    base = environment.get("XDG_CACHE_HOME")
    home = Path(environment["HOME"]) if environment.get("HOME") else Path.home()
    return (Path(base) if base else home / ".cache") / "pytest-aprqa" / "digests.json"


def digest_files(paths: Iterable[Path], *, memory: Path | None = None) -> dict[str, str]:
    """File name to SHA-256 in 64 hexadecimal digits."""
    known = _recall(memory)
    fresh: dict[str, str] = {}
    digests: dict[str, str] = {}
    for path in paths:
        key = _key(path)
        digest = known.get(key) if key else None
        if digest is None:
            digest = _digest(path)
            if key and key == _key(path):
                fresh[key] = digest
        digests[path.name] = digest
    if memory is not None and fresh:
        _remember(memory, fresh)
    return digests


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as exc:
        raise ArtefactError(f"cannot be read: {exc.strerror or exc}", path=path) from exc


def _key(path: Path) -> str | None:
    """What a remembered digest belongs to; None for files that are small, or too young to be sure of."""
    try:
        facts = path.stat()
    except OSError:
        return None
    if facts.st_size < _LARGE_BYTES or time.time_ns() - facts.st_mtime_ns < _SETTLED_NS:
        return None
    return f"{path.resolve()}|{facts.st_size}|{facts.st_mtime_ns}|{facts.st_ctime_ns}"


def _recall(memory: Path | None) -> dict[str, str]:
    if memory is None:
        return {}
    try:
        value = json.loads(memory.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    entries = value.items() if isinstance(value, dict) else ()
    return {key: digest for key, digest in entries if isinstance(digest, str) and len(digest) == 64}


def _remember(memory: Path, fresh: Mapping[str, str]) -> None:
    """Adds to the memory by replacing the file; of two writers at once, one's entries are computed again some day."""
    merged = list({**_recall(memory), **fresh}.items())[-_MAX_ENTRIES:]
    try:
        memory.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=memory.parent, delete=False, encoding="utf-8") as stream:
            json.dump(dict(merged), stream, indent=0)
        os.replace(stream.name, memory)  # noqa: PTH105  # the same call as Path.replace, for a name
    except OSError:
        return
