"""The library itself: opening changes nothing, planting changes something, and nothing is left out."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_aprqa.conversion import open_model
from pytest_aprqa.core import GATES, Format
from pytest_aprqa.gates import COMPARISONS
from tests.defects.conversion.artefacts import (
    APR_F16,
    APR_Q4_0,
    APR_Q8_0,
    FOLDER,
    GGUF_F16,
    GGUF_Q4_0,
    GGUF_Q4_K_M,
    GGUF_Q8_0,
    Artefact,
)
from tests.defects.conversion.bench import Bench
from tests.defects.conversion.contents import edited
from tests.defects.conversion.library import (
    CASES,
    CONVERSION_DEFECTS,
    GAPS,
    TESTED,
)
from tests.defects.conversion.stored import Stored
from tests.defects.conversion.witnesses import UNPLANTED, WITNESSES

EDITED = (FOLDER, GGUF_F16, GGUF_Q8_0, GGUF_Q4_0, GGUF_Q4_K_M, APR_F16, APR_Q8_0, APR_Q4_0)


@pytest.mark.parametrize("artefact", EDITED, ids=[artefact.label for artefact in EDITED])
def test_opening_and_saving_changes_nothing_that_is_said(artefact: Artefact, bench: Bench) -> None:
    path = bench.copy(artefact, "unchanged")
    with edited(path):
        pass
    before, after = open_model(bench.healthy(artefact)), open_model(path)
    assert after.config == before.config
    assert after.tokenizer == before.tokenizer
    assert after.raw == before.raw
    assert list(after.tensors) == list(before.tensors)
    assert all(np.array_equal(after.tensors[name].values(), before.tensors[name].values()) for name in before.tensors)


@pytest.mark.parametrize("artefact", EDITED, ids=[artefact.label for artefact in EDITED])
def test_numbers_are_read_as_the_package_reads_them(artefact: Artefact, bench: Bench) -> None:
    with edited(bench.copy(artefact, "read")) as contents:
        mine: dict[str, Stored] = dict(contents.tensors)
    for name, tensor in open_model(bench.healthy(artefact)).tensors.items():
        if ".q_proj." not in name and ".k_proj." not in name:
            np.testing.assert_array_equal(mine[name].values, tensor.values())


def test_every_defect_says_what_it_is() -> None:
    for name, defect in CONVERSION_DEFECTS.items():
        assert defect.description.endswith(".")
        assert defect.name == name
        assert {defect.gates[format] for format in defect.formats} <= {*GATES}
        assert bool(defect.why_alike) == bool(defect.alike)
    assert len({defect.description for defect in CONVERSION_DEFECTS.values()}) == len(CONVERSION_DEFECTS)


def test_every_format_is_covered() -> None:
    for format in Format:
        assert sum(format in defect.formats for defect in CONVERSION_DEFECTS.values()) >= 25
    tested = {(defect.name, artefact.format) for defect, artefact in TESTED}
    assert tested == {(defect.name, format) for defect in CONVERSION_DEFECTS.values() for format in defect.formats}


def test_every_comparison_that_must_catch_something_does_or_says_why_not() -> None:
    required = {defect.gates[artefact.format] for defect, artefact in CASES}
    witnesses = {witness.gate_id for witness in WITNESSES}
    compared = {check.gate_id for check in COMPARISONS}
    assert compared - required - witnesses == {*UNPLANTED}
    assert not witnesses & required
    assert all(UNPLANTED.values())


def test_every_gap_is_a_case_that_is_tested() -> None:
    assert {*GAPS} <= {(defect.name, artefact) for defect, artefact in CASES}
    assert {name for name, _ in GAPS} <= {defect.name for defect, _ in TESTED}
