"""The files of a corpus: written as a whole or not at all, read as hostile input.

Each recording is one safetensors file of the arrays of `Recording`; ids take 16 bits where the vocabulary allows.
Names, types, shapes and digests are checked before values are used. Knows nothing of engines or verdicts.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_aprqa.core import ArtefactError
from pytest_aprqa.formats import TensorEntry, inside, read_header, read_tensor
from pytest_aprqa.golden.corpus import GoldenCorpus, GoldenPrompt, Recording
from pytest_aprqa.golden.manifest import MANIFEST, SEAL, Manifest, PromptEntry, manifest_bytes, read_manifest

MAX_CORPUS_BYTES: Final = 512 << 20
"""All recordings together; the built-in prompts take less than 1 MB."""

_FLOATS: Final = {
    "margins": "F32",
    "top": "F16",
    "largest": "F32",
    "log_total": "F32",
    "log_rest": "F32",
    "variance": "F32",
}
_IDS: Final = ("token_ids", "continuation", "top_ids")
_SMALL_VOCABULARY: Final = 1 << 16


def write_golden(corpus: GoldenCorpus, folder: Path, *, force: bool = False) -> None:
    """Writes a corpus into a new folder, in one step.

    Raises:
        ArtefactError: the folder holds something already and `force` is not given, or cannot be written.
    """
    if not force and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ArtefactError(f"{folder} is there already; choose another version or force it", path=folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
    except OSError as exc:
        raise ArtefactError(f"cannot be written: {exc.strerror or exc}", path=folder) from exc
    try:
        _write_files(corpus, part)
        part.chmod(0o755)
        if folder.exists():
            _require_corpus(folder)
            shutil.rmtree(folder)
        part.replace(folder)
    except OSError as exc:
        raise ArtefactError(f"cannot be written: {exc.strerror or exc}", path=folder) from exc
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _require_corpus(folder: Path) -> None:
    """What force may replace: an empty folder, or one that holds a corpus and nothing else."""
    names = {each.name for each in folder.iterdir()}
    strange = {name for name in names if not _belongs(name)} if MANIFEST in names else names
    if strange:
        raise ArtefactError(
            f"{folder} is not replaced: it holds more than a corpus", path=folder, found=", ".join(sorted(strange)[:3])
        )


def _belongs(name: str) -> bool:
    return name in (MANIFEST, SEAL) or name.endswith(".safetensors")


def _write_files(corpus: GoldenCorpus, folder: Path) -> None:
    from safetensors.numpy import save_file

    small = corpus.vocabulary <= _SMALL_VOCABULARY
    written = []
    for each in corpus.prompts:
        path = folder / f"{each.prompt.id}.safetensors"
        arrays = {
            name: array.astype(np.uint16) if small and name in _IDS else array
            for name, array in each.recording.arrays().items()
        }
        save_file(arrays, path, metadata={"prompt_sha256": text_digest(each.prompt.text)})
        path.chmod(0o644)
        written.append(replace(each, sha256=_digest(path)))
    text = manifest_bytes(replace(corpus, prompts=tuple(written)))
    (folder / MANIFEST).write_bytes(text)
    (folder / SEAL).write_text(f"{hashlib.sha256(text).hexdigest()}  {MANIFEST}\n", encoding="ascii")


def read_golden(folder: Path) -> GoldenCorpus:
    """Reads a corpus, every file checked against its digest.

    Raises:
        ArtefactError: something is missing, strange, too large or not as it was recorded.
    """
    digest = require_seal(folder)
    manifest = read_manifest(folder)
    require_size(folder, manifest)
    require_complete(folder, manifest)
    prompts = tuple(read_recording(folder, entry, manifest) for entry in manifest.prompts)
    return assemble(folder, manifest, prompts, digest)


def assemble(folder: Path, manifest: Manifest, prompts: tuple[GoldenPrompt, ...], digest: str) -> GoldenCorpus:
    """The corpus of a manifest and the recordings that could be read."""
    return GoldenCorpus(
        manifest.provenance,
        manifest.recorded_with,
        manifest.vocabulary,
        manifest.top_k,
        prompts,
        folder=folder,
        digest=digest,
    )


def require_seal(folder: Path) -> str:
    """The digest of the manifest, once it is the one that the seal states."""
    digest = _digest(_plain_file(folder, MANIFEST))
    seal = _plain_file(folder, SEAL)
    try:
        with seal.open("rb") as stream:
            stated = stream.read(200)
    except OSError as exc:
        raise ArtefactError(f"cannot be read: {exc.strerror or exc}", path=seal) from exc
    if stated != f"{digest}  {MANIFEST}\n".encode():
        raise ArtefactError(
            "the manifest is not the one that was sealed", path=seal, expected=repr(stated[:64])[2:-1], found=digest
        )
    return digest


def require_size(folder: Path, manifest: Manifest) -> None:
    """Refuses what would take too much memory."""
    total = sum(
        _plain_file(folder, entry.file).stat().st_size for entry in manifest.prompts if _is_there(folder, entry)
    )
    if total > MAX_CORPUS_BYTES:
        raise ArtefactError("is too large", path=folder, expected=f"at most {MAX_CORPUS_BYTES} bytes", found=f"{total}")


def require_complete(folder: Path, manifest: Manifest) -> None:
    """Refuses files that the manifest does not list."""
    listed = {MANIFEST, SEAL, *(entry.file for entry in manifest.prompts)}
    try:
        extra = sorted(name for name in os.listdir(folder) if name not in listed)  # noqa: PTH208  # only names matter
    except OSError as exc:
        raise ArtefactError(f"cannot be read: {exc.strerror or exc}", path=folder) from exc
    if extra:
        raise ArtefactError(
            f"{len(extra)} files are not in the manifest", path=folder, found=", ".join(extra[:3])[:200]
        )


def read_recording(folder: Path, entry: PromptEntry, manifest: Manifest) -> GoldenPrompt:
    """Reads the recording of one prompt; raises `ArtefactError`."""
    path = _plain_file(folder, entry.file)
    found = _digest(path)
    if found != entry.sha256:
        raise ArtefactError("the file is not the one that was recorded", path=path, expected=entry.sha256, found=found)
    header = read_header(path)
    if header.metadata.get("prompt_sha256") != text_digest(entry.text):
        raise ArtefactError("the file was recorded for another prompt", path=path, expected=repr(entry.text)[:80])
    arrays = _arrays(header.tensors, path, manifest)
    return GoldenPrompt(entry.prompt, Recording(**arrays), entry.sha256)


def text_digest(text: str) -> str:
    """SHA-256 of a prompt's text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _arrays(tensors: Mapping[str, TensorEntry], path: Path, manifest: Manifest) -> dict[str, NDArray[Any]]:
    _require_layout(tensors, path, manifest)
    arrays = {}
    for name in Recording.__slots__:
        values = read_tensor(tensors[name])
        arrays[name] = values.astype(np.int32) if name in _IDS else values
    return arrays


def _require_layout(tensors: Mapping[str, TensorEntry], path: Path, manifest: Manifest) -> None:
    """Every array is there, of its type and of the shape that the others give it."""
    ids_type = "U16" if manifest.vocabulary <= _SMALL_VOCABULARY else "I32"
    types = {**_FLOATS, **dict.fromkeys(_IDS, ids_type)}
    if set(tensors) != set(types):
        raise ArtefactError(
            "arrays", path=path, expected=", ".join(sorted(types)), found=", ".join(sorted(tensors)[:12])[:200]
        )
    answer = _length(tensors["continuation"])
    positions = _length(tensors["token_ids"]) + answer - 1
    shapes: dict[str, tuple[int, ...]] = dict.fromkeys(types, (positions,))
    shapes |= dict.fromkeys(("top", "top_ids"), (positions, manifest.top_k))
    shapes |= {"token_ids": tensors["token_ids"].shape, "continuation": (answer,), "margins": (answer,)}
    for name, dtype in types.items():
        entry = tensors[name]
        if (entry.dtype, entry.shape) != (dtype, shapes[name]):
            raise ArtefactError(
                f"array {name}",
                path=path,
                expected=f"{dtype} {list(shapes[name])}",
                found=f"{entry.dtype} {list(entry.shape)}",
            )


def _length(entry: TensorEntry) -> int:
    if len(entry.shape) != 1 or entry.shape[0] < 1:
        raise ArtefactError(
            f"array {entry.name}", path=entry.file, expected="one axis, not empty", found=f"{list(entry.shape)}"
        )
    return entry.shape[0]


def _plain_file(folder: Path, name: str) -> Path:
    """A file of the folder itself; a link could lead anywhere and is refused."""
    path = inside(folder, name)
    if path.is_symlink():
        raise ArtefactError("is a link; a corpus holds plain files", path=path)
    return path


def _is_there(folder: Path, entry: PromptEntry) -> bool:
    return (folder / entry.file).is_file()


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as exc:
        raise ArtefactError(f"cannot be read: {exc.strerror or exc}", path=path) from exc
