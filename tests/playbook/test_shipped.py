"""The playbooks that come with the project: what bootstrap writes, without a warning, and found by what they hold."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from pytest_aprqa.bootstrap import (
    ARCHITECTURES_FILE,
    MODELS_FOLDER,
    Registered,
    changes,
    is_written,
    plan_all,
    read_architectures,
)
from pytest_aprqa.core import TIERS, Tier
from pytest_aprqa.playbook import Playbook, read_playbook
from pytest_aprqa.registry import read_registry

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "playbooks" / MODELS_FOLDER
ROWS = [
    Registered(row.model_id, row.family, row.parameters)
    for row in read_registry(ROOT / "certifications/models.csv").rows
]
ARCHITECTURES = read_architectures(ROOT / "playbooks" / ARCHITECTURES_FILE)
BY_HAND = {"aprqa-tiny-mvp", "aprqa-tiny-smoke", "smollm2-135m-mvp", "smollm2-135m-q4_1", "smollm2-135m-smoke"}


@pytest.fixture(scope="module")
def shipped() -> dict[str, Playbook]:
    """Every playbook by its file's name, read as strictly as can be."""
    paths = sorted(FOLDER.glob("*.playbook.yaml"))
    return {
        path.name.removesuffix(".playbook.yaml"): read_playbook(path, {"MODELS": "/m"}, strict=True) for path in paths
    }


def test_the_files_are_what_bootstrap_writes() -> None:
    found = [f"{change.what} {change.path.name}" for change in changes(FOLDER, ROWS, ARCHITECTURES)]
    assert found == [], "run: apr-qa bootstrap --all"


def test_every_playbook_loads_without_a_word(shipped: dict[str, Playbook]) -> None:
    complaints = [each for playbook in shipped.values() for each in (*playbook.warnings, *playbook.reports)]
    assert complaints == []
    assert len(shipped) >= 120


def test_a_file_is_called_what_its_playbook_is_called(shipped: dict[str, Playbook]) -> None:
    assert {name: playbook.name for name, playbook in shipped.items()} == {name: name for name in shipped}


def test_written_files_end_in_their_tiers_word_and_are_alone_for_their_model(shipped: dict[str, Playbook]) -> None:
    written = {name: playbook for name, playbook in shipped.items() if name not in BY_HAND}
    for name, playbook in written.items():
        assert playbook.tier is not None
        assert name.endswith(f"-{TIERS[playbook.tier].suffix}")
    pairs = Counter((it.model.hf_repo, it.tier) for name, it in shipped.items() if name != "smollm2-135m-q4_1")
    assert [pair for pair, count in pairs.items() if count > 1] == []


def test_every_model_of_the_registry_has_its_tiers(shipped: dict[str, Playbook]) -> None:
    have = {(playbook.model.hf_repo, playbook.tier) for playbook in shipped.values()}
    planned = {(each.model.model_id, each.tier) for each in plan_all(ROWS)}
    assert planned <= have
    assert {(row.model_id, tier) for row in ROWS for tier in (Tier.SMOKE, Tier.MVP)} <= have
    assert {tier for _, tier in planned} == set(Tier)


def test_architecture_numbers_are_those_of_a_source(shipped: dict[str, Playbook]) -> None:
    with_numbers = 0
    for name, playbook in shipped.items():
        if name in BY_HAND:
            continue
        known = ARCHITECTURES.get(playbook.model.hf_repo)
        numbers = {value for value in known.config.values() if isinstance(value, int)} if known else set()
        said = {value for key, value in playbook.model if key.startswith("expected_") and value is not None}
        assert said == numbers
        with_numbers += bool(said)
    assert with_numbers >= 4


def test_the_file_of_architectures_lists_models_of_the_registry_only() -> None:
    assert set(ARCHITECTURES) <= {row.model_id for row in ROWS}


def test_nobody_else_wrote_what_bootstrap_says_it_wrote() -> None:
    by_hand = {path.name for path in FOLDER.glob("*.playbook.yaml") if not is_written(path.read_text())}
    assert by_hand == {f"{name}.playbook.yaml" for name in BY_HAND}


def test_published_numbers_agree(corpus: Path, shipped: dict[str, Playbook]) -> None:
    fields = [field for field in type(next(iter(shipped.values())).model).model_fields if field.startswith("expected_")]
    compared = 0
    ours = {(it.model.hf_repo, it.tier): it.model for it in shipped.values()}
    for path in sorted((corpus / "playbooks").glob("*-mvp.playbook.yaml")):
        theirs = read_playbook(path, {}).model
        model = ours[theirs.hf_repo, Tier.MVP]
        for field in fields:
            if getattr(theirs, field) is not None:
                assert getattr(model, field) == getattr(theirs, field)
                compared += 1
    assert compared >= 24
