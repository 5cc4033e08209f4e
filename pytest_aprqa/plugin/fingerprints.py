"""Fingerprints of what model files store: name, type, shape and digest of every tensor, in bounded time.

Two people who compare these lists know at once which tensors their files have in common.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from pytest_aprqa.core import ArtefactError, Format, Json
from pytest_aprqa.formats import TensorEntry, open_checkpoint, read_apr, read_gguf

MAX_SECONDS: Final = 10.0
"""The run waits for this; 10 s hash some 5 GB."""
_MAX_TENSORS: Final = 20_000
_NAME_CHARS: Final = 200
_CHUNK_BYTES: Final = 4 << 20


def fingerprints(
    format: Format,
    folder: Path,
    names: Iterable[str],
    *,
    max_seconds: float = MAX_SECONDS,
    clock: Callable[[], float] = time.monotonic,
) -> dict[str, Json]:
    """What a target's files store.

    Args:
        format: of the target.
        folder: that holds the files.
        names: of all files that were tested, configuration and tokenizer among them.
        max_seconds: tensors that are not hashed by then are listed without a digest.
        clock: seconds.

    Returns:
        ``format``, ``tensors`` (each with name, type, shape, bytes, file and the SHA-256 of its stored bytes), and
        ``left_out``: what is missing and why, or null.
    """
    end = clock() + max_seconds
    try:
        stored = _stored(format, folder, names)
        listed = [_fingerprint(entry, lambda: clock() < end) for entry in list(stored.values())[:_MAX_TENSORS]]
    except (ArtefactError, OSError) as exc:
        return {"format": format, "tensors": [], "left_out": f"the files cannot be read: {exc}"}
    left_out = []
    if unhashed := sum(it["sha256"] is None for it in listed):
        left_out.append(f"{unhashed} of {len(stored)} tensors were not hashed within {max_seconds:g} s")
    if len(stored) > _MAX_TENSORS:
        left_out.append(f"{len(stored) - _MAX_TENSORS} tensors are not listed")
    return {"format": format, "tensors": [*listed], "left_out": "; ".join(left_out) or None}


def _stored(format: Format, folder: Path, names: Iterable[str]) -> Mapping[str, TensorEntry]:
    if format is Format.SAFETENSORS:
        return open_checkpoint(folder).tensors
    name = next((it for it in sorted(names) if it.endswith((f".{format}", f".{format}.json"))), None)
    if name is None:
        raise ArtefactError(f"no {format} file is among those that were tested", path=folder)
    if format is Format.GGUF:
        return read_gguf(folder / name).tensors
    return read_apr(folder / name, verify=False).tensors


def _fingerprint(entry: TensorEntry, in_time: Callable[[], bool]) -> dict[str, Json]:
    return {
        "name": entry.name[:_NAME_CHARS],
        "dtype": entry.dtype,
        "shape": [*entry.shape],
        "bytes": entry.stop - entry.start,
        "file": entry.file.name,
        "sha256": _digest(entry, in_time),
    }


def _digest(entry: TensorEntry, in_time: Callable[[], bool]) -> str | None:
    """Of the tensor's bytes as they are stored; None where the time is over."""
    if not in_time():
        return None
    digest = hashlib.sha256()
    left = entry.stop - entry.start
    with entry.file.open("rb") as stream:
        stream.seek(entry.start)
        while left:
            chunk = stream.read(min(left, _CHUNK_BYTES))
            if not chunk:
                raise ArtefactError(f"the file ends inside tensor {entry.name[:80]!r}", path=entry.file)
            digest.update(chunk)
            left -= len(chunk)
            if left and not in_time():
                return None
    return digest.hexdigest()
