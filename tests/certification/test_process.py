from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from pytest_aprqa.certification import Ended, process, run_pytest
from tests.certification.samples import fake_pytest

WAITS = """
    import pathlib, signal, subprocess, sys, time
    here = pathlib.Path(sys.argv[1])
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    def stop(number, frame):
        (here / "told").write_text(str(number))
        if "deaf" not in sys.argv:
            sys.exit(2)
    signal.signal(signal.SIGINT, stop)
    (here / "pids").write_text(f"{__import__('os').getpid()} {child.pid}")
    time.sleep(60)
"""


def wait_for(path: Path) -> str:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if path.exists() and (text := path.read_text()):
            return text
        time.sleep(0.02)
    raise AssertionError(f"{path} did not appear")


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    return False


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "fake"))
    return tmp_path / "fake"


@pytest.mark.parametrize("code", [0, 1, 5])
def test_the_exit_code_comes_back(fake: Path, code: int) -> None:
    fake_pytest(fake, f"import sys; sys.exit({code})")
    assert run_pytest([]) == Ended(code)


def test_pytest_gets_the_words_and_the_working_folder(fake: Path, tmp_path: Path) -> None:
    fake_pytest(fake, "import os, pathlib, sys; pathlib.Path('seen').write_text(f'{sys.argv[1:]} {sys.path[0]}')")
    assert run_pytest(["a b", "-k", "x"], folder=tmp_path).code == 0
    assert (tmp_path / "seen").read_text() == f"['a b', '-k', 'x'] {tmp_path}"


def test_the_package_is_not_imported_before_pytest(fake: Path) -> None:
    fake_pytest(fake, "import sys; sys.exit(7 if any(name.startswith('pytest_aprqa') for name in sys.modules) else 0)")
    assert run_pytest([]).code == 0


def test_quiet_leaves_standard_output_alone(fake: Path, capfd: pytest.CaptureFixture[str]) -> None:
    fake_pytest(fake, "print('hello')")
    run_pytest([])
    assert capfd.readouterr().out == "hello\n"
    run_pytest([], quiet=True)
    captured = capfd.readouterr()
    assert captured.out == ""
    assert "hello" in captured.err


def test_what_pytest_leaves_running_is_ended(fake: Path, tmp_path: Path) -> None:
    fake_pytest(fake, WAITS.replace("time.sleep(60)\n", "sys.exit(0)\n").replace('sleep(60)"', 'sleep(61)"'))
    assert run_pytest([str(tmp_path)]).code == 0
    assert all(gone(int(pid)) for pid in wait_for(tmp_path / "pids").split())


def parent(tmp_path: Path, *words: str) -> subprocess.Popen[str]:
    # By its path: importing the whole room takes seconds, and this file needs nothing of it.
    code = f"""
import importlib.util, sys
spec = importlib.util.spec_from_file_location("process", {process.__file__!r})
module = sys.modules["process"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
ended = module.run_pytest([{str(tmp_path)!r}, *{list(words)!r}])
print(ended.code, ended.signal)
"""
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_passed_on_and_waited_for(fake: Path, tmp_path: Path, number: signal.Signals) -> None:
    fake_pytest(fake, WAITS)
    with parent(tmp_path) as caller:
        pids = wait_for(tmp_path / "pids").split()
        caller.send_signal(number)
        out, _ = caller.communicate(timeout=20)
    assert out == f"2 {number.value}\n"
    assert (tmp_path / "told").read_text() == str(signal.SIGINT.value)
    assert all(gone(int(pid)) for pid in pids)


def test_an_interrupt_while_pytest_is_imported_is_one_line(fake: Path, tmp_path: Path) -> None:
    fake_pytest(fake, "import os, sys, time; open(sys.argv[1] + '/pids', 'w').write(str(os.getpid())); time.sleep(60)")
    with parent(tmp_path) as caller:
        wait_for(tmp_path / "pids")
        caller.send_signal(signal.SIGINT)
        out, err = caller.communicate(timeout=20)
    assert (out, err) == (f"1 {signal.SIGINT.value}\n", "interrupted\n")


def test_a_second_signal_ends_what_did_not_listen(fake: Path, tmp_path: Path) -> None:
    fake_pytest(fake, WAITS)
    with parent(tmp_path, "deaf") as caller:
        pids = wait_for(tmp_path / "pids").split()
        caller.send_signal(signal.SIGINT)
        wait_for(tmp_path / "told")
        caller.send_signal(signal.SIGINT)
        out, _ = caller.communicate(timeout=20)
    assert out == f"{-signal.SIGKILL} {signal.SIGINT.value}\n"
    assert all(gone(int(pid)) for pid in pids)


def test_nothing_outlives_a_killed_parent(fake: Path, tmp_path: Path) -> None:
    fake_pytest(fake, WAITS)
    with parent(tmp_path) as caller:
        pids = wait_for(tmp_path / "pids").split()
        os.kill(caller.pid, signal.SIGKILL)
        caller.communicate(timeout=20)
    assert all(gone(int(pid)) for pid in pids)


def test_the_handlers_are_put_back(fake: Path) -> None:
    fake_pytest(fake, "")
    before = signal.getsignal(signal.SIGINT)
    run_pytest([])
    assert signal.getsignal(signal.SIGINT) is before
