from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pytest_aprqa.core import EngineCrashed, Finish, Outcome, Prompting, Verdict
from pytest_aprqa.gates.server.forks import Rival, Step
from pytest_aprqa.gates.server.spoken import PLAIN, Question, Spoken
from pytest_aprqa.gates.server.table import judge_service
from pytest_aprqa.gates.server.ties import COARSE
from tests.gates.server.served import served, standin_spoken

GATE = "F-SERVE-PARITY-001"


def spoken_with(change: Mapping[str, object], question: Question | None = None) -> Spoken:
    """What the stand-in says, one answer changed."""
    spoken = standin_spoken()
    wanted = question or Question(PLAIN)
    said = tuple(
        replace(one, **change) if one.asked == wanted else one  # type: ignore[arg-type]  # fields by name
        for one in spoken.said
    )
    assert said != spoken.said
    return replace(spoken, said=said)


def judged(spoken: Spoken, *faults: str, gate_id: str = GATE) -> Verdict:
    with served(*faults) as service:
        service.spoken = lambda: spoken
        return judge_service(gate_id, service, alone=True)


def undecided(lead: float, other: str = "4") -> Spoken:
    """The own engine says 5; by so much more likely than another answer."""
    return spoken_with({"text": "5", "steps": (Step(1, (Rival(other, lead),)), Step(1))})


def test_a_parting_where_the_model_is_undecided_stands_and_is_named() -> None:
    verdict = judged(undecided(COARSE / 2))
    assert verdict.outcome is Outcome.CORROBORATED
    assert f"'What is 2+2?' parts at character 0 (token 0, by {COARSE / 2:.3f} nats)" in verdict.reason
    assert verdict.details["limit"] == COARSE


def test_a_parting_where_the_model_is_sure_falsifies_and_says_where() -> None:
    verdict = judged(undecided(COARSE))
    assert verdict.outcome is Outcome.FALSIFIED
    assert "'What is 2+2?' is answered '4', the own engine says '5'" in verdict.reason
    assert f"token 0, by {COARSE:.3f} nats" in verdict.reason


def test_being_undecided_between_other_answers_excuses_none() -> None:
    verdict = judged(undecided(0.0, "6"))
    assert verdict.outcome is Outcome.FALSIFIED
    assert "token 0, by over 3 nats" in verdict.reason


def test_a_parting_of_which_nothing_is_known_falsifies() -> None:
    assert judged(spoken_with({"text": "5"})).outcome is Outcome.FALSIFIED


def test_an_answer_that_ends_sooner_falsifies() -> None:
    verdict = judged(spoken_with({"text": "4 indeed", "steps": (Step(1), Step(8), Step(8))}))
    assert "part at character 1 (token 1, by over 3 nats)" in verdict.reason


def test_control_tokens_that_the_own_engine_shows_need_not_be_shown() -> None:
    assert judged(spoken_with({"text": "4<|im_start|>"})).outcome is Outcome.CORROBORATED


def test_a_stop_token_that_is_the_last_one_allowed_may_count_as_either_finish() -> None:
    full: dict[str, object] = {"finish": Finish.LENGTH, "token_ids": tuple(range(16))}
    assert judged(spoken_with(full)).outcome is Outcome.CORROBORATED
    verdict = judged(spoken_with(full | {"token_ids": (1, 2)}))
    assert "finished by 'stop', the own engine by 'length'" in verdict.reason


def test_nothing_compared_is_inconclusive() -> None:
    with served() as service:
        service.spoken = lambda: Spoken(())
        assert judge_service(GATE, service, alone=True).outcome is Outcome.INCONCLUSIVE
    assert judged(standin_spoken(), "status_500").outcome is Outcome.INCONCLUSIVE


def test_an_own_engine_that_crashed_is_no_fault_of_the_server() -> None:
    def crash() -> Spoken:
        raise EngineCrashed("loading", exit_code=-11)

    with served() as service:
        service.spoken = crash
        verdict = judge_service(GATE, service, alone=True)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "SIGSEGV" in verdict.reason


def test_without_a_chat_template_chats_are_not_judged() -> None:
    base = standin_spoken()
    base = replace(base, chat_template=False, said=tuple(one for one in base.said if one.prompting is Prompting.RAW))
    assert judged(base).outcome is Outcome.CORROBORATED
    verdict = judged(base, "status_500", gate_id="F-HTTP-005")
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "no chat template" in verdict.reason
