from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_aprqa.core import Finish, Outcome
from pytest_aprqa.gates.server import context
from pytest_aprqa.gates.server.exchanges import ask
from pytest_aprqa.gates.server.spoken import PLAIN, SCRIPTS, SYSTEM, Question, Spoken
from tests.gates.server.served import served, standin_spoken
from tests.gates.server.test_parity import judged, spoken_with


@pytest.mark.parametrize(("gate_id", "fault"), [("F-HTTP-012", "ignores_system"), ("F-HTTP-013", "forgets_history")])
def test_what_does_not_reach_the_model_is_seen_in_the_answer(gate_id: str, fault: str) -> None:
    verdict = judged(standin_spoken(), fault, gate_id=gate_id)
    assert verdict.outcome is Outcome.FALSIFIED
    assert "is answered 'I do not know your name.', as the own engine does without" in verdict.reason


@pytest.mark.parametrize("gate_id", ["F-HTTP-012", "F-HTTP-013"])
def test_what_does_not_reach_the_model_is_seen_in_the_counts(gate_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_aprqa.gates.server.context._prompt_tokens", lambda _: 7)
    verdict = judged(standin_spoken(), gate_id=gate_id)
    assert verdict.outcome is Outcome.FALSIFIED
    assert "has 7 prompt tokens, with the" in verdict.reason


def without_system(spoken: Spoken) -> Spoken:
    """What an engine says whose template leaves system prompts out."""
    said = []
    for one in spoken.said:
        bare = spoken.answer(Question(one.question)) if one.system is not None else None
        same = one if bare is None else replace(one, text=bare.text, prompt_tokens=bare.prompt_tokens)
        said.append(same)
    return replace(spoken, said=tuple(said))


def test_a_template_that_leaves_the_system_prompt_out_leaves_nothing_to_judge() -> None:
    verdict = judged(without_system(standin_spoken()), gate_id="F-HTTP-012")
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "the system prompt" in verdict.reason


def test_a_system_prompt_may_be_shorter_than_the_one_that_the_template_brings() -> None:
    spoken = standin_spoken()
    said = tuple(replace(one, prompt_tokens=1) if one.system is not None else one for one in spoken.said)
    assert judged(replace(spoken, said=said), gate_id="F-HTTP-012").outcome is Outcome.CORROBORATED


def test_without_usage_the_answers_alone_tell() -> None:
    assert judged(standin_spoken(), "no_usage", gate_id="F-HTTP-013").outcome is Outcome.CORROBORATED
    assert judged(standin_spoken(), "no_usage", "forgets_history", gate_id="F-HTTP-013").outcome is Outcome.FALSIFIED


def test_a_script_that_reaches_the_model_as_other_tokens_is_told() -> None:
    verdict = judged(spoken_with({"prompt_tokens": 99}, Question(SCRIPTS[1])), gate_id="F-HTTP-029")
    assert verdict.outcome is Outcome.FALSIFIED
    assert "should be 99" in verdict.reason


def test_counts_that_are_wrong_for_plain_text_too_say_nothing_of_scripts() -> None:
    assert judged(standin_spoken(), "wrong_usage", gate_id="F-HTTP-029").outcome is Outcome.CORROBORATED


def test_another_answer_is_not_a_harmed_script() -> None:
    assert judged(standin_spoken(), "wrong_answers", gate_id="F-HTTP-029").outcome is Outcome.CORROBORATED


def test_answers_that_depend_on_how_the_text_was_sent_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "_ask_utf8", lambda service, _: ask(service, Question(PLAIN)))
    verdict = judged(standin_spoken(), "wrong_usage", gate_id="F-HTTP-029")
    assert verdict.outcome is Outcome.FALSIFIED
    assert "where it was sent as UTF-8" in verdict.reason


def test_answers_that_change_anyway_do_not_depend_on_how_the_text_was_sent() -> None:
    assert judged(standin_spoken(), "random_answers", gate_id="F-HTTP-029").outcome is Outcome.CORROBORATED


def test_questions_of_scripts_hold_characters_of_two_three_and_four_bytes() -> None:
    assert {len(character.encode()) for text in SCRIPTS for character in text} == {1, 2, 3, 4}


@pytest.mark.parametrize(
    ("change", "outcome", "words"),
    [
        ({"prompt_tokens": 99}, Outcome.FALSIFIED, "the own engine read 99"),
        ({"token_ids": (1, 2, 3)}, Outcome.FALSIFIED, "the own engine wrote 3 for the same text"),
        # The stand-in counts the stop token; this own engine has one more id, its stop token.
        ({"token_ids": (1, 2, 3), "finish": Finish.STOP}, Outcome.CORROBORATED, "with or without the stop token"),
        ({"text": "another", "token_ids": (1, 2, 3, 4, 5)}, Outcome.CORROBORATED, "the own engine's"),
        ({"token_ids": ()}, Outcome.CORROBORATED, "the own engine's"),
    ],
)
def test_usage_is_held_against_the_own_engines_counts(change: dict[str, object], outcome: Outcome, words: str) -> None:
    spoken = spoken_with({"finish": Finish.LENGTH} | change)
    verdict = judged(spoken, gate_id="F-HTTP-014")
    assert verdict.outcome is outcome
    assert words in verdict.reason


def test_a_total_that_is_no_sum_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = standin_spoken().answer(Question(PLAIN))
    assert plain is not None
    counts = {"prompt_tokens": plain.prompt_tokens, "completion_tokens": 2, "total_tokens": 3}

    def usage(_: object) -> dict[str, int]:
        return counts

    monkeypatch.setattr("pytest_aprqa.gates.server.usage.usage_of", usage)
    verdict = judged(Spoken((plain,)), gate_id="F-HTTP-014")
    assert verdict.outcome is Outcome.FALSIFIED
    assert f"should be {plain.prompt_tokens} + 2" in verdict.reason


def test_a_system_prompt_is_asked_about_twice_with_and_without() -> None:
    with served() as service:
        systems = {one.system for one in service.heard.said if one.question == PLAIN}
    assert systems == {None, SYSTEM}
