"""Instruments through a supervised child: what they give, and every way in which a child can fail to give it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import psutil
import pytest

from pytest_aprqa.core import (
    Backend,
    EngineCrashed,
    EngineOutOfMemory,
    EngineRefused,
    EngineTimeout,
    EngineUnavailable,
    Format,
    Request,
    Target,
    Weights,
)
from pytest_aprqa.engines import Instruments, Limits, Result, SupervisedEngine, instruments, supervise
from tests.engines.rogue import FACTS

TARGET = Target("org/rogue", Format.SAFETENSORS, None, Backend.CPU)


class OnlyEngine:
    """Somebody's engine from before there were instruments."""

    facts = FACTS

    def generate(self, requests: Sequence[Request]) -> tuple[Result, ...]:
        return ()

    def close(self) -> None:
        return None


def open_rogue(folder: Path, loader: str = "load", *, memory_bytes: int | None = None) -> SupervisedEngine:
    limits = Limits(threads=1, max_batch=2, memory_bytes=memory_bytes)
    weights = Weights(folder=folder, files=(), source="test")
    return supervise(f"tests.engines.rogue_instruments:{loader}", TARGET, weights, limits)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SupervisedEngine]:
    """Shared: it replaces the child that a test killed."""
    opened = open_rogue(tmp_path_factory.mktemp("rogue"))
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def nothing_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever happens, the folder for arrays is gone afterwards."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield
    assert list(folder.iterdir()) == []


def test_each_instrument_gives_what_the_model_gave(engine: SupervisedEngine) -> None:
    instrument: Instruments = engine
    assert instrument.encode(["é", "ab"], special=True) == ((1, 1), (2, 1))
    assert instrument.encode(["é"], special=False) == ((1, 0),)
    assert instrument.decode([[0, 7], []]) == ("0 7", "")
    assert instrument.render([[{"role": "user", "content": "x"}]]) == ("user:x",)
    whole, short = instrument.logits([[0, 9], [0]])
    assert (whole.dtype, whole.shape, short.shape) == (np.dtype(np.float32), (2, 5), (1, 5))
    assert [logits.shape for logits in instrument.logits([[0, 9]], last_only=True)] == [(1, 5)]
    assert instrument.encode([], special=True) == ()
    assert instrument.decode([]) == instrument.render([]) == ()
    assert instrument.logits([]) == ()


def test_rows_are_continued_in_batches_and_texts_travel_in_portions(
    engine: SupervisedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert engine.greedy([[0], [1], [2]], max_tokens=9) == ((2, 0, 9), (2, 1, 9), (1, 2, 9))
    monkeypatch.setattr(instruments, "_TEXTS_TOGETHER", 2)
    assert engine.encode(["a", "bb", "ccc"], special=False) == ((1, 0), (2, 0), (3, 0))
    assert engine.decode([[4], [5], [6]]) == ("4", "5", "6")


def test_numbers_of_numpy_are_token_ids_too(engine: SupervisedEngine) -> None:
    assert engine.decode([np.array([0, 7])]) == ("0 7",)  # type: ignore[list-item]  # a sequence in all but name


def test_an_instrument_that_a_model_lacks_is_named(tmp_path: Path) -> None:
    engine = open_rogue(tmp_path, "load_without")
    calls: dict[str, Callable[[], object]] = {
        "encode": lambda: engine.encode(["x"], special=True),
        "decode": lambda: engine.decode([[1]]),
        "render": lambda: engine.render([[{"role": "user", "content": "x"}]]),
        "logits": lambda: engine.logits([[1]]),
        "greedy": lambda: engine.greedy([[1]], max_tokens=1),
        "activations": lambda: engine.activations([1]),
    }
    pid = engine.pid
    for name, call in calls.items():
        with pytest.raises(EngineUnavailable, match=f"engine 'rogue': it has no instrument '{name}'"):
            call()
    assert engine.pid == pid, "it lives on"
    engine.close()


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda engine: engine.encode(["\ud800"], special=True), "lone surrogate"),
        (lambda engine: engine.render([[{"role": "user", "content": "\ud800"}]]), "lone surrogate"),
        (lambda engine: engine.render([[]]), "needs messages"),
        (lambda engine: engine.render([[{"role": "user"}]]), "needs messages"),
        (lambda engine: engine.logits([[0], []]), "no token ids"),
        (lambda engine: engine.greedy([[]], max_tokens=1), "no token ids"),
        (lambda engine: engine.activations([]), "no token ids"),
        (lambda engine: engine.greedy([[1]], max_tokens=0), "max_tokens is 0"),
        (lambda engine: engine.decode([[1]], timeout_ms=0), "timeout_ms is 0"),
        (lambda engine: engine.encode(["refuse"], special=True), "not this one"),
    ],
)
def test_what_makes_no_sense_is_refused_and_costs_no_process(
    engine: SupervisedEngine, call: Callable[[SupervisedEngine], object], reason: str
) -> None:
    engine.decode([[0]])
    pid = engine.pid
    with pytest.raises(EngineRefused, match=reason):
        call(engine)
    assert engine.pid == pid


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda engine: engine.encode(["too few"], special=True), "did not send 1 rows of token ids"),
        (lambda engine: engine.encode(["texts"], special=True), "did not send 1 rows of token ids"),
        (lambda engine: engine.encode(["floats"], special=True), "not a list of whole numbers"),
        (lambda engine: engine.decode([[1]]), "did not send 1 texts"),
        (lambda engine: engine.decode([[2]]), "None is no text"),
        (lambda engine: engine.logits([[1, 1]]), r"float32 \(3, 5\); expected float32 \(2"),
        (lambda engine: engine.logits([[2]]), "no name inside the folder"),
        (lambda engine: engine.logits([[3]]), "cannot be opened"),
        (lambda engine: engine.logits([[4]]), "did not send the arrays"),
        (lambda engine: engine.logits([[5]]), "did not send the arrays"),
    ],
)
def test_a_broken_protocol_is_a_crash_that_says_how_and_the_next_call_has_a_fresh_child(
    engine: SupervisedEngine, call: Callable[[SupervisedEngine], object], reason: str
) -> None:
    engine.decode([[0]])
    pid = engine.pid
    assert pid is not None
    with pytest.raises(EngineCrashed, match=reason):
        call(engine)
    assert not psutil.pid_exists(pid)
    assert engine.decode([[0]]) == ("0",)


def test_names_of_arrays_are_no_names_of_files(engine: SupervisedEngine) -> None:
    recorded = engine.activations([0, 1, 2])
    assert {name: values.shape for name, values in recorded.items()} == {"layer.0": (3, 2), "../evil": (3, 3)}


def test_a_hang_a_crash_and_a_bug_are_told_apart(engine: SupervisedEngine) -> None:
    with pytest.raises(EngineTimeout, match="encoding texts within 300 ms"):
        engine.encode(["hang"], special=True, timeout_ms=300)
    with pytest.raises(EngineCrashed, match="SIGSEGV while encoding texts"):
        engine.encode(["crash"], special=True)
    with pytest.raises(EngineCrashed, match="exit code 1") as caught:
        engine.encode(["bug"], special=True)
    assert "nobody foresaw this" in caught.value.stderr_tail
    assert engine.encode(["ok"], special=False) == ((2, 0),)


def test_the_deadline_is_that_of_the_whole_call(engine: SupervisedEngine) -> None:
    engine.decode([[0]])
    with pytest.raises(EngineTimeout, match="computing logits within 700 ms"):
        engine.logits([[6]] * 100, timeout_ms=700)


def test_out_of_memory_is_told_apart_and_leaves_a_fresh_child(engine: SupervisedEngine) -> None:
    with pytest.raises(EngineOutOfMemory, match="out of memory while measuring: all of it is gone"):
        engine.encode(["no memory"], special=True)
    assert engine.encode(["ok"], special=False) == ((2, 0),)


def test_the_memory_limit_holds_while_measuring(tmp_path: Path) -> None:
    engine = open_rogue(tmp_path, memory_bytes=400 * 2**20)
    with pytest.raises(EngineOutOfMemory, match="more than its limit"):
        engine.encode(["eat"], special=True)
    engine.close()


def test_a_closed_engine_refuses(tmp_path: Path) -> None:
    engine = open_rogue(tmp_path)
    engine.close()
    with pytest.raises(EngineRefused, match="closed"):
        engine.decode([[0]])
