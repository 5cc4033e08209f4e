"""The embedded model's playbook passes honestly: all that it sends is taught, and answered to the oracles' content."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_aprqa.core import Answer, Completion, Finish, Metrics, Outcome, Prompting, Scenario, Verdict
from pytest_aprqa.embedded import MODEL
from pytest_aprqa.embedded.ask import Loaded, Reply, converse
from pytest_aprqa.embedded.lessons import Lesson
from pytest_aprqa.oracles import judge, oracles_for, question_of
from pytest_aprqa.playbook import read_playbook
from pytest_aprqa.scenarios import Draw, fill

PLAYBOOK = Path(__file__).resolve().parents[2] / "playbooks" / "models" / "aprqa-tiny-mvp.playbook.yaml"


@pytest.fixture(scope="module")
def asked() -> tuple[Scenario, ...]:
    playbook = read_playbook(PLAYBOOK, {})
    assert playbook.model.hf_repo == MODEL
    assert not playbook.warnings
    draws = [Draw(each.name, each.generator, each.oracle, each.count) for each in playbook.property_tests]
    return fill(playbook.listed_scenarios, draws, count=playbook.matrix.scenario_count, seed=playbook.matrix.seed)


def _judge(scenario: Scenario, replies: tuple[Reply, ...]) -> Verdict:
    answers = tuple(Answer(each.text, (1,), Finish.STOP if each.stopped else Finish.LENGTH, 1) for each in replies)
    completion = Completion(scenario.name, answers, Metrics(1.0, 1, 1, 1))
    question = question_of(scenario)
    return judge(oracles_for(scenario.oracles, (), question), question, completion)


def test_it_sends_forty_different_prompts(asked: tuple[Scenario, ...]) -> None:
    assert len({scenario.turns for scenario in asked}) == len(asked) == 40


def test_the_model_answers_all_of_it(asked: tuple[Scenario, ...], tiny: Loaded) -> None:
    lessons = [
        Lesson("ask", tuple((turn, "") for turn in each.turns), each.prompting or Prompting.TEMPLATE, each.system)
        for each in asked
    ]
    verdicts = [_judge(*pair) for pair in zip(asked, converse(tiny, lessons), strict=True)]
    assert [
        (scenario.name, verdict.outcome, verdict.reason)
        for scenario, verdict in zip(asked, verdicts, strict=True)
        if verdict.outcome is not Outcome.CORROBORATED
    ] == []


def test_nonsense_in_place_of_the_answers_passes_nothing(asked: tuple[Scenario, ...]) -> None:
    for scenario in asked:
        replies = (Reply("The the of is.", stopped=True),) * len(scenario.turns)
        assert _judge(scenario, replies).outcome is not Outcome.CORROBORATED, scenario.name
