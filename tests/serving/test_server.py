"""The life of a server's process: its end, its descendants, its log, and the death of whoever started it."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator

import psutil
import pytest

from pytest_aprqa.serving.group import members
from pytest_aprqa.serving.ports import is_open
from pytest_aprqa.serving.server import Server
from tests.serving.opened import ROGUE, nothing_left, open_rogue, pid_of, soon


@pytest.fixture
def server() -> Iterator[Server]:
    opened = open_rogue()
    yield opened
    opened.stop(term_ms=0)


def test_sigterm_ends_a_server_cleanly_and_only_once(server: Server) -> None:
    stopped = server.stop()
    assert server.stop() is stopped
    assert stopped is not None
    assert stopped.exit_code == 0
    assert not stopped.killed
    assert stopped.survivors == 0
    assert not stopped.port_open
    assert stopped.took_ms < 10_000
    assert not server.alive
    assert nothing_left(pid_of(server))


def test_a_server_that_ignores_sigterm_is_killed_and_that_is_said() -> None:
    server = open_rogue("ignores_sigterm")
    stopped = server.stop(term_ms=300)
    assert stopped is not None
    assert stopped.killed
    assert stopped.exit_code == -signal.SIGKILL
    assert stopped.survivors == 1
    assert stopped.port_open
    assert stopped.took_ms >= 300
    assert nothing_left(pid_of(server))


def test_a_child_that_keeps_the_port_is_told_and_killed() -> None:
    server = open_rogue("leaves_child")
    port = int(server.url.rpartition(":")[2])
    assert len(members(pid_of(server))) == 2
    stopped = server.stop(term_ms=1_000)
    assert stopped is not None
    assert stopped.exit_code == 0
    assert not stopped.killed
    assert stopped.survivors == 1
    assert stopped.port_open
    assert nothing_left(pid_of(server))
    assert not is_open("127.0.0.1", port)


def test_a_server_that_was_killed_is_not_alive_and_its_signal_is_the_exit_code(server: Server) -> None:
    for member in members(pid_of(server)):
        member.send_signal(signal.SIGSEGV)
    assert soon(lambda: not server.alive)
    stopped = server.stop()
    assert stopped is not None
    assert stopped.exit_code == -signal.SIGSEGV
    assert not stopped.killed


def test_without_its_guard_a_server_counts_as_dead_and_is_ended(server: Server) -> None:
    os.kill(pid_of(server), signal.SIGKILL)
    assert soon(lambda: not server.alive)
    server.stop()
    assert nothing_left(pid_of(server))


def test_a_chatty_server_never_blocks_and_the_end_of_its_log_is_kept() -> None:
    server = open_rogue("chatty")
    assert soon(lambda: server.log_tail.endswith("the end\n"))
    server.stop()
    assert len(server.log_tail) <= 64 * 1024
    assert server.log_tail.endswith("the end\n")


def test_memory_and_descriptors_count_the_whole_group_and_not_the_guard(server: Server) -> None:
    (alone,) = members(pid_of(server))
    assert server.descriptors() == alone.num_fds()
    with_child = open_rogue("leaves_child")
    both = members(pid_of(with_child))
    assert with_child.descriptors() == sum(member.num_fds() for member in both)
    rss_bytes = with_child.rss_bytes()
    assert rss_bytes is not None
    assert rss_bytes > max(member.memory_info().rss for member in both)
    with_child.stop(term_ms=0)
    assert with_child.rss_bytes() is None
    assert with_child.descriptors() is None


def test_stopping_leaves_no_descriptor_of_ours_open() -> None:
    open_rogue().stop()
    before = psutil.Process().num_fds()
    open_rogue().stop()
    assert psutil.Process().num_fds() == before


def test_a_server_that_nobody_holds_is_ended() -> None:
    server = open_rogue()
    pid = pid_of(server)
    del server
    gc.collect()
    assert soon(lambda: nothing_left(pid))


def _opener(*more: str) -> str:
    return textwrap.dedent(
        """
        import os, sys, time
        from tests.serving.opened import open_rogue, pid_of
        server = open_rogue(sys.argv[1])
        """
    ) + "\n".join(more)


@pytest.mark.parametrize("fault", ["ignores_sigterm", "leaves_child"])
def test_kill_9_of_the_process_that_opened_it_leaves_no_server(fault: str) -> None:
    script = _opener("print(pid_of(server), flush=True)", "time.sleep(1000)")
    with subprocess.Popen(
        [sys.executable, "-c", script, fault], stdout=subprocess.PIPE, cwd=ROGUE.parents[2]
    ) as opener:
        assert opener.stdout is not None
        pid = int(opener.stdout.readline())
        assert members(pid)
        opener.kill()
        assert soon(lambda: nothing_left(pid))


def test_a_forked_copy_leaves_the_server_alone() -> None:
    script = _opener(
        "child = os.fork()",
        "if child == 0:",
        "    server.stop()",
        "    del server",
        "    sys.exit(0)",  # runs the finalizers
        "os.waitpid(child, 0)",
        "time.sleep(0.3)",
        "print(server.alive, server.stop().exit_code)",
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, ""],
        capture_output=True,
        check=False,
        text=True,
        cwd=ROGUE.parents[2],
    )
    assert done.stdout.split() == ["True", "0"], done.stderr
