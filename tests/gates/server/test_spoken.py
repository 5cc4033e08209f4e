from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from pytest_aprqa.core import (
    Answer,
    Completion,
    EngineCrashed,
    EngineRefused,
    EngineUnavailable,
    Finish,
    Metrics,
    Prompting,
    Request,
)
from pytest_aprqa.engines import EngineFacts, Instruments, Result
from pytest_aprqa.gates.server.forks import MOST_RIVALS, Path, Rival, Step
from pytest_aprqa.gates.server.spoken import (
    ASKS,
    COUNTED,
    MAX_TOKENS,
    NAME_ASKED,
    NAME_TOLD,
    SYSTEM,
    Question,
    Said,
    Spoken,
    listen,
)
from tests.gates.comparison.stand_in import CONTROL, FIRST_BYTE, VOCABULARY, StandIn


class Talker:
    """An engine that says the same to every question, spoken in the stand-in's bytes."""

    def __init__(self, *, chat_template: bool = True, refuses_system: bool = False, crashes: bool = False) -> None:
        self.facts = EngineFacts("talker", {}, "cpu", "float32", 1, chat_template, 512, 1.0, None)
        self.refuses_system = refuses_system
        self.crashes = crashes
        self.requests: list[Request] = []
        self._instruments = StandIn()

    def generate(self, requests: Sequence[Request]) -> tuple[Result, ...]:
        return tuple(map(self._result, requests))

    def batches(self, requests: Sequence[Request]) -> tuple[tuple[int, ...], ...]:
        """One by one."""
        return tuple((place,) for place in range(len(requests)))

    def close(self) -> None:
        """Nothing to free."""

    def _result(self, request: Request) -> Result:
        self.requests.append(request)
        if self.crashes:
            return EngineCrashed("generating", exit_code=-6)
        if request.system is not None and self.refuses_system:
            return EngineRefused("the template takes no system prompt")
        ids = self._instruments.encode(["né ok"], special=False)[0]
        answers: list[Answer] = []
        for turn in request.turns:
            read = len(self._instruments.encode([turn], special=True)[0])
            answers.append(Answer("né ok", (*ids, 2), Finish.STOP, read))
        return Completion(request.id, tuple(answers), Metrics(1.0, 1, 1, 1))


def _as_instruments(stand_in: StandIn) -> Instruments:
    """The stand-in has the instruments that are asked for here, and no others."""
    return cast("Instruments", stand_in)


def raw(spoken: Spoken) -> Said:
    return next(said for said in spoken.said if said.prompting is Prompting.RAW)


def test_every_question_is_put_alone_greedily_and_short() -> None:
    engine = Talker()
    spoken = listen(engine, None, timeout_ms=1234)
    assert len(engine.requests) == len(ASKS)
    assert {(one.temperature, one.max_tokens, one.timeout_ms) for one in engine.requests} == {(0.0, MAX_TOKENS, 1234)}
    assert len(spoken.said) == sum(len(ask.turns) for ask in ASKS)
    assert (spoken.context_tokens, spoken.chat_template) == (512, True)


def test_a_later_turn_remembers_the_earlier_one_and_a_system_prompt_its_own() -> None:
    spoken = listen(Talker(), None, timeout_ms=1000)
    later = spoken.answer(Question(NAME_ASKED, earlier=((NAME_TOLD, "né ok"),)))
    assert later is not None
    assert [message["role"] for message in later.asked.messages] == ["user", "assistant", "user"]
    ordered = next(said for said in spoken.said if said.system == SYSTEM)
    assert [message["role"] for message in ordered.asked.messages] == ["system", "user"]
    assert "in turn 2" in later.asked.name


def test_without_a_chat_template_only_raw_prompts_are_asked() -> None:
    spoken = listen(Talker(chat_template=False), None, timeout_ms=1000)
    assert {said.prompting for said in spoken.said} == {Prompting.RAW}
    assert not spoken.chat_template


def test_a_question_that_is_refused_is_left_out() -> None:
    spoken = listen(Talker(refuses_system=True), None, timeout_ms=1000)
    assert spoken.said
    assert not [said for said in spoken.said if said.system is not None]


def test_an_engine_that_answers_nothing_raises_its_error() -> None:
    with pytest.raises(EngineCrashed, match="SIGABRT"):
        listen(Talker(crashes=True), None, timeout_ms=1000)


def test_without_instruments_steps_and_counts_stay_unknown() -> None:
    spoken = listen(Talker(), None, timeout_ms=1000)
    assert spoken.counts == {}
    assert raw(spoken).steps == ()


def test_instruments_that_are_missing_leave_steps_and_counts_out() -> None:
    lacking = StandIn(error=EngineUnavailable("talker", "no logits", install="pip install it"))
    spoken = listen(Talker(), _as_instruments(lacking), timeout_ms=1000)
    assert spoken.said
    assert spoken.counts == {}
    assert raw(spoken).steps == ()


def test_each_token_has_the_place_where_it_ends() -> None:
    spoken = listen(Talker(), _as_instruments(StandIn()), timeout_ms=1000)
    said = raw(spoken)
    assert said.text == "né ok"
    assert len(said.token_ids) == len(said.steps) == 7
    # The first byte of é shows nothing, and the stop token adds nothing.
    assert [step.end for step in said.steps] == [1, 1, 2, 3, 4, 5, 5]
    assert set(spoken.counts) == set(COUNTED)
    assert spoken.counts["word "] == 5
    assert spoken.dtype == "float32"


class Undecided(StandIn):
    """Holds the byte of ``x``, the first byte of a letter, a stop token and the byte of ``y`` for likely."""

    def logits(self, rows: Sequence[Sequence[int]], *, last_only: bool = False) -> tuple[NDArray[np.float32], ...]:
        one = np.full(VOCABULARY, -9.0, np.float32)
        likely = (FIRST_BYTE + ord("x"), FIRST_BYTE + 0xC3, CONTROL["<|im_end|>"], FIRST_BYTE + ord("y"))
        one[list(likely)] = (0.0, -0.5, -1.0, -1.5)
        return tuple(np.tile(one, (len(row), 1)) for row in rows)


def test_each_token_has_rivals_with_the_nats_by_which_it_leads_them() -> None:
    said = raw(listen(Talker(), _as_instruments(Undecided()), timeout_ms=1000))
    # "n" was as unlikely as all others; the first byte of é leads all but one.
    assert {rival.lead for rival in said.steps[0].rivals} == {-9.0, -8.5, -8.0, -7.5, 0.0}
    assert len(said.steps[0].rivals) == MOST_RIVALS
    assert said.steps[1].rivals == (Rival("nx", -0.5), Rival("n", 0.5), Rival("ny", 1.0))
    assert said.steps[2].rivals[:2] == (Rival("n\ufffdx", -9.0), Rival("n", -8.5, whole=False))
    assert said.steps[6].rivals == (Rival("né okx", -1.0), Rival("né ok", -0.5, whole=False), Rival("né oky", 0.5))
    assert said.path == Path("né ok", said.steps)


def test_an_answer_that_shows_what_servers_hide_has_no_path() -> None:
    said = Said("q", Prompting.RAW, "a<|im_start|>b", (1,), 1, Finish.LENGTH, (Step(14),))
    assert said.path is None
    assert Said("q", Prompting.RAW, "a", (1,), 1, Finish.LENGTH).path is None


def test_ids_that_are_not_those_of_the_prompt_leave_steps_out() -> None:
    said = raw(listen(Talker(), _as_instruments(StandIn(bos=0)), timeout_ms=1000))
    assert said.steps == ()


def test_the_plain_text_shows_no_control_token() -> None:
    said = Said("q", Prompting.RAW, "a<|im_start|>b", (1,), 1, Finish.LENGTH)
    assert said.plain == "ab"
