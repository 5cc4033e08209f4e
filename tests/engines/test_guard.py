"""The guard alone: signals go down, exit codes come up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from pytest_aprqa.engines.child import environment

Started = subprocess.Popen[bytes]


def guard(*command: str, options: tuple[str, ...] = (), **more: str) -> Started:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "pytest_aprqa.engines.guard", *options, "--", *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**environment(1), **more},
        start_new_session=True,
    )


def ended(started: Started) -> tuple[int, str]:
    with started:
        assert started.stdout is not None
        printed = started.stdout.read().decode()
    return started.returncode, printed


def test_the_exit_code_is_the_servers() -> None:
    assert ended(guard("sh", "-c", "exit 255")) == (255, "")


@pytest.mark.parametrize("name", ["SIGTERM", "SIGSEGV", "SIGKILL"])
def test_a_signal_that_ended_the_server_ends_the_guard(name: str) -> None:
    number = signal.Signals[name]
    assert ended(guard("sh", "-c", f"kill -{number} $$"))[0] == -number


def test_sigterm_is_handed_on() -> None:
    started = guard("sh", "-c", "trap 'exit 7' TERM; echo ready; while :; do sleep 0.02; done")
    assert started.stdout is not None
    assert started.stdout.readline() == b"ready\n"
    os.kill(started.pid, signal.SIGTERM)
    assert ended(started)[0] == 7


def test_a_command_that_cannot_run_is_said() -> None:
    assert ended(guard("/no/such/program")) == (
        127,
        "cannot run /no/such/program: [Errno 2] No such file or directory: '/no/such/program'\n",
    )


def test_the_server_reads_nothing_and_holds_no_lifeline() -> None:
    assert ended(guard("cat")) == (0, "")


@pytest.mark.parametrize(("path", "expected"), [("", "unset\n"), ("/a", "/a\n")])
def test_the_import_path_is_the_servers_own(path: str, expected: str) -> None:
    assert ended(guard("sh", "-c", "echo ${PYTHONPATH-unset}", options=("--python-path", path))) == (0, expected)


def test_a_closed_lifeline_kills_the_whole_group() -> None:
    started = guard("sh", "-c", "trap '' TERM; echo ready; sleep 1000")
    assert started.stdout is not None
    assert started.stdin is not None
    started.stdout.readline()
    started.stdin.close()
    assert started.wait(30) == -signal.SIGKILL
    assert started.stdout.read() == b""  # everyone who held it is gone
    started.stdout.close()
