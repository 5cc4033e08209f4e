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
from pytest_aprqa.engines import (
    Instruments,
    Limits,
    Pace,
    Result,
    SupervisedEngine,
    instruments,
    instruments_of,
    supervise,
)
from tests.engines.rogue import FACTS

TARGET = Target("org/rogue", Format.SAFETENSORS, None, Backend.CPU)


class OnlyEngine:
    """Somebody's engine from before there were instruments."""

    facts = FACTS

    def generate(self, requests: Sequence[Request]) -> tuple[Result, ...]:
        return ()

    def batches(self, requests: Sequence[Request]) -> tuple[tuple[int, ...], ...]:
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


def test_each_later_instrument_gives_what_the_model_gave(engine: SupervisedEngine) -> None:
    instrument: Instruments = engine
    assert instrument.pace([0, 7], tokens=3) == Pace(3.0, (0.5, 0.5), 2, rss_bytes=1, peak_rss_bytes=2)
    assert instrument.pace([0], tokens=1).token_ms == ()
    assert np.array_equal(instrument.stepwise([0, 1, 2], given=2), np.full((1, 5), 2, np.float32))
    first, second, third = instrument.together([[0], [7, 1], [9]])  # more than are continued together
    assert [logits.shape for logits in (first, second, third)] == [(1, 5)] * 3
    assert [float(logits[0, 0]) for logits in (first, second, third)] == [3.0, 10.0, 12.0], "all in one order"
    assert instrument.together([]) == ()
    assert instrument.sample([0, 8], max_tokens=4, temperature=1.5, seed=2**32 - 1) == (0, 8, 4, 15, 2**32 - 1)
    assert [(module.name, module.kind, module.shape) for module in instrument.trace([0])] == [
        ("a", "layer", (1, 2))
    ] * 2


class OlderEngine(OnlyEngine):
    """Somebody's engine with the first instruments alone."""

    encode = decode = render = logits = greedy = activations = staticmethod(lambda *_, **__: ("of old",))


def test_an_engine_of_old_keeps_what_it_has_and_names_what_it_lacks() -> None:
    with pytest.raises(EngineUnavailable, match="no instrument 'encode', 'decode', 'render', 'logits', 'greedy'"):
        instruments_of(OnlyEngine())
    older = instruments_of(OlderEngine())
    assert older.decode([[1]]) == ("of old",)
    for call in (lambda: older.pace([1], tokens=2), lambda: older.trace([1])):
        with pytest.raises(EngineUnavailable, match=r"it has no instrument '(pace|trace)'"):
            call()


def test_an_engine_with_all_instruments_is_its_own_instruments(engine: SupervisedEngine) -> None:
    assert instruments_of(engine) is engine


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
        "pace": lambda: engine.pace([1], tokens=1),
        "stepwise": lambda: engine.stepwise([1, 2], given=1),
        "together": lambda: engine.together([[1]]),
        "sample": lambda: engine.sample([1], max_tokens=1, temperature=1.0, seed=0),
        "trace": lambda: engine.trace([1]),
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
        (lambda engine: engine.pace([], tokens=1), "no token ids"),
        (lambda engine: engine.pace([0], tokens=0), "tokens is 0"),
        (lambda engine: engine.stepwise([0, 1], given=0), "given is 0; a row of 2 tokens has steps after 1 to 1"),
        (lambda engine: engine.stepwise([0, 1], given=2), "given is 2"),
        (lambda engine: engine.stepwise([], given=1), "given is 1; a row of 0 tokens"),
        (lambda engine: engine.together([[0], []]), "no token ids"),
        (lambda engine: engine.sample([], max_tokens=1, temperature=1.0, seed=0), "no token ids"),
        (lambda engine: engine.sample([0], max_tokens=0, temperature=1.0, seed=0), "max_tokens is 0"),
        (lambda engine: engine.sample([0], max_tokens=1, temperature=-1.0, seed=0), "temperature is -1.0"),
        (lambda engine: engine.sample([0], max_tokens=1, temperature=float("nan"), seed=0), "temperature is nan"),
        (lambda engine: engine.trace([]), "no token ids"),
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
        (lambda engine: engine.pace([1], tokens=2), "did not send the times of 2 tokens after 1"),
        (lambda engine: engine.pace([2], tokens=2), "did not send the times"),
        (lambda engine: engine.pace([3], tokens=2), "did not send the times"),
        (lambda engine: engine.pace([4], tokens=2), "did not send the times"),
        (lambda engine: engine.pace([5], tokens=2), "inf is no finite number"),
        (lambda engine: engine.stepwise([1, 1], given=1), r"float32 \(2, 5\); expected float32 \(1"),
        (lambda engine: engine.stepwise([3, 1], given=1), "cannot be opened"),
        (lambda engine: engine.together([[1], [0]]), r"float32 \(1, 5\); expected float32 \(2"),
        (lambda engine: engine.together([[2], [0]]), "did not send the arrays"),
        (lambda engine: engine.sample([1], max_tokens=1, temperature=1.0, seed=0), "did not send 1 rows"),
        (lambda engine: engine.trace([1]), "did not send what its modules gave"),
        (lambda engine: engine.trace([2]), "did not send what its modules gave"),
        (lambda engine: engine.trace([3]), "'heart' is not a valid ModuleKind"),
        (lambda engine: engine.trace([4]), "nan is no finite number"),
        (lambda engine: engine.trace([5]), "did not send what its modules gave"),
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
    with pytest.raises(EngineTimeout, match="timing tokens within 300 ms"):
        engine.pace([6], tokens=2, timeout_ms=300)
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
