"""Conversion from any of the three formats to another: one result, in one step, away from the user's files.

Effects: reads the source, writes below the folder it is given. What is being made lies under a temporary name beside
that folder until it is whole.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from pytest_aprqa import __version__
from pytest_aprqa.conversion.open import open_model
from pytest_aprqa.conversion.quantize import QUANTIZER, quantize, quantizer_version, require_quantizer
from pytest_aprqa.conversion.stored import PLAIN
from pytest_aprqa.conversion.to_apr import write_apr_model
from pytest_aprqa.conversion.to_folder import write_hf_folder
from pytest_aprqa.conversion.to_gguf import DIRECT, write_gguf_model
from pytest_aprqa.conversion.view import ModelView
from pytest_aprqa.core import ArtefactError, Format, Quantization

_REVISION: Final = 1
"""Counts changes of what conversion writes, so that a cache does not serve what an older one wrote."""

CONVERTER: Final = (
    f"pytest-aprqa {__version__} conversion {_REVISION}, gguf {version('gguf')}, {QUANTIZER} {quantizer_version()}"
)
"""Name and versions of what converts; part of a cache's key."""

FILES: Final = {Format.GGUF: "model.gguf", Format.APR: "model.apr"}
"""What the result is called, of formats that are one file."""


@dataclass(frozen=True, slots=True)
class Converted:
    """The result of a conversion."""

    path: Path
    """The .gguf or .apr file, or the Hugging Face folder."""
    format: Format
    quantization: Quantization | None
    """What was asked for; None where the types are those of the source."""
    made_by: str
    """Who made it from what, in one phrase."""
    digest: str
    """SHA-256 of the file; of a folder, of its files' names and digests."""


def convert(source: Path, into: Path, *, format: Format, quantization: Quantization | None = None) -> Converted:
    """Converts a model.

    Args:
        source: a Hugging Face folder, a .gguf or an .apr file; it is read only.
        into: a folder that does not hold the result yet; for safetensors it becomes the Hugging Face folder, and must
            be empty or absent.
        format: what to make; not the source's.
        quantization: for GGUF any; for APR f32, f16, bf16, and q4_k_m or q6_k where a GGUF source has those blocks; for
            safetensors none. None keeps the types of the source as far as the format has them.

    Raises:
        ArtefactError: the source is broken or cannot be said in the format, or the place is not free.
        EngineUnavailable: llama.cpp's quantizer is needed and not installed.
        EngineError: the quantizer crashed or did not end.
    """
    view = open_model(source)
    _require_sense(view, into, format, quantization)
    target = into / FILES[format] if format in FILES else into
    into.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{into.name[:40]}-", dir=into.parent) as scratch:
        made = Path(scratch) / FILES.get(format, "model")
        _make(view, made, format, quantization)
        if format in FILES:
            into.mkdir(exist_ok=True)
        _publish(made, target)
    return Converted(target, format, quantization, _made_by(view, quantization), digest_of(target))


def _require_sense(view: ModelView, into: Path, format: Format, quantization: Quantization | None) -> None:
    if format is view.format:
        raise ArtefactError(f"the model is {format} already", path=view.path, expected="another format to convert to")
    if format is Format.SAFETENSORS and quantization is not None:
        raise ArtefactError(
            f"{quantization} is none of safetensors: it keeps the types of the source",
            path=view.path,
            expected="no quantization",
        )
    home = view.path if view.path.is_dir() else view.path.parent
    inside = into.resolve() == home.resolve() or (view.path.is_dir() and into.resolve().is_relative_to(home.resolve()))
    if inside:
        raise ArtefactError("the output folder is the source's own", path=into, expected="a folder of its own")
    target = into / FILES[format] if format in FILES else into
    occupied = (
        target.exists() if format in FILES else target.exists() and (not target.is_dir() or any(target.iterdir()))
    )
    if occupied:
        raise ArtefactError(f"{target} is there already", path=target, expected="a folder without it")


def _make(view: ModelView, made: Path, format: Format, quantization: Quantization | None) -> None:
    match format:
        case Format.SAFETENSORS:
            write_hf_folder(view, made)
        case Format.APR:
            write_apr_model(view, made, quantization)
        case Format.GGUF if quantization is None or quantization in DIRECT:
            write_gguf_model(view, made, quantization)
        case Format.GGUF:
            require_quantizer(quantization)
            whole = made.with_name("whole.gguf")
            write_gguf_model(view, whole, _lossless(view))
            quantize(whole, made, quantization)


def _lossless(view: ModelView) -> Quantization:
    """The smallest plain type that holds the source's matrices as they are; the quantizer starts from its values."""
    types = {tensor.entry.dtype for tensor in view.tensors.values() if len(tensor.shape) > 1}
    only = types.pop() if len(types) == 1 else "F32"
    return Quantization(only.lower()) if only in PLAIN else Quantization.F32


def _publish(made: Path, target: Path) -> None:
    """Moves the finished result into place; onto an empty folder, too."""
    try:
        made.rename(target)
    except OSError as exc:
        raise ArtefactError(f"cannot be put in place: {exc.strerror or exc}", path=target) from exc


def _made_by(view: ModelView, quantization: Quantization | None) -> str:
    tools = f"gguf {version('gguf')}"
    if quantization is not None and quantization not in DIRECT:
        tools += f", {QUANTIZER} {quantizer_version()}"
    return f"converted by pytest-aprqa {__version__} ({tools}) from {view.format}"


def digest_of(path: Path) -> str:
    """SHA-256 of a file; of a folder, of the lines ``digest  name`` of its files in the order of their names."""
    if path.is_file():
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    return hashlib.sha256("".join(_lines(path)).encode()).hexdigest()


def _lines(folder: Path) -> Iterator[str]:
    for path in sorted(folder.iterdir()):
        if path.is_file():
            yield f"{digest_of(path)}  {path.name}\n"
