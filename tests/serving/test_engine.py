"""A server as an engine: what comes back of answers, of errors, of deaths and of hangs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pytest

from pytest_aprqa.core import (
    Completion,
    EngineCrashed,
    EngineError,
    EngineRefused,
    EngineTimeout,
    EngineUnavailable,
    Finish,
    Prompting,
    Request,
)
from pytest_aprqa.engines import Engine, EngineFacts
from pytest_aprqa.serving import Overdue, ServedEngine, Unreachable
from pytest_aprqa.serving.engine import NO_USAGE_NOTE
from pytest_aprqa.serving.server import Stopped
from tests.serving import standin_model as model
from tests.serving.standin_server import StandinServer

_FACTS = EngineFacts("tiny", {"lib": "1"}, "cpu", "float32", 1, False, 128, 5.0, 10)


@dataclass
class _Starts:
    """Opens stand-ins and keeps them; the faults of the first are the last's too, where only one list is given."""

    faults: tuple[tuple[str, ...], ...]
    token_delay_ms: float = 0.0
    servers: list[StandinServer] = field(default_factory=list)

    def __call__(self) -> StandinServer:
        faults = self.faults[min(len(self.servers), len(self.faults) - 1)]
        self.servers.append(StandinServer(*faults, token_delay_ms=self.token_delay_ms))
        return self.servers[-1]


@contextmanager
def _engine(
    *faults: str, token_delay_ms: float = 0.0, facts: EngineFacts | None = None
) -> Iterator[tuple[ServedEngine, _Starts]]:
    starts = _Starts((faults,), token_delay_ms)
    engine = ServedEngine(starts, facts=facts)
    try:
        yield engine, starts
    finally:
        engine.close()
        assert not any(server.alive for server in starts.servers)


def _ask(engine: Engine, *turns: str, **more: object) -> Completion | EngineError:
    return engine.generate([replace(Request("r", turns, timeout_ms=20_000), **more)])[0]  # type: ignore[arg-type] # by name


def _answered(engine: Engine, *turns: str, **more: object) -> Completion:
    result = _ask(engine, *turns, **more)
    assert isinstance(result, Completion), result
    return result


def test_a_question_is_answered_and_measured() -> None:
    with _engine(token_delay_ms=2) as (engine, starts):
        done = _answered(engine, "Count to 9")
        said = model.chat([{"role": "user", "content": "Count to 9"}])
        assert done.text == said.text == "1, 2, 3, 4, 5, 6, 7, 8, 9."
        answer, metrics = done.answers[0], done.metrics
        assert (answer.finish, answer.prompt_tokens, answer.token_ids) == (Finish.STOP, said.prompt_tokens, ())
        assert (metrics.prompt_tokens, metrics.generated_tokens) == (said.prompt_tokens, said.generated_tokens)
        assert metrics.batch_size == 1
        assert metrics.ttft_ms is not None
        assert 0 < metrics.ttft_ms < metrics.duration_ms
        assert metrics.decode_tok_per_s is not None
        assert metrics.decode_tok_per_s > 0
        assert (metrics.peak_rss_bytes, metrics.peak_vram_bytes) == (starts.servers[0].rss_bytes(), None)
        assert done.notes == ()


def test_a_limit_is_kept_and_told() -> None:
    with _engine() as (engine, _):
        done = _answered(engine, "Count to 9", max_tokens=3)
    assert (done.text, done.answers[0].finish, done.metrics.generated_tokens) == ("1, 2", Finish.LENGTH, 3)


def test_requests_are_answered_in_their_order() -> None:
    requests = [Request(str(number), (f"What is {number}+1?",)) for number in range(5)]
    with _engine() as (engine, _):
        results = engine.generate(requests)
    assert [(result.request_id, result.text) for result in results if isinstance(result, Completion)] == [
        (str(number), str(number + 1)) for number in range(5)
    ]


def test_a_conversation_remembers() -> None:
    with _engine() as (engine, starts):
        done = _answered(engine, "My name is Alice.", "What is 2+2?", "What is my name?")
        assert [answer.text for answer in done.answers] == ["You said: My name is Alice.", "4", "Your name is Alice."]
        assert done.metrics.prompt_tokens == sum(answer.prompt_tokens for answer in done.answers)
        roles = [message["role"] for message in starts.servers[0].standin.asked[-1]["messages"]]
        assert roles == ["user", "assistant", "user", "assistant", "user"]
        assert _answered(engine, "What is my name?").text == "I do not know your name."


def test_a_system_prompt_comes_first() -> None:
    with _engine() as (engine, starts):
        assert _answered(engine, "What is 2+2?", "What is 3+3?", system="Talk like a pirate.").text == "Arr! 6"
        assert starts.servers[0].standin.asked[-1]["messages"][0] == {
            "role": "system",
            "content": "Talk like a pirate.",
        }


def test_a_raw_prompt_is_continued_and_not_templated() -> None:
    with _engine() as (engine, _):
        done = _answered(engine, "The capital of France is", prompting=Prompting.RAW)
    assert (done.text, done.answers[0].prompt_tokens) == (" Paris.", 5)


@pytest.mark.parametrize("text", ["é", "你好，世界", "🎉👩‍🔬", "שלום", "a\nb\tc", '"\\'])
def test_any_script_comes_back(text: str) -> None:
    with _engine() as (engine, _):
        assert _answered(engine, f"Repeat: {text}").text == text


def test_only_sampled_requests_have_a_seed() -> None:
    with _engine() as (engine, starts):
        _answered(engine, "Say hello.", seed=7)
        _answered(engine, "Say hello.", seed=7, temperature=0.5)
        assert [(one.get("seed"), one["temperature"]) for one in starts.servers[0].standin.asked] == [
            (None, 0),
            (7, 0.5),
        ]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"turns": ()}, "no turns"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"prompting": Prompting.RAW, "system": "x"}, "raw prompt"),
        ({"turns": ("\ud800",)}, "surrogate"),
    ],
)
def test_what_no_engine_takes_is_refused_without_asking(more: dict[str, object], words: str) -> None:
    with _engine() as (engine, starts):
        result = engine.generate([replace(Request("r", ("hi",)), **more)])[0]  # type: ignore[arg-type] # by name
        assert isinstance(result, EngineRefused)
        assert words in str(result)
        assert starts.servers[0].standin.asked == []


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("status_500", "status 500: the fault says so"),
        ("no_completions", ""),
        ("tool_calls", "finish_reason 'tool_calls'"),
        ("null_finish", "finish_reason None"),
        ("sse_not_json", "no JSON"),
        ("bad_sse_lines", "no field"),
        ("ignores_stream", "content type"),
        ("text_after_done", "after [DONE]"),
    ],
)
def test_answers_that_are_none_are_refused(fault: str, words: str) -> None:
    with _engine(fault) as (engine, starts):
        prompting = Prompting.RAW if fault == "no_completions" else Prompting.TEMPLATE
        result = _ask(engine, "Count to 9", prompting=prompting)
        assert isinstance(result, EngineRefused)
        assert words in str(result)
        assert starts.servers[0].alive
        _ask(engine, "Count to 9")
        assert len(starts.servers) == 1


def test_a_prompt_beyond_the_context_is_refused_in_the_servers_words() -> None:
    with _engine() as (engine, _):
        result = _ask(engine, "word " * 3000)
    assert isinstance(result, EngineRefused)
    assert "more than the context of 2048" in str(result)


@pytest.mark.parametrize("fault", ["cut_stream", "drops_connection", "garbage_http"])
def test_a_broken_connection_to_a_living_server_is_no_crash(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_aprqa.serving.engine._DEATH_S", 0.1)
    with _engine(fault) as (engine, starts):
        assert isinstance(_ask(engine, "Count to 9"), Unreachable)
        assert starts.servers[0].alive


def test_a_hang_is_a_timeout_and_the_next_request_is_answered_by_a_new_server() -> None:
    with _engine("obeys") as (engine, starts):
        requests = [Request("bad", ("Please hang.",), timeout_ms=300), Request("good", ("What is 2+2?",))]
        bad, good = engine.generate(requests)
        assert isinstance(bad, EngineTimeout)
        assert str(bad) == "no answer while answering 'bad' within 300 ms; the engine was killed"
        assert isinstance(good, Completion)
        assert good.text == "4"
        assert [server.alive for server in starts.servers] == [False, True]
        assert engine.server is starts.servers[1]


def test_a_crash_is_told_with_exit_code_and_log_and_the_next_request_is_answered() -> None:
    with _engine("obeys") as (engine, starts):
        bad, good = engine.generate([Request("bad", ("Please crash.",)), Request("good", ("What is 2+2?",))])
        assert isinstance(bad, EngineCrashed)
        assert (bad.exit_code, bad.stderr_tail) == (7, "the stand-in crashes")
        assert "answering 'bad'" in str(bad)
        assert isinstance(good, Completion)
        assert len(starts.servers) == 2


def test_a_server_that_died_between_requests_is_started_again_unblamed() -> None:
    with _engine() as (engine, starts):
        starts.servers[0].standin.die(9)
        assert _answered(engine, "What is 2+2?").text == "4"
        assert len(starts.servers) == 2


def test_each_death_is_paid_by_the_request_that_caused_it() -> None:
    with _engine("obeys") as (engine, starts):
        requests = [
            Request(str(place), (turn,)) for place, turn in enumerate(["Please crash.", "hi", "Please crash.", "hi"])
        ]
        results = engine.generate(requests)
        assert [type(result) for result in results] == [EngineCrashed, Completion] * 2
        assert len(starts.servers) == 3


def test_a_server_that_cannot_be_started_again_is_not_tried_a_third_time() -> None:
    tries: list[int] = []
    first = StandinServer("obeys")

    def start() -> StandinServer:
        tries.append(1)
        if len(tries) > 1:
            raise EngineUnavailable("x", "gone", install="y")
        return first

    engine = ServedEngine(start)
    results = engine.generate([Request("1", ("Please crash.",)), Request("2", ("hi",)), Request("3", ("hi",))])
    engine.close()
    assert [type(result) for result in results] == [EngineCrashed, EngineUnavailable, EngineUnavailable]
    assert len(tries) == 2


def test_a_server_that_is_not_ours_is_neither_killed_nor_called_crashed() -> None:
    class Foreign(StandinServer):
        def stop(self, *, term_ms: int = 10_000) -> Stopped | None:
            return None

    servers: list[Foreign] = []

    def find() -> Foreign:
        servers.append(Foreign("obeys"))
        return servers[-1]

    engine = ServedEngine(find)
    hung, good, crashed = engine.generate(
        [
            Request("1", ("Please hang.",), timeout_ms=200),
            Request("2", ("What is 2+2?",)),
            Request("3", ("Please crash.",)),
        ]
    )
    engine.close()
    for server in servers:
        server.standin.stop()
    assert isinstance(hung, Overdue)
    assert "killed" not in str(hung)
    assert isinstance(good, Completion)
    assert isinstance(crashed, Unreachable)


def test_the_deadline_is_of_the_whole_conversation() -> None:
    with _engine(token_delay_ms=20) as (engine, _):
        result = _ask(engine, *["Count to 9"] * 50, timeout_ms=900)
    assert isinstance(result, EngineTimeout)
    assert result.after_ms == 900


def test_a_server_without_usage_is_counted_by_its_events() -> None:
    with _engine("no_usage") as (engine, _):
        done = _answered(engine, "Count to 9")
    assert (done.metrics.generated_tokens, done.metrics.prompt_tokens, done.notes) == (18, 0, (NO_USAGE_NOTE,))


def test_a_model_without_a_template_is_asked_raw_and_has_no_conversations() -> None:
    with _engine(facts=_FACTS) as (engine, _):
        assert engine.facts is _FACTS
        done = _answered(engine, "The capital of France is")
        assert (done.text, done.notes) == (" Paris.", ("no chat template: prompt sent raw",))
        assert isinstance(_ask(engine, "a", "b"), EngineRefused)
        assert isinstance(_ask(engine, "a", system="b"), EngineRefused)


def test_facts_that_nobody_knows_are_the_servers() -> None:
    with _engine() as (engine, _):
        assert (engine.facts.name, engine.facts.versions, engine.facts.load_ms) == ("command", {"standin": "1"}, 1.0)
        assert (engine.facts.parameters, engine.facts.context_tokens) == (None, None)


def test_a_closed_engine_refuses() -> None:
    with _engine() as (engine, starts):
        engine.close()
        engine.close()
        result = _ask(engine, "hi")
        assert isinstance(result, EngineRefused)
        assert "closed" in str(result)
        assert len(starts.servers) == 1


def test_a_server_that_does_not_start_is_the_callers_error() -> None:
    def fail() -> StandinServer:
        raise EngineRefused("no")

    start: Callable[[], StandinServer] = fail
    with pytest.raises(EngineRefused, match="no"):
        ServedEngine(start)
