"""Children that break the protocol, close their pipes or leave descendants behind."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from pytest_aprqa.core import (
    Backend,
    EngineCrashed,
    EngineOutOfMemory,
    EngineTimeout,
    Format,
    Request,
    Target,
    Weights,
)
from pytest_aprqa.engines import Limits, SupervisedEngine, child, supervise
from tests.engines.test_supervision import gone

TARGET = Target("org/rogue", Format.SAFETENSORS, None, Backend.CPU)


def open_rogue(folder: Path, loader: str = "load") -> SupervisedEngine:
    weights = Weights(folder=folder, files=(), source="test")
    return supervise(f"tests.engines.rogue:{loader}", TARGET, weights, Limits(threads=1))


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("garbage", "unreadable message"),
        ("unknown", "KeyError: 'sorry'"),
        ("other version", "version 1, not 3"),
        ("endless", "a message of more than 1000000 bytes"),
        ("close", "it closed its pipes"),
        ("too few", "did not send one result for each request"),
    ],
)
def test_a_broken_protocol_is_a_crash_that_says_how(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, reason: str
) -> None:
    monkeypatch.setattr(child, "MAX_MESSAGE_BYTES", 1_000_000)
    monkeypatch.setattr(child, "_DYING_S", 0.2)
    engine = open_rogue(tmp_path)
    pid = engine.pid
    (result,) = engine.generate([Request(id="a", turns=(what,), timeout_ms=20_000)])
    assert isinstance(result, EngineCrashed)
    assert reason in str(result)
    assert pid is not None
    assert not psutil.pid_exists(pid)


def test_a_descendant_dies_with_the_group(tmp_path: Path) -> None:
    engine = open_rogue(tmp_path)
    (result,) = engine.generate([Request(id="a", turns=("descendant",), timeout_ms=1_000)])
    assert isinstance(result, EngineTimeout)
    assert gone(int((tmp_path / "pid").read_text()))


def test_what_a_library_prints_is_no_message_and_may_end(tmp_path: Path) -> None:
    engine = open_rogue(tmp_path, "load_prints")
    (result,) = engine.generate([Request(id="a", turns=("garbage",))])
    assert isinstance(result, EngineCrashed)
    assert "libraries print here" in result.stderr_tail


def test_an_unforeseen_error_while_loading_is_a_crash_with_its_traceback(tmp_path: Path) -> None:
    with pytest.raises(EngineCrashed, match="exit code 1 while loading the model") as caught:
        open_rogue(tmp_path, "load_fails")
    assert "OSError: disk on fire" in caught.value.stderr_tail


def test_out_of_memory_while_loading_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(EngineOutOfMemory, match=r"out of memory while loading: .*DefaultCPUAllocator"):
        open_rogue(tmp_path, "load_out_of_memory")
