"""From a playbook to what is sent: distinct prompts, the same in every process, each with a judge."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_aprqa.core import EDGE_GATE, Gateway, PlaybookError
from pytest_aprqa.oracles import oracles_for, question_of
from pytest_aprqa.suite import agenda_of, plan_playbook

PLAYBOOK = """
name: planned
version: "1.0.0"
model: {{hf_repo: acme/tiny, formats: [safetensors]}}
test_matrix: {{modalities: [run, chat], backends: [cpu], scenario_count: {count}, prompts: ["What is 2+2?"]}}
{more}
metadata: {{tier: {tier}}}
"""


def write(folder: Path, *, count: int = 100, tier: str = "smoke", more: str = "") -> Path:
    """A playbook that lists one prompt and leaves the rest to be drawn."""
    path = folder / "planned.playbook.yaml"
    path.write_text(PLAYBOOK.format(count=count, tier=tier, more=more))
    return path


def test_a_hundred_scenarios_are_a_hundred_prompts(tmp_path: Path) -> None:
    plan = plan_playbook(write(tmp_path), {}, strict=True, unavailable={})
    assert len(plan.scenarios) == plan.distinct_prompts == 100
    assert plan.scenarios[0].turns == ("What is 2+2?",)


def test_every_drawn_scenario_has_an_oracle_that_can_judge_it(tmp_path: Path) -> None:
    plan = plan_playbook(write(tmp_path), {}, strict=True, unavailable={})
    for scenario in plan.scenarios:
        chosen = {spec.type for spec in oracles_for(scenario.oracles, (), question_of(scenario))}
        assert chosen - {"garbage", "unjudgeable", "deterministic"}, scenario


def test_a_plan_is_the_same_in_every_process(tmp_path: Path) -> None:
    path = write(tmp_path, tier="mvp")
    code = (
        "import sys; from pathlib import Path; from pytest_aprqa.suite import plan_playbook;"
        "plan = plan_playbook(Path(sys.argv[1]), {}, strict=True, unavailable={});"
        "print(plan.scenarios_digest, [case.seed for case in plan.cases][-1])"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code, str(path)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


def test_edge_probes_come_with_tiers_above_smoke(tmp_path: Path) -> None:
    smoke = plan_playbook(write(tmp_path, count=1), {}, strict=True, unavailable={})
    mvp = plan_playbook(write(tmp_path, count=1, tier="mvp"), {}, strict=True, unavailable={})
    assert [case for case in smoke.cases if case.gate is EDGE_GATE] == []
    assert len([case for case in mvp.cases if case.gate is EDGE_GATE]) == 12


def test_gateways_stand_around_a_targets_cases(tmp_path: Path) -> None:
    entries = agenda_of(plan_playbook(write(tmp_path, count=2), {}, strict=True, unavailable={}))
    assert [entry.order for entry in entries] == list(range(9))
    assert [entry.subject for entry in entries[:3]] == [Gateway.G0, Gateway.G1, Gateway.G2]
    assert [entry.subject for entry in entries[-2:]] == [Gateway.G3, Gateway.G4]


def test_what_is_not_available_is_a_visible_skip(tmp_path: Path) -> None:
    plan = plan_playbook(write(tmp_path, count=2), {}, strict=True, unavailable={"chat": "no voice"})
    assert {case.skip for case in plan.cases} == {None, "no voice"}
    assert plan.skip_of(plan.targets[0]) is None


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("property_tests: [{name: x, generator: arithmetik(), oracle: correct, count: 1}]", "arithmetic"),
        ("oracles: [{type: garbage, config: {max_repetition: 1}}]", "max_repetition_ratio"),
    ],
)
def test_what_nothing_could_draw_or_judge_is_refused_with_its_line(tmp_path: Path, more: str, message: str) -> None:
    with pytest.raises(PlaybookError, match=message) as caught:
        plan_playbook(write(tmp_path, more=more), {}, strict=True, unavailable={})
    assert caught.value.line == 6


def test_every_playbook_of_the_corpus_can_be_planned(corpus: Path) -> None:
    paths = sorted(corpus.glob("playbooks/*.playbook.yaml"))
    assert len(paths) > 50
    for path in paths:
        plan = plan_playbook(path, {}, strict=False, unavailable={})
        assert plan.distinct_prompts >= min(plan.playbook.matrix.scenario_count, len(plan.scenarios))
        assert len({case.id for case in plan.cases}) == len(plan.cases)
