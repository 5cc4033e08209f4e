"""Pairs of the tiny model and artefacts made of it, with stand-ins for both engines."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast

from pytest_aprqa import embedded
from pytest_aprqa.conversion import ModelView, convert, open_model
from pytest_aprqa.core import Format, Outcome, Quantization
from pytest_aprqa.engines import Instruments
from pytest_aprqa.gates import COMPARISONS, Options, Pair, judge_gate
from tests.gates.comparison.stand_in import StandIn

OPTIONS = Options(max_tokens=6, positions=48, long_tokens=400)


def truth() -> ModelView:
    return open_model(embedded.folder())


def make(into: Path, format: Format, quantization: Quantization | None = None) -> Path:
    return convert(embedded.folder(), into, format=format, quantization=quantization).path


def make_from(
    plant: Callable[[Path], None], scratch: Path, format: Format, quantization: Quantization | None = None
) -> Path:
    """An artefact of a copy of the tiny model in which a defect was planted."""
    source = Path(shutil.copytree(embedded.folder(), scratch / "source"))
    plant(source)
    return convert(source, scratch / "made", format=format, quantization=quantization).path


def pair_of(
    path: Path,
    scratch: Path,
    *,
    quantization: Quantization | None = None,
    ours: StandIn | None = None,
    theirs: StandIn | None = None,
    traced: StandIn | None = None,
    limits: Mapping[str, float] | None = None,
) -> Pair:
    """A pair; without stand-ins there are no engines."""
    formats = {".gguf": Format.GGUF, ".apr": Format.APR}
    return Pair(
        reference=truth(),
        path=path,
        format=formats.get(path.suffix, Format.SAFETENSORS),
        quantization=quantization,
        scratch=scratch,
        reference_instruments=(lambda: cast("Instruments", ours)) if ours else None,
        artefact_instruments=(lambda: cast("Instruments", theirs)) if theirs else None,
        traced=(lambda _: cast("Instruments", traced)) if traced else None,
        options=OPTIONS,
        limits=limits or {},
    )


def outcomes(pair: Pair) -> dict[str, Outcome]:
    """Every gate that is about the pair's format."""
    return {
        check.gate_id: judge_gate(check.gate_id, pair).outcome for check in COMPARISONS if pair.format in check.formats
    }
