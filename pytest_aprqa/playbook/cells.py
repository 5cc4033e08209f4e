"""The cells of a playbook: target by target in the playbook's order, and within a target by modality."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pytest_aprqa.core import Cell, Format, Quantization, Scenario, Target
from pytest_aprqa.playbook.document import Matrix, Model

QUANTIZED: Final = (Format.GGUF,)
"""Formats of which each quantization is a target of its own; the others store the weights as they are."""
DEFAULT_QUANTIZATION: Final = Quantization.Q4_K_M


def list_cells(model: Model, matrix: Matrix) -> tuple[Cell, ...]:
    """Every cell, in order."""
    targets = [
        Target(model.hf_repo, format, quantization, backend)
        for format in model.formats
        for quantization in _quantizations(model, format)
        for backend in matrix.backends
    ]
    return tuple(Cell(target, modality) for target in targets for modality in matrix.modalities)


def _quantizations(model: Model, format: Format) -> tuple[Quantization | None, ...]:
    if format not in QUANTIZED:
        return (None,)
    listed = model.quantizations
    if model.files.gguf is None:
        return listed or (DEFAULT_QUANTIZATION,)
    # The user's file is a target of its own; where just one quantization is listed, that is what the file claims to be.
    return listed if listed and len(listed) == 1 else (None, *(listed or ()))


def users_file(model: Model, target: Target) -> Path | None:
    """The user's own artefact that a target is; None when it has to be converted from the ground truth."""
    match target.format:
        case Format.GGUF:
            own = target.quantization is None or len(model.quantizations or ()) == 1
            return model.files.gguf if own else None
        case Format.APR:
            return model.files.apr
        case Format.SAFETENSORS:
            return None


def cell_words(cell: Cell) -> tuple[str, ...]:
    """The words by which playbooks and options speak of a cell: format, quantization, backend, modality."""
    target = cell.target
    words = (target.format, target.quantization, target.backend, cell.modality)
    return tuple(str(word) for word in words if word is not None)


def admits(words: tuple[str, ...], scenario: Scenario) -> bool:
    """Whether a scenario is meant for a cell of these words."""
    return all(word in words for word in scenario.only)
