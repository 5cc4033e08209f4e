"""Real signals, hangs and memory hogs against the supervisor, played by the fake engine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from pytest_aprqa.core import (
    Backend,
    Completion,
    EngineCrashed,
    EngineOutOfMemory,
    EngineRefused,
    EngineTimeout,
    Finish,
    Format,
    Json,
    Prompting,
    Request,
    Target,
    Weights,
)
from pytest_aprqa.engines import Limits, Result, SupervisedEngine, supervise

TARGET = Target("org/fake", Format.SAFETENSORS, None, Backend.CPU)
LIMITS = Limits(threads=1)
MIB = 2**20

Open = Callable[..., SupervisedEngine]


def ask(*prompts: str, timeout_ms: int = 20_000) -> tuple[Request, ...]:
    return tuple(Request(id=f"r{i}", turns=(prompt,), timeout_ms=timeout_ms) for i, prompt in enumerate(prompts))


def texts(results: tuple[Result, ...]) -> list[str]:
    return [result.text if isinstance(result, Completion) else type(result).__name__ for result in results]


@pytest.fixture
def weights(tmp_path: Path) -> Weights:
    return Weights(folder=tmp_path, files=(), source="test")


@pytest.fixture
def fake(tmp_path: Path, weights: Weights) -> Iterator[Open]:
    opened: list[SupervisedEngine] = []

    def open_fake(script: dict[str, Json], limits: Limits = LIMITS) -> SupervisedEngine:
        (tmp_path / "fake-engine.json").write_text(json.dumps(script))
        engine = supervise("pytest_aprqa.engines.fake:load", TARGET, weights, limits)
        opened.append(engine)
        return engine

    yield open_fake
    for engine in opened:
        engine.close()


def gone(pid: int, within_s: float = 5.0) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    return False


def test_answers_come_in_the_order_of_the_requests_with_measured_metrics(fake: Open) -> None:
    engine = fake({"answers": {"France": "Paris"}})
    results = engine.generate(ask("What is 12*12?", "The capital of France, please", "Hello", "1 + 2"))
    assert texts(results) == ["144", "Paris", "I do not know.", "3"]
    first = results[0]
    assert isinstance(first, Completion)
    assert first.metrics.batch_size == 4
    assert first.metrics.generated_tokens == 2
    assert first.answers[0].finish is Finish.STOP
    assert first.metrics.peak_rss_bytes is not None
    assert first.metrics.peak_rss_bytes > MIB


def test_a_batch_asked_alone_is_computed_as_among_all(fake: Open) -> None:
    engine = fake({"answers": {"boom": {"crash": "SIGSEGV"}}}, Limits(threads=1, max_batch=2))
    requests = (*ask("What is 1+1?", "boom goes here", "What is 2+2?", ""), Request(id="none", turns=()))
    batches = engine.batches(requests)
    assert batches == ((4,), (3, 0), (2, 1))
    answered = [zip(batch, engine.generate([requests[at] for at in batch]), strict=True) for batch in batches]
    apart = {place: result for batch in answered for place, result in batch}
    assert isinstance(apart[1], EngineCrashed)
    assert texts(tuple(apart[place] for place in range(5))) == texts(engine.generate(requests))


def test_the_fake_engine_starts_in_a_fraction_of_a_second(fake: Open) -> None:
    assert fake({}).facts.load_ms < 3_000  # 200 alone on an idle machine


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGABRT", "SIGILL", "SIGTERM"])
def test_a_signal_is_a_crash_that_names_it(fake: Open, name: str) -> None:
    engine = fake({"answers": {"boom": {"stderr": "last words", "crash": name}}})
    (result,) = engine.generate(ask("boom"))
    assert isinstance(result, EngineCrashed)
    assert result.exit_code == -signal.Signals[name]
    assert name in str(result)
    assert "last words" in result.stderr_tail


def test_a_segfault_leaves_the_stack_in_the_tail(fake: Open) -> None:
    (result,) = fake({"answers": {"boom": {"crash": "SIGSEGV"}}}).generate(ask("boom"))
    assert isinstance(result, EngineCrashed)
    assert "Fatal Python error: Segmentation fault" in result.stderr_tail
    assert "fake.py" in result.stderr_tail


def test_an_exit_is_a_crash_with_its_code(fake: Open) -> None:
    (result,) = fake({"answers": {"quit": {"exit": 3}}}).generate(ask("quit"))
    assert isinstance(result, EngineCrashed)
    assert result.exit_code == 3
    assert "exit code 3" in str(result)


def test_an_unforeseen_exception_is_a_crash_with_its_traceback(fake: Open) -> None:
    (result,) = fake({"answers": {"bug": {"raise": "RuntimeError"}}}).generate(ask("bug"))
    assert isinstance(result, EngineCrashed)
    assert result.stderr_tail.rstrip().endswith("RuntimeError: the script says so")


def test_a_flood_on_stderr_neither_blocks_nor_grows(fake: Open) -> None:
    flood = "x" * (3 * MIB) + "the end"
    results = fake({"answers": {"flood": {"stderr": flood, "crash": "SIGABRT"}}}).generate(ask("flood"))
    assert isinstance(results[0], EngineCrashed)
    assert "the end" in results[0].stderr_tail
    assert len(results[0].stderr_tail) <= 64 * 1024


def test_a_hang_ends_at_its_deadline_and_the_process_is_dead(fake: Open) -> None:
    engine = fake({"answers": {"spin": {"hang": True}}})
    pid = engine.pid
    assert pid is not None
    started = time.monotonic()
    (result,) = engine.generate(ask("spin", timeout_ms=300))
    assert isinstance(result, EngineTimeout)
    assert result.after_ms == 300
    assert 0.3 <= time.monotonic() - started < 3
    assert not psutil.pid_exists(pid)


def test_a_crash_inside_a_batch_is_attributed_and_the_neighbours_are_answered(fake: Open) -> None:
    engine = fake({"answers": {"boom": {"crash": "SIGSEGV"}}})
    results = engine.generate(ask("1+1", "boom", "2+2", "3+3"))
    assert texts(results) == ["2", "EngineCrashed", "4", "6"]
    assert "'r1'" in str(results[1])
    for index in (0, 2, 3):
        neighbour = results[index]
        assert isinstance(neighbour, Completion)
        assert neighbour.notes == ("repeated alone in a fresh process after a crash in a batch of 4",)
        assert neighbour.metrics.batch_size == 1


def test_a_hang_inside_a_batch_is_attributed_and_the_neighbours_are_answered(fake: Open) -> None:
    engine = fake({"answers": {"spin": {"hang": True}}})
    assert texts(engine.generate(ask("1+1", "spin", "2+2", timeout_ms=500))) == ["2", "EngineTimeout", "4"]


def test_after_a_crash_the_next_request_gets_a_fresh_process(fake: Open) -> None:
    engine = fake({"answers": {"boom": {"crash": "SIGSEGV"}}})
    before = engine.pid
    engine.generate(ask("boom"))
    assert texts(engine.generate(ask("5+5"))) == ["10"]
    assert engine.pid not in (before, None)


def test_a_process_that_died_between_two_requests_is_replaced(fake: Open) -> None:
    engine = fake({})
    assert engine.pid is not None
    os.kill(engine.pid, signal.SIGKILL)
    assert gone(engine.pid)
    assert texts(engine.generate(ask("5+5"))) == ["10"]


def test_a_memory_hog_is_killed_at_its_limit(fake: Open) -> None:
    engine = fake({"answers": {"big": {"allocate_bytes": 300 * MIB, "hang": True}}}, Limits(1, memory_bytes=150 * MIB))
    pid = engine.pid
    (result,) = engine.generate(ask("big"))
    assert isinstance(result, EngineOutOfMemory)
    assert "more than its limit of 157,286,400" in str(result)
    assert pid is not None
    assert not psutil.pid_exists(pid)


def test_a_request_that_ends_too_fast_to_be_watched_is_blamed_for_its_memory_all_the_same(
    fake: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_aprqa.engines.child._TICK_S", 20.0)
    engine = fake({"answers": {"big": {"allocate_bytes": 200 * MIB}}}, Limits(1, memory_bytes=150 * MIB))
    assert texts((*engine.generate(ask("big")), *engine.generate(ask("1+1")))) == ["EngineOutOfMemory", "2"]


def test_out_of_memory_in_a_batch_is_tried_again_in_halves_and_noted(fake: Open) -> None:
    script: dict[str, Json] = {"answers": {"big": {"allocate_bytes": 100 * MIB, "answer": "done"}}}
    engine = fake(script, Limits(threads=1, memory_bytes=350 * MIB))
    results = engine.generate(ask("big 1", "big 2", "big 3", "big 4"))
    assert texts(results) == ["done"] * 4
    for result in results:
        assert isinstance(result, Completion)
        assert result.notes == ("repeated in a batch of 2 in a fresh process after out of memory in a batch of 4",)


def test_out_of_memory_ends_after_one_smaller_try_and_one_alone(fake: Open) -> None:
    engine = fake({"answers": {"big": {"raise": "MemoryError"}}})
    results = engine.generate(ask("big", "1+1", "2+2", "3+3"))
    assert texts(results) == ["EngineOutOfMemory", "2", "4", "6"]
    assert "out of memory while generating: the script says so" in str(results[0])
    last = results[1]
    assert isinstance(last, Completion)
    assert [note.split(" in a fresh")[0] for note in last.notes] == ["repeated in a batch of 2", "repeated alone"]


def test_a_kill_that_is_not_ours_counts_as_out_of_memory(fake: Open) -> None:
    (result,) = fake({"answers": {"oom": {"crash": "SIGKILL"}}}).generate(ask("oom"))
    assert isinstance(result, EngineOutOfMemory)
    assert "SIGKILL" in str(result)


def test_a_refusal_leaves_the_process_and_its_neighbours_alone(fake: Open) -> None:
    engine = fake({"answers": {"no": {"refuse": "not today"}}})
    pid = engine.pid
    results = engine.generate(ask("1+1", "no"))
    assert texts(results) == ["2", "EngineRefused"]
    assert str(results[1]) == "not today"
    assert engine.pid == pid


@pytest.mark.parametrize(
    ("load", "error"), [("refuse", EngineRefused), ("crash", EngineCrashed), ("hang", EngineTimeout)]
)
def test_loading_can_fail_in_every_way(fake: Open, load: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        fake({"load": load}, Limits(threads=1, load_timeout_ms=1_500))


def test_when_it_cannot_be_loaded_again_the_rest_get_that_error(fake: Open, tmp_path: Path) -> None:
    engine = fake({"answers": {"boom": {"crash": "SIGSEGV"}}}, Limits(threads=1, max_batch=1))
    (tmp_path / "fake-engine.json").write_text('{"load": "refuse"}')
    results = engine.generate(ask("boom", "1+111"))
    assert texts(results) == ["EngineCrashed", "EngineRefused"]
    assert "the script says so" in str(results[1])
    assert texts(engine.generate(ask("1+1"))) == ["EngineRefused"]


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (Request(id="a", turns=()), "no turns"),
        (Request(id="a", turns=("x",), max_tokens=0), "max_tokens is 0"),
        (Request(id="a", turns=("x",), timeout_ms=0), "timeout_ms is 0"),
        (Request(id="a", turns=("x",), temperature=float("nan")), "temperature is nan"),
        (Request(id="a", turns=("x",), system="s", prompting=Prompting.RAW), "system prompt"),
        (Request(id="a", turns=("x", "y"), prompting=Prompting.RAW), "a raw prompt is one turn"),
        (Request(id="a", turns=("\ud800",)), "lone surrogate"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(fake: Open, request_: Request, reason: str) -> None:
    (result,) = fake({}).generate((request_,))
    assert isinstance(result, EngineRefused)
    assert reason in str(result)


def test_a_prompt_larger_than_a_pipe_travels(fake: Open) -> None:
    long = "word " * 200_000
    (result,) = fake({"context_tokens": 10**6, "default": "y" * MIB}).generate(ask(long))
    assert isinstance(result, Completion)
    assert len(result.text) == MIB


def test_closing_kills_the_process_and_later_requests_are_refused(fake: Open) -> None:
    engine = fake({})
    pid = engine.pid
    assert pid is not None
    engine.close()
    engine.close()
    assert not psutil.pid_exists(pid)
    (result,) = engine.generate(ask("1+1"))
    assert isinstance(result, EngineRefused)
    assert "closed" in str(result)


def test_an_engine_that_is_forgotten_leaves_no_process(weights: Weights) -> None:
    engine = supervise("pytest_aprqa.engines.fake:load", TARGET, weights, LIMITS)
    pid = engine.pid
    assert pid is not None
    del engine
    assert not psutil.pid_exists(pid)


def test_a_parent_killed_with_sigkill_leaves_no_orphan_not_even_a_hanging_one(tmp_path: Path) -> None:
    (tmp_path / "fake-engine.json").write_text('{"answers": {"spin": {"hang": true}}}')
    parent = textwrap.dedent(f"""
        from pathlib import Path
        from pytest_aprqa.core import *
        from pytest_aprqa.engines import *
        target = Target("org/fake", Format.SAFETENSORS, None, Backend.CPU)
        weights = Weights(folder=Path({str(tmp_path)!r}), files=(), source="test")
        engine = open_engine(target, weights, Limits(threads=1), name="fake")
        print(engine.pid, flush=True)
        engine.generate([Request(id="a", turns=("spin",), timeout_ms=60_000)])
    """)
    process = subprocess.Popen(
        [sys.executable, "-c", parent],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    with process:
        assert process.stdout is not None
        child_pid = int(process.stdout.readline())
        time.sleep(0.3)  # until the child hangs in native code
        assert psutil.pid_exists(child_pid)
        process.kill()
    assert gone(child_pid)


def test_an_interrupt_while_waiting_kills_the_child(fake: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = fake({"answers": {"slow": {"delay_ms": 5_000}}})
    pid = engine.pid
    assert pid is not None

    def interrupt(self: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pytest_aprqa.engines.child.Child._drain", interrupt)
    monkeypatch.setattr("pytest_aprqa.engines.child.Child._check_memory", lambda self, doing: interrupt(self))
    with pytest.raises(KeyboardInterrupt):
        engine.generate(ask("slow"))
    assert not psutil.pid_exists(pid)
    monkeypatch.undo()
    assert texts(engine.generate(ask("1+1"))) == ["2"]
