"""Defects that the files alone betray: each is planted, and the gate that must catch it does."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from pytest_aprqa.core import Outcome
from pytest_aprqa.parity import Family
from tests.defects.conversion.artefacts import Artefact
from tests.defects.conversion.bench import COMPUTED, Bench, families, judge
from tests.defects.conversion.library import GAPS, TESTED, ConversionDefect, plant_in

STATIC = [case for case in TESTED if case[0].gates[case[1].format] not in COMPUTED]


def parameters(cases: Iterable[tuple[ConversionDefect, Artefact]]) -> list[ParameterSet]:
    """Cases by name; those that fall into a gap are expected to fail, and fail when they do not."""
    return [
        pytest.param(
            defect,
            artefact,
            id=f"{defect.name}-{artefact.label}",
            marks=[pytest.mark.xfail(reason=gap)] if (gap := GAPS.get((defect.name, artefact))) else [],
        )
        for defect, artefact in cases
    ]


@pytest.mark.parametrize(("defect", "artefact"), parameters(STATIC))
def test_its_gate_catches_a_defect_of_the_files(defect: ConversionDefect, artefact: Artefact, bench: Bench) -> None:
    path = planted(defect, artefact, bench)
    with bench.pair(artefact, path) as pair:
        verdict = judge(defect.gates[artefact.format], artefact, bench, pair)
        named = families(artefact, pair)
    assert verdict.outcome is Outcome.FALSIFIED, verdict.reason
    assert_named(named, defect, artefact)


def planted(defect: ConversionDefect, artefact: Artefact, bench: Bench) -> Path:
    path = bench.copy(artefact, defect.name)
    plant_in(path, defect.name)
    assert content(path) != content(bench.healthy(artefact))
    return path


def content(path: Path) -> list[tuple[str, bytes]]:
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    return [(file.name, file.read_bytes()) for file in files]


def assert_named(named: tuple[Family, ...], defect: ConversionDefect, artefact: Artefact) -> None:
    if artefact.compared:
        assert named[:1], "no diagnosis"
        assert named[0] in (defect.family, defect.alike), named
    else:
        assert named == ()
