"""Writing a folder of playbooks from a registry."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_aprqa.bootstrap import (
    Architecture,
    Registered,
    apply,
    changes,
    model_of,
    parameters_of,
    plan_all,
    read_architectures,
)
from pytest_aprqa.core import AprqaError, Tier

ROWS = (
    Registered("org/Big-7B-Instruct", "big", "7B"),
    Registered("org/Some-1B-it", "some", "1B"),
    Registered("org/Some-500M", "some", "500M"),
)


def test_every_model_gets_two_and_the_smallest_of_a_family_all_five() -> None:
    planned = {(each.model.model_id, each.tier) for each in plan_all(ROWS)}
    assert {tier for model, tier in planned if model == "org/Some-500M"} == set(Tier)
    assert {tier for model, tier in planned if model == "org/Some-1B-it"} == {Tier.SMOKE, Tier.MVP}
    assert {tier for model, tier in planned if model == "org/Big-7B-Instruct"} == {Tier.SMOKE, Tier.MVP}


def test_models_that_differ_by_the_word_instruct_keep_it() -> None:
    both = (Registered("org/Some-1B", "some", "1B"), Registered("org/Some-1B-Instruct", "some", "1B"))
    names = [each.name for each in plan_all(both)]
    assert len(set(names)) == len(names)
    assert {"some-1b-mvp", "some-1b-instruct-mvp"} <= set(names)


def test_a_folder_is_written_once_and_then_is_as_it_should_be(tmp_path: Path) -> None:
    first = list(changes(tmp_path, ROWS, {}))
    assert {change.what for change in first} == {"new"}
    for change in first:
        apply(change)
    assert list(changes(tmp_path, ROWS, {})) == []
    assert len(list(tmp_path.iterdir())) == len(first) == 9


def test_drift_and_left_over_files_are_found_and_peoples_files_left_alone(tmp_path: Path) -> None:
    for change in changes(tmp_path, ROWS, {}):
        apply(change)
    drifted = tmp_path / "some-1b-mvp.playbook.yaml"
    drifted.write_text(drifted.read_text().replace("seed: 42", "seed: 43"))
    (tmp_path / "big-7b-smoke.playbook.yaml").write_text("# By hand.\nname: big-7b-smoke\n")
    (tmp_path / "mine.playbook.yaml").write_text("name: mine\n")
    found = {(change.path.name, change.what) for change in changes(tmp_path, ROWS[:2], {})}
    assert ("some-1b-mvp.playbook.yaml", "changed") in found
    assert {name for name, what in found if what == "left over"} == {
        f"some-500m-{suffix}.playbook.yaml" for suffix in ("smoke", "mvp", "quick", "ci", "full")
    }
    assert not {name for name, _ in found if name.startswith(("big", "mine"))}
    for change in changes(tmp_path, ROWS[:2], {}):
        apply(change)
    assert "seed: 42" in drifted.read_text()
    assert not (tmp_path / "some-500m-mvp.playbook.yaml").exists()


def test_a_source_gives_numbers_and_the_way_of_asking() -> None:
    architecture = Architecture("somewhere", True, {"model_type": "llama", "hidden_size": 64, "vocab_size": 32000})
    model = model_of(ROWS[0], architecture)
    assert dict(model.expected) == {"expected_hidden_dim": 64, "expected_vocab_size": 32000}
    assert (model.kind, model.source, model.architecture) == ("base", "somewhere", "llama")
    assert not model_of(ROWS[0], None).expected


@pytest.mark.parametrize(("text", "number"), [("0.5B", 5 * 10**8), ("135M", 135 * 10**6), ("2.03M", 2_030_000)])
def test_numbers_of_parameters_are_read(text: str, number: int) -> None:
    assert parameters_of(text) == number


@pytest.mark.parametrize("text", ["", "7", "B", "0B", "-1B", "1e9B", "7BB", "9" * 400 + "B"])
def test_what_is_no_number_of_parameters_is_refused(text: str) -> None:
    with pytest.raises(AprqaError, match=r"0\.5B or 135M"):
        parameters_of(text)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "models: 1", "models: {a/b: {hidden_size: 4}}", "models: {a/b: {source: x, hidden_size: -1}}",
     "models: {a/b: {source: x, hiden_size: 1}}", "models: {a/b: {source: x, vocab_size: '1'}}", "models: [", "\x00"],
)  # fmt: skip
def test_a_bad_file_of_architectures_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "architectures.yaml"
    path.write_text(text)
    with pytest.raises(AprqaError, match="expected models"):
        read_architectures(path)


def test_an_absent_file_of_architectures_knows_nothing(tmp_path: Path) -> None:
    assert read_architectures(tmp_path / "absent.yaml") == {}
