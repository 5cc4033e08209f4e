"""Conversions that are made once and kept, also when two processes want the same one at the same time.

The key is what decides the bytes: the digests of the source, the converter's version, and what is wanted. The lock is
the operating system's, so that it ends with the process that holds it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from pytest_aprqa.conversion.convert import CONVERTER, FILES, Converted, convert
from pytest_aprqa.core import ArtefactError, Format, Quantization, slug

_NOTE: Final = "converted.json"
"""Written last: a folder without it is unfinished."""
_RESULT: Final = "model"
_KEY_DIGITS: Final = 20


def convert_cached(
    source: Path,
    digests: Mapping[str, str],
    *,
    format: Format,
    quantization: Quantization | None,
    cache: Path,
) -> Converted:
    """A conversion, from the cache when it is there.

    Args:
        source: as `convert` takes it.
        digests: of the files that decide what the source says, by their names.
        format: what to make.
        quantization: as `convert` takes it.
        cache: folder of all conversions, made when it is not there.

    Raises:
        ArtefactError: as `convert`, or the cache cannot be written.
        EngineError: as `convert`.
    """
    folder = cache / _name(source, digests, format, quantization)
    with _locked(cache, folder.name):
        kept = _kept(folder)
        return kept if kept is not None else _fill(source, digests, folder, format, quantization)


def _name(source: Path, digests: Mapping[str, str], format: Format, quantization: Quantization | None) -> str:
    wanted = [CONVERTER, format.value, quantization.value if quantization else None, dict(sorted(digests.items()))]
    key = hashlib.sha256(json.dumps(wanted).encode()).hexdigest()[:_KEY_DIGITS]
    return f"{slug(source.name)}-{format}-{quantization or 'as-stored'}-{key}"


@contextmanager
def _locked(cache: Path, name: str) -> Iterator[None]:
    try:
        cache.mkdir(parents=True, exist_ok=True)
        lock = (cache / f".{name}.lock").open("a")
    except OSError as exc:
        raise ArtefactError(f"the cache cannot be written: {exc.strerror or exc}", path=cache) from exc
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _kept(folder: Path) -> Converted | None:
    """What an earlier run left, if it is whole."""
    try:
        note = json.loads((folder / _NOTE).read_text(encoding="utf-8"))
        format = Format(note["format"])
        path = folder / _RESULT / FILES[format] if format in FILES else folder / _RESULT
        if _sizes(path) != note["sizes"]:
            return None
        quantization = Quantization(note["quantization"]) if note["quantization"] else None
        return Converted(path, format, quantization, str(note["made_by"]), str(note["digest"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _fill(
    source: Path, digests: Mapping[str, str], folder: Path, format: Format, quantization: Quantization | None
) -> Converted:
    part = folder.with_name(f".{folder.name}.part")
    for leftover in (part, folder):  # of a process that was killed; the lock says that none is at work
        shutil.rmtree(leftover, ignore_errors=True)
    try:
        made = convert(source, part / _RESULT, format=format, quantization=quantization)
        note = {
            "format": format.value,
            "quantization": quantization.value if quantization else None,
            "made_by": made.made_by,
            "converter": CONVERTER,
            "made_from": dict(sorted(digests.items())),
            "digest": made.digest,
            "sizes": _sizes(made.path),
        }
        (part / _NOTE).write_text(json.dumps(note, indent=1) + "\n", encoding="utf-8")
        part.rename(folder)
    except OSError as exc:
        raise ArtefactError(f"the cache cannot be written: {exc.strerror or exc}", path=folder) from exc
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return replace(made, path=folder / made.path.relative_to(part))


def _sizes(path: Path) -> dict[str, int]:
    files = [path] if path.is_file() else sorted(path.iterdir())
    return {file.name: file.stat().st_size for file in files}
