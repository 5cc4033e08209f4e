"""Fuzz targets for the three readers: whatever the bytes, only `ArtefactError` may escape, and what is read is sound.

Coverage-guided, with `atheris` (no dependency of the tests; ``pip install atheris``):

    python -m tests.fuzz.readers gguf|apr|safetensors [atheris and libFuzzer arguments]

The corpus starts from `seeds` and lives in a temporary folder; a folder among the arguments is added to and kept.
"""

from __future__ import annotations

import importlib
import itertools
import multiprocessing
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType
from typing import Final


def _optional(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


atheris: Final = _optional("atheris")

# Code is instrumented as it is imported, so the readers come after it.
with atheris.instrument_imports(include=["pytest_aprqa.formats"]) if atheris else nullcontext():
    from pytest_aprqa.core import ArtefactError
    from pytest_aprqa.formats import (
        INDEX_FILE,
        SINGLE_FILE,
        TensorEntry,
        blocks,
        check_apr,
        open_checkpoint,
        read_apr,
        read_gguf,
        readable,
    )
    from tests.fuzz import seeds

_MAX_VALUES: Final = 1 << 20
"""A small file may claim an empty tensor of any shape, but never more values than its bytes hold."""


class Unsound(AssertionError):
    """A reader accepted what it should have refused."""


def read_gguf_bytes(folder: Path, content: bytes) -> None:
    """Reads the bytes as a GGUF file beside an honest second part."""
    path = folder / "m-00001-of-00002.gguf"
    path.write_bytes(content)
    second = folder / "m-00002-of-00002.gguf"
    if not second.exists():
        second.write_bytes(seeds.gguf_part(1))
    _require_sound(read_gguf(path).tensors.values())


def read_safetensors_bytes(folder: Path, content: bytes) -> None:
    """Reads the bytes as a safetensors file, or as a shard index of two honest shards when they start with a brace."""
    (folder / SINGLE_FILE).unlink(missing_ok=True)
    for name, tensor in (("one", "a"), ("two", "b")):
        if not (folder / f"{name}.safetensors").exists():
            (folder / f"{name}.safetensors").write_bytes(seeds.shard(tensor))
    (folder / (INDEX_FILE if content.startswith(b"{") else SINGLE_FILE)).write_bytes(content)
    _require_sound(open_checkpoint(folder).tensors.values())


def read_apr_bytes(folder: Path, content: bytes) -> None:
    """Reads the bytes, their checksums made right, as an APR file; as a manifest of honest shards after a brace."""
    if not any(folder.iterdir()):
        seeds.write_apr_sharded(folder)
    path = folder / "fuzz.apr"
    path.write_bytes(content if content.startswith(b"{") else seeds.apr_repaired(content))
    problems = check_apr(path)
    try:
        file = read_apr(path)
    except ArtefactError:
        if not problems:
            raise Unsound("refused, though the check finds no problem") from None
        raise
    if problems:
        raise Unsound(f"accepted, though the check finds {problems[0].message}")
    _require_sound(file.tensors.values())


READERS: Final[Mapping[str, Callable[[Path, bytes], None]]] = {
    "gguf": read_gguf_bytes,
    "apr": read_apr_bytes,
    "safetensors": read_safetensors_bytes,
}
SEEDS: Final[Mapping[str, Callable[[], list[bytes]]]] = {
    "gguf": seeds.gguf_seeds,
    "apr": seeds.apr_seeds,
    "safetensors": seeds.safetensors_seeds,
}


def try_bytes(reader: str, folder: Path, content: bytes) -> ArtefactError | None:
    """Runs one input; returns how it was refused, None when it was accepted."""
    try:
        READERS[reader](folder, content)
    except ArtefactError as refusal:
        return refusal
    return None


def _require_sound(entries: Iterable[TensorEntry]) -> None:
    for entry in itertools.islice(entries, 64):
        if not 0 <= entry.start <= entry.stop <= entry.file.stat().st_size:
            raise Unsound(f"{entry.name!r} is not inside its file")
        if readable(entry):
            if entry.values > _MAX_VALUES:
                raise Unsound(f"{entry.name!r} has {entry.values} values in a small file")
            if sum(block.size for block in blocks(entry)) != entry.values:
                raise Unsound(f"{entry.name!r} has not the values that its shape says")


def main(arguments: list[str]) -> None:
    """Fuzzes one reader until it is stopped or fails."""
    if not arguments or arguments[0] not in READERS:
        raise SystemExit(f"usage: python -m tests.fuzz.readers {'|'.join(READERS)} [atheris arguments]")
    if atheris is None:
        raise SystemExit("atheris is not installed; pip install atheris (the tests do without it)")
    with tempfile.TemporaryDirectory() as scratch:
        # In a child, since libFuzzer ends its process without unwinding it.
        child = multiprocessing.get_context("fork").Process(target=_fuzz, args=(Path(scratch), *arguments))
        child.start()
        child.join()
    raise SystemExit(child.exitcode)


def _fuzz(scratch: Path, reader: str, *arguments: str) -> None:
    assert atheris is not None
    corpus, files = scratch / "corpus", scratch / "files"
    corpus.mkdir()
    files.mkdir()
    for number, content in enumerate(SEEDS[reader]()):
        (corpus / f"seed-{number}").write_bytes(content)
    atheris.Setup([sys.argv[0], *arguments, str(corpus)], lambda content: try_bytes(reader, files, content) and None)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
