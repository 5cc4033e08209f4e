"""Real playbooks that nobody here wrote: all load, mean what they say, and lose nothing silently."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest
import yaml

from pytest_aprqa.core import PlaybookError, Tier
from pytest_aprqa.playbook import FailurePolicy, Playbook, expand, list_cells, read_playbook

VALUES = {"MODEL_ID": "org/model", "HF_REPO": "org/model", "MODEL_NAME": "model"}


@pytest.fixture(scope="module")
def playbooks(corpus: Path) -> dict[str, Playbook]:
    files = sorted([*(corpus / "playbooks").glob("*.yaml"), *(corpus / "templates").glob("*.yaml")])
    return {file.name: read_playbook(file, VALUES, strict=True) for file in files}


def test_every_real_playbook_and_template_loads_strictly(playbooks: dict[str, Playbook]) -> None:
    assert len(playbooks) == 76 + 5


def test_nothing_is_lost_on_the_way(playbooks: dict[str, Playbook]) -> None:
    for playbook in playbooks.values():
        raw = yaml.safe_load(playbook.path.read_text(encoding="utf-8"))
        given = {key for key in raw if key != "property_tests"}
        assert given <= playbook.declared.model_fields_set
        assert playbook.declared.model_extra == {}
        matrix = raw["test_matrix"]
        assert list(playbook.matrix.modalities) == matrix["modalities"]
        assert list(playbook.matrix.backends) == matrix["backends"]
        assert list(playbook.model.formats) == raw["model"]["formats"]
        assert playbook.matrix.scenario_count == matrix["scenario_count"]
        assert playbook.matrix.timeout_ms == matrix.get("timeout_ms", 60_000)
        assert [oracle.type for oracle in playbook.oracles] == [oracle["type"] for oracle in raw.get("oracles", ())]
        assert playbook.failure_policy == FailurePolicy(raw.get("failure_policy", "stop_on_p0").replace("_", "-"))


def test_every_block_that_nothing_executes_is_reported(playbooks: dict[str, Playbook]) -> None:
    for playbook in playbooks.values():
        assert ("ollama_parity" in " ".join(playbook.reports)) == (playbook.declared.ollama_parity is not None)


def test_the_full_ladder_makes_every_quantization_a_target(playbooks: dict[str, Playbook]) -> None:
    playbook = playbooks["qwen2.5-coder-7b-full.playbook.yaml"]
    assert playbook.tier is Tier.DEEP
    assert len(list_cells(playbook.model, playbook.matrix)) == (1 + 1 + 5) * 2 * 3


def test_the_mvp_template_asks_each_cell_its_own_question(playbooks: dict[str, Playbook]) -> None:
    playbook = playbooks["mvp.yaml"]
    cases = expand(playbook, playbook.listed_scenarios, unavailable={})
    assert len(cases) == len({case.cell for case in cases}) == len({case.scenario.turns for case in cases}) == 18


def test_all_prompts_of_a_kernel_profile_are_sent_in_every_cell(playbooks: dict[str, Playbook]) -> None:
    playbook = playbooks["qwen2.5-coder-0.5b-mvp.playbook.yaml"]
    cases = expand(playbook, playbook.listed_scenarios, unavailable={})
    assert len(cases) == 18 * 11
    assert playbook.line_of("test_matrix.prompts[0]") == playbook.listed_scenarios[0].line > 0


def test_reading_is_fast(corpus: Path, playbooks: dict[str, Playbook]) -> None:
    path = corpus / "playbooks" / "qwen2.5-coder-7b-full.playbook.yaml"
    durations_s = []
    for _ in range(5):
        start_s = time.perf_counter()
        read_playbook(path, {})
        durations_s.append(time.perf_counter() - start_s)
    assert min(durations_s) < (0.015 if sys.gettrace() is None else 0.15)


def test_tickets_and_specifications_load_or_are_called_by_name(corpus: Path) -> None:
    loaded, refused = [], {}
    for file in sorted([*(corpus / "verify").glob("*.yaml"), *(corpus / "spec").glob("*.yaml")]):
        try:
            loaded.append(read_playbook(file, {}, strict=True).path.name)
        except PlaybookError as error:
            refused[file.name] = str(error)
    assert loaded == ["TICKET-177.yaml", "TICKET-181.yaml"]
    assert len(refused) == 10
    assert all("cannot be run as a playbook" in message for message in refused.values())


def test_a_template_without_its_variable_is_an_error(corpus: Path) -> None:
    with pytest.raises(PlaybookError, match="--aprqa-set MODEL_ID=VALUE"):
        read_playbook(corpus / "templates" / "mvp.yaml", {})
