"""A run under a lock refuses the playbook that is not the locked one, and runs the one that is."""

from __future__ import annotations

from pytest_aprqa.playbook import lock_playbooks
from tests.plugin.conftest import Project


def test_a_run_under_a_lock_needs_the_locked_playbook(serial: Project) -> None:
    path = serial.playbook()
    lock = path.parent / "playbook.lock.yaml"
    lock_playbooks(path.parent, lock=lock)
    assert serial.run(path.name, "--aprqa-lock", lock.name).ret == 0

    serial.playbook(test_matrix={"timeout_ms": 20_000})
    refused = serial.run(path.name, "--aprqa-lock", lock.name)
    assert refused.ret == 2
    refused.stdout.fnmatch_lines(["*tiny.playbook.yaml:1:1:*test_matrix.timeout_ms*lock-playbooks*"])


def test_a_lock_that_cannot_be_read_is_wrong_usage(serial: Project) -> None:
    serial.pytester.path.joinpath("binary").write_bytes(b"\x00")
    for name, found in (("nowhere.yaml", "there is no such file"), ("binary", "found a NUL at byte 0")):
        refused = serial.run(serial.playbook().name, "--aprqa-lock", name)
        assert refused.ret == 4
        refused.stderr.fnmatch_lines([f"*--aprqa-lock: */{name}: *{found}"])


def test_the_command_line_s_own_words_do_not_break_the_lock(serial: Project) -> None:
    path = serial.playbook()
    lock = path.parent / "playbook.lock.yaml"
    lock_playbooks(path.parent, lock=lock)
    result = serial.run(path.name, "--aprqa-lock", lock.name, "--aprqa-timeout", "15000")
    assert result.ret == 0
