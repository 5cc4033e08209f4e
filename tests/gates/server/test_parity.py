from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from pytest_aprqa.core import EngineCrashed, Finish, Outcome, Prompting, Verdict
from pytest_aprqa.gates.server.exchanges import NEAR_TIE, Parting, part
from pytest_aprqa.gates.server.spoken import PLAIN, Question, Said, Spoken
from pytest_aprqa.gates.server.table import judge_service
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


def said(text: str, margins: tuple[float, ...], ends: tuple[int, ...]) -> Said:
    return Said("q", Prompting.RAW, text, tuple(range(len(margins))), 1, Finish.LENGTH, margins, ends)


@pytest.mark.parametrize(
    ("one", "other", "parting"),
    [
        ("abc", "abc", None),
        ("abcd", "abxd", Parting(2, 1, 0.01)),
        ("abxd", "abcd", Parting(2, 1, 0.01)),
        ("abcd", "ab", Parting(2, 1, 0.01)),
        ("abcd", "abcde", Parting(4, 2, 0.3)),
        ("abcd", "", Parting(0, 0, 0.5)),
        ("zbcd", "ybcd", Parting(0, 0, 0.5)),
        ("azcd", "aycd", Parting(1, 0, 0.5)),
        ("abcz", "abcy", Parting(3, 1, 0.01)),
        ("zzcd", "zzcy", Parting(3, None, None)),
    ],
)
def test_two_texts_part_at_the_own_engines_token(one: str, other: str, parting: Parting | None) -> None:
    # Three tokens: "ab", "cd", and a stop.
    assert part(one, other, said("abcd", (0.5, 0.01, 0.3), (2, 4, 4))) == parting


def test_a_character_of_two_tokens_is_as_sure_as_the_less_sure_of_them() -> None:
    # Four tokens: "a", the first byte of a letter, its second, a stop.
    parting = part("aж", "aк", said("aж", (0.9, 0.03, 0.8, 0.9), (1, 1, 2, 2)))
    assert parting == Parting(1, 1, 0.03)


def test_without_margins_no_parting_is_a_near_tie() -> None:
    parting = part("ab", "ac", said("ab", (), ()))
    assert parting == Parting(1, None, None)
    assert not parting.near_tie
    assert "margin unknown" in parting.words


def test_a_parting_where_the_model_is_undecided_stands_and_is_named() -> None:
    verdict = judged(spoken_with({"text": "5", "margins": (NEAR_TIE / 2, 1.0), "ends": (1, 1)}))
    assert verdict.outcome is Outcome.CORROBORATED
    assert f"'What is 2+2?' parts at character 0 (token 0, margin {NEAR_TIE / 2:.4f})" in verdict.reason
    assert verdict.details["limit"] == NEAR_TIE


def test_a_parting_where_the_model_is_sure_falsifies_and_says_where() -> None:
    verdict = judged(spoken_with({"text": "5", "margins": (NEAR_TIE, 1.0), "ends": (1, 1)}))
    assert verdict.outcome is Outcome.FALSIFIED
    assert "'What is 2+2?' is answered '4', the own engine says '5'" in verdict.reason
    assert f"token 0, margin {NEAR_TIE:.4f}" in verdict.reason


def test_a_parting_of_unknown_margin_falsifies() -> None:
    assert judged(spoken_with({"text": "5"})).outcome is Outcome.FALSIFIED


def test_an_answer_that_ends_sooner_falsifies() -> None:
    verdict = judged(spoken_with({"text": "4 indeed", "margins": (0.9, 0.9, 0.9), "ends": (1, 8, 8)}))
    assert "part at character 1 (token 1, margin 0.9000)" in verdict.reason


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
