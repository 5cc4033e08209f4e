"""Defects that only an engine betrays: each is planted, loaded and asked, and the gate that must catch it does."""

from __future__ import annotations

from itertools import count, groupby

import pytest

from pytest_aprqa.core import Format, Outcome
from pytest_aprqa.gates import judge_gate
from tests.defects.conversion.artefacts import Artefact
from tests.defects.conversion.bench import COMPUTED, Bench, families, judge
from tests.defects.conversion.library import CONVERSION_DEFECTS, TESTED, ConversionDefect
from tests.defects.conversion.test_files import assert_named, parameters, planted
from tests.defects.conversion.witnesses import WITNESSES

pytest.importorskip("torch")
pytest.importorskip("transformers")

_numbers = count()

ASKED = [case for case in TESTED if case[0].gates[case[1].format] in COMPUTED]


@pytest.mark.parametrize(("defect", "artefact"), parameters(ASKED))
def test_its_gate_catches_a_defect_of_what_is_computed(
    defect: ConversionDefect, artefact: Artefact, bench: Bench
) -> None:
    if artefact.format is Format.GGUF:
        pytest.importorskip("xllamacpp")
        pytest.importorskip("cyllama")
    path = planted(defect, artefact, bench)
    with bench.pair(artefact, path) as pair:
        verdict = judge(defect.gates[artefact.format], artefact, bench, pair)
        if artefact.compared:
            judge_gate("F-TOKEN-IDS-001", pair)  # evidence for the diagnosis, as in every run
        named = families(artefact, pair)
    assert verdict.outcome is Outcome.FALSIFIED, verdict.reason
    assert_named(named, defect, artefact)


def test_gates_behind_another_see_the_defect_by_themselves(bench: Bench) -> None:
    for module in ("xllamacpp", "cyllama"):
        pytest.importorskip(module)
    silent = []
    for (name, artefact), witnesses in groupby(WITNESSES, key=lambda witness: (witness.defect, witness.artefact)):
        path = bench.copy(artefact, f"alone-{name}-{next(_numbers)}")
        CONVERSION_DEFECTS[name].plant(path)
        with bench.pair(artefact, path) as pair:
            verdicts = {gate_id: judge_gate(gate_id, pair, alone=True) for gate_id, *_ in witnesses}
        silent += [f"{id}: {it.reason}" for id, it in verdicts.items() if it.outcome is not Outcome.FALSIFIED]
    assert silent == []
