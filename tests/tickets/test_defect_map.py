from __future__ import annotations

from pytest_aprqa.parity import Family
from pytest_aprqa.tickets import CAUSES, DEFECT_MAP
from pytest_aprqa.tickets.defect_map import CONVERSION_LIBRARY, FOLDER_LIBRARY
from tests.defects.conversion.library import CONVERSION_DEFECTS
from tests.defects.library import DEFECTS


def test_every_cause_but_the_unknown_one_has_a_fixture() -> None:
    assert set(CAUSES) - set(DEFECT_MAP) == {"unknown"}
    assert set(DEFECT_MAP) <= set(CAUSES)


def test_every_family_of_the_diagnosis_is_a_cause() -> None:
    assert {family.value for family in Family} <= set(CAUSES)
    assert all(key == cause.key for key, cause in CAUSES.items())


def test_every_planted_defect_exists_where_the_map_says() -> None:
    libraries = {CONVERSION_LIBRARY: set(CONVERSION_DEFECTS), FOLDER_LIBRARY: set(DEFECTS)}
    planted = [fixture for fixture in DEFECT_MAP.values() if fixture.defect]
    assert len(planted) > 20
    assert [fixture.defect for fixture in planted if fixture.defect not in libraries[fixture.library]] == []


def test_a_family_is_reproduced_by_a_defect_of_that_family() -> None:
    for family in Family:
        if family is not Family.UNKNOWN:
            defect = CONVERSION_DEFECTS[DEFECT_MAP[family].defect]
            assert family in (defect.family, defect.alike)


def test_the_five_published_classes_are_named() -> None:
    assert {fixture.published for fixture in DEFECT_MAP.values()} - {""} == {
        "tensor_name_mismatch",
        "dequantization_failure",
        "config_metadata_mismatch",
        "missing_artifact",
        "inference_failure",
    }
