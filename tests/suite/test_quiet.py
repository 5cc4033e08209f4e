"""Quiet between real processes: never two alone, alone never beside others, nobody starves, the dead hold nothing."""

from __future__ import annotations

import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from pytest_aprqa.core import AprqaError
from pytest_aprqa.suite import Quiet
from pytest_aprqa.suite import quiet as quiet_module

DEADLINE_S = 60

# The module is loaded by its path, without the room and all that it imports: a process starts in no time.
LOAD = """
import importlib.util, os, sys, time
from pathlib import Path
spec = importlib.util.spec_from_file_location("quiet", sys.argv[1])
module = importlib.util.module_from_spec(spec)
sys.modules["quiet"] = module
spec.loader.exec_module(module)
quiet = module.Quiet(Path(sys.argv[2]))
"""
HOLD = """
print("asks", flush=True)
with getattr(quiet, sys.argv[3])():
    print("in", flush=True)
    sys.stdin.readline()
print("out", flush=True)
"""
# Each stay leaves a line at each of its ends, in the order in which it all happened.
WANDER = """
log = os.open(sys.argv[3], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
for visit in range(int(sys.argv[4]), int(sys.argv[4]) + 12):
    kind = "shared" if visit % 3 else "alone"
    with getattr(quiet, kind)():
        os.write(log, f"+{kind} ".encode())
        time.sleep(0.002)
        os.write(log, f"-{kind} ".encode())
"""
# Comes again at once, for as long as nobody has been alone.
CROWD = """
print("asks", flush=True)
while not Path(sys.argv[3]).exists():
    with quiet.shared():
        time.sleep(0.01)
"""


@contextmanager
def process(code: str, folder: Path, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    # Unbuffered, so that what was said is in the pipe until it is read.
    command = [sys.executable, "-c", LOAD + code, str(quiet_module.__file__), str(folder), *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as started:
        try:
            yield started
        finally:
            started.kill()


def says(started: subprocess.Popen[bytes], *, within_s: float = DEADLINE_S) -> str | None:
    """Its next line; None where it says nothing in time."""
    assert started.stdout is not None
    ready, _, _ = select.select([started.stdout], [], [], within_s)
    return started.stdout.readline().decode().strip() if ready else None


def leave(started: subprocess.Popen[bytes]) -> None:
    assert started.stdin is not None
    started.stdin.write(b"\n")


@contextmanager
def holding(folder: Path, kind: str) -> Iterator[subprocess.Popen[bytes]]:
    with process(HOLD, folder, kind) as started:
        assert says(started) == "asks"
        assert says(started) == "in"
        yield started


@contextmanager
def waiting(folder: Path, kind: str) -> Iterator[subprocess.Popen[bytes]]:
    with process(HOLD, folder, kind) as started:
        assert says(started) == "asks"
        assert says(started, within_s=0.3) is None, "it should have waited"
        yield started


@pytest.mark.parametrize(("inside", "outside"), [("alone", "alone"), ("alone", "shared"), ("shared", "alone")])
def test_who_is_alone_is_beside_nobody(tmp_path: Path, inside: str, outside: str) -> None:
    with holding(tmp_path, inside) as first, waiting(tmp_path, outside) as second:
        leave(first)
        assert says(second) == "in"


def test_ordinary_work_runs_beside_ordinary_work(tmp_path: Path) -> None:
    with holding(tmp_path, "shared"), holding(tmp_path, "shared"), Quiet(tmp_path).shared():
        pass


def test_who_comes_after_a_waiting_measurement_waits_behind_it(tmp_path: Path) -> None:
    with (
        holding(tmp_path, "shared") as early,
        waiting(tmp_path, "alone") as measurement,
        waiting(tmp_path, "shared") as late,
    ):
        leave(early)
        assert says(measurement) == "in"
        assert says(late, within_s=0.3) is None
        leave(measurement)
        assert says(late) == "in"


def test_a_measurement_is_not_starved_by_a_crowd(tmp_path: Path) -> None:
    done = tmp_path / "done"
    with ExitStack() as crowd:
        comers = [crowd.enter_context(process(CROWD, tmp_path, str(done))) for _ in range(4)]
        assert [says(comer) for comer in comers] == ["asks"] * 4
        with holding(tmp_path, "alone"):
            done.touch()
        assert [comer.wait(timeout=DEADLINE_S) for comer in comers] == [0] * 4


def test_many_processes_never_break_the_rule(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with ExitStack() as all_of_them:
        wanderers = [
            all_of_them.enter_context(process(WANDER, tmp_path / "lock", str(log), str(number))) for number in range(4)
        ]
        assert [wanderer.wait(timeout=DEADLINE_S) for wanderer in wanderers] == [0] * 4
    steps = log.read_text().split()
    assert len(steps) == 4 * 12 * 2
    shared = alone = 0
    for step in steps:
        change = 1 if step[0] == "+" else -1
        shared, alone = (shared + change, alone) if step[1:] == "shared" else (shared, alone + change)
        assert alone == 0 or (alone, shared) == (1, 0), steps


@pytest.mark.parametrize("kind", ["alone", "shared"])
def test_a_killed_holder_holds_nothing(tmp_path: Path, kind: str) -> None:
    with holding(tmp_path, kind) as holder, waiting(tmp_path, "alone") as comer:
        holder.send_signal(signal.SIGKILL)
        assert says(comer) == "in"


def test_one_killed_while_it_waits_stops_nobody(tmp_path: Path) -> None:
    with holding(tmp_path, "shared"), waiting(tmp_path, "alone") as measurement:
        measurement.kill()
        measurement.wait(timeout=DEADLINE_S)
        with holding(tmp_path, "shared"):
            pass


def test_a_child_of_the_holder_does_not_keep_the_lock(tmp_path: Path) -> None:
    with Quiet(tmp_path).alone():
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False)
    try:
        with holding(tmp_path, "alone"):
            assert child.poll() is None
    finally:
        child.communicate(b"\n", timeout=DEADLINE_S)


@pytest.mark.parametrize("outer", ["alone", "shared"])
@pytest.mark.parametrize("inner", ["alone", "shared"])
def test_a_process_that_holds_it_may_not_ask_again(tmp_path: Path, outer: str, inner: str) -> None:
    with getattr(Quiet(tmp_path), outer)():
        with pytest.raises(RuntimeError, match="already"), getattr(Quiet(tmp_path / "." / "x" / ".."), inner)():
            pass
        with Quiet(tmp_path / "another").alone():
            pass
    with Quiet(tmp_path).alone():
        pass


def test_an_error_inside_gives_it_up(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), Quiet(tmp_path).alone():
        _ = 1 / 0
    with holding(tmp_path, "alone"):
        pass


def test_a_folder_that_cannot_be_made_is_told_plainly(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for _ in range(2):
        with pytest.raises(AprqaError, match=r"cannot be opened for locking.*another folder"):
            Quiet(tmp_path / "file" / "folder").alone().__enter__()
