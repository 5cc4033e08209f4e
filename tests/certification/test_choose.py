from __future__ import annotations

from pathlib import Path

import pytest

from pytest_aprqa.certification import CertificationError, choose
from pytest_aprqa.registry import Row
from tests.certification.samples import CODER, TINY, registry

KNOWN = registry(Path("models.csv"))


@pytest.mark.parametrize("name", [CODER, CODER.lower(), "qwen2.5-coder-1.5b-instruct"])
def test_a_model_is_known_by_its_id_or_by_its_short_name(name: str) -> None:
    assert [row.model_id for row in choose(KNOWN, [name])] == [CODER]


def test_models_come_once_and_in_the_registrys_order() -> None:
    assert [row.model_id for row in choose(KNOWN, [CODER, TINY, CODER])] == [TINY, CODER]


def test_a_family_and_all() -> None:
    assert [row.model_id for row in choose(KNOWN, [], family="qwen-coder")] == [CODER]
    assert choose(KNOWN, [], every=True) == KNOWN.rows


@pytest.mark.parametrize(
    ("names", "family", "hint"),
    [
        (["aprqa-tinny"], None, f"did you mean '{TINY}'"),
        (["Qwen/Qwen2.5-Coder-1.5B"], None, f"did you mean '{CODER}'"),
        ([], "qwen-code", "did you mean 'qwen-coder'"),
        ([], "Qwen-Coder", "did you mean 'qwen-coder'"),
        (["zzz"], None, "no model has the id 'zzz'; `apr-qa list`"),
    ],
)
def test_what_is_unknown_is_refused_with_a_hint(names: list[str], family: str | None, hint: str) -> None:
    with pytest.raises(CertificationError, match=r"^models\.csv: ") as refused:
        choose(KNOWN, names, family=family)
    assert hint in str(refused.value)


def test_one_known_name_does_not_carry_an_unknown_one() -> None:
    with pytest.raises(CertificationError, match="'other/model'"):
        choose(KNOWN, [TINY, "other/model"])


def test_a_short_name_of_two_models_is_refused() -> None:
    twins = registry(Path("models.csv"), Row("a/same"), Row("b/Same"))
    with pytest.raises(CertificationError, match="may be any of a/same, b/Same"):
        choose(twins, ["same"])
    assert [row.model_id for row in choose(twins, ["B/same"])] == ["b/Same"]


@pytest.mark.parametrize(
    ("names", "family", "every", "found"),
    [([], None, False, "none of them"), ([TINY], None, True, "more than one"), ([], "aprqa", True, "more than one")],
)
def test_exactly_one_way_to_choose(names: list[str], family: str | None, every: bool, found: str) -> None:
    with pytest.raises(CertificationError, match=found):
        choose(KNOWN, names, family=family, every=every)


def test_an_empty_registry_is_refused() -> None:
    from pytest_aprqa.registry import Registry

    with pytest.raises(CertificationError, match="expected models, found none"):
        choose(Registry(Path("models.csv")), [], every=True)
