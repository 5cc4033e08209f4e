"""Whether a playbook's weights are on this machine, and how large the model is, without reading the weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_aprqa.core import AprqaError, ArtefactError, Format, WeightsUnavailable
from pytest_aprqa.formats import TensorEntry, read_apr, read_gguf, read_header
from pytest_aprqa.playbook import GroundTruth, Playbook
from pytest_aprqa.weights import Search, Wanted, resolve

_FILE_BITS: Final = 6.0
"""Bits of a weight in a file that somebody quantized, where its header cannot be read."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a model's weights before a run."""

    at_hand: bool
    where: str
    """The folder or file with how it was found; else why it is not here, one line."""
    parameters: float | None = None
    """Number of weights; None where it is not known."""
    path: Path | None = None
    """The ground truth's folder, or the file that is its own; None where it is not here."""
    ways: tuple[str, ...] = ()
    """How to get the weights that are not here."""


def look_for(playbook: Playbook, search: Search) -> Seen:
    """Looks in the places of a run; nothing is downloaded.

    Args:
        playbook: names the model.
        search: where to look.
    """
    model = playbook.model
    named = {it: path for it in Format if (path := getattr(model.files, it)) is not None}
    if model.ground_truth is GroundTruth.DEQUANTIZED:
        return _own_file(named)
    try:
        found = resolve(Wanted(model.hf_repo, model.revision, model.local_path, named), search)
    except WeightsUnavailable as problem:
        return Seen(at_hand=False, where="not on this machine", ways=problem.ways)
    except ArtefactError as problem:
        return Seen(at_hand=False, where=str(problem))
    missing = [str(path) for path in named.values() if not path.exists()]
    if missing:
        return Seen(at_hand=False, where=f"{' and '.join(missing)}: does not exist")
    where = f"{found.folder} ({found.source})"
    return Seen(at_hand=True, where=where, parameters=_parameters(found.files), path=found.folder)


def _own_file(named: Mapping[Format, Path]) -> Seen:
    """The file that is its own ground truth."""
    path = named.get(Format.GGUF) or named.get(Format.APR)
    if path is None or not path.is_file():
        return Seen(at_hand=False, where=f"{path}: does not exist")
    parameters = _parameters((path,)) or path.stat().st_size * 8 / _FILE_BITS
    return Seen(at_hand=True, where=f"{path} (playbook model.files)", parameters=parameters, path=path)


def _parameters(files: tuple[Path, ...]) -> float | None:
    try:
        return float(sum(entry.values for file in files for entry in _tensors(file).values()))
    except (AprqaError, OSError):
        return None


def _tensors(file: Path) -> Mapping[str, TensorEntry]:
    if file.suffix == ".gguf":
        return read_gguf(file).tensors
    return read_apr(file, verify=False).tensors if file.suffix == ".apr" else read_header(file).tensors
