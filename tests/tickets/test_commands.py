"""Shell injection, tried for good: the printed line is run by bash with a stand-in for gh, and nothing else may run."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from pytest_aprqa.core import Modality, Outcome
from pytest_aprqa.tickets import gh_arguments, gh_command, render_ticket, tickets_of
from pytest_aprqa.tickets.ticket import Ticket
from tests.reports.samples import GGUF, case, evidence
from tests.tickets.stand_in import calls, install

ATTACKS = {
    "substitution": "$(touch X)",
    "back-ticks": "`touch X`",
    "single quote": "'; touch X; '",
    "double quote": '"; touch X; "',
    "newline": "a\ntouch X\n",
    "carriage return": "a\rtouch X\r",
    "option": "--repo=evil/evil",
    "escaped quote": "\\'; touch X #",
    "ansi quoting": "\x01'; touch X; $'",
    "history": "!! && touch X",
    "pipe": "| touch X & touch X > X < X",
    "braces": "${IFS}$((1))${X:=$(touch X)}",
}


def attacked(text: str) -> Ticket:
    made = evidence(
        [
            case(
                text,
                Modality.RUN,
                GGUF,
                Outcome.FALSIFIED,
                case_id=text,
                gate_id=text,
                turns=(text,),
                reason=text,
                answer=text,
                expected=text,
                stderr_tail=text,
                exit_code=1,
            ).model_copy(update={"model": text})
        ]
    )
    run = made.run.model_copy(update={"command": ("pytest", "x.yaml", f"--aprqa-set=A={text}", "--aprqa-engine", text)})
    playbook = made.playbook.model_copy(update={"path": text, "model": text})
    (ticket,) = tickets_of(made.model_copy(update={"run": run, "playbook": playbook}))
    return ticket


def bash(line: str, folder: Path, gh: Path, *options: str) -> subprocess.CompletedProcess[bytes]:
    path = f"{gh}{os.pathsep}{os.environ['PATH']}"
    environment = {"PATH": path, "LC_ALL": "C.UTF-8"}
    return subprocess.run(["bash", *options, "-c", line], cwd=folder, capture_output=True, env=environment, check=False)


@pytest.mark.parametrize("text", ATTACKS.values(), ids=ATTACKS.keys())
def test_the_printed_line_runs_gh_and_nothing_else(tmp_path: Path, text: str) -> None:
    gh, work = install(tmp_path / "bin"), tmp_path / "work"
    work.mkdir()
    ticket = attacked(text)
    name = text.replace("/", "_")
    (work / name).write_text(render_ticket(ticket), encoding="utf-8")
    line = gh_command(ticket, repo="a/b", body_file=name)
    assert line.isprintable()
    assert bash(line, work, gh, "-n").returncode == 0
    bash(line, work, gh)
    words = gh_arguments(ticket, repo="a/b", body_file=name)
    assert calls(gh) == [list(words[1:])]
    assert [path.name for path in work.iterdir()] == [name]


@pytest.mark.parametrize("text", ATTACKS.values(), ids=ATTACKS.keys())
def test_the_line_that_shows_it_again_runs_pytest_and_nothing_else(tmp_path: Path, text: str) -> None:
    work, bin_folder = tmp_path / "work", tmp_path / "bin"
    work.mkdir()
    bin_folder.mkdir()
    stand_in = bin_folder / "pytest"
    stand_in.write_text('#!/bin/sh\nprintf "%s\\0" "$@"\n')
    stand_in.chmod(0o755)
    line = attacked(text).reproduction
    assert line.isprintable()
    done = bash(line, work, bin_folder)
    start = f"./{text}" if text.startswith("-") else text
    assert done.stdout.decode().split("\0")[:-1] == [
        f"{start}::{text}",
        f"--aprqa-set=A={text}",
        "--aprqa-engine",
        text,
    ]
    assert list(work.iterdir()) == []


def test_the_check_would_notice_an_injection(tmp_path: Path) -> None:
    gh, work = install(tmp_path / "bin"), tmp_path / "work"
    work.mkdir()
    bash('gh issue create --title="$(touch X)"', work, gh)
    assert [path.name for path in work.iterdir()] == ["X"]


def test_no_value_is_taken_for_an_option() -> None:
    words = gh_arguments(attacked("--web"), repo="a/b", body_file="-")
    assert words[:3] == ("gh", "issue", "create")
    assert all(word.startswith(("--repo=", "--title=[QA] ", "--label=", "--body-file=./-")) for word in words[3:])


def test_labels_hold_no_comma_for_gh_splits_there() -> None:
    ticket = attacked("a,b,--web")
    assert ticket.labels
    assert all("," not in label for label in ticket.labels)


def test_without_a_repository_gh_finds_its_own() -> None:
    assert not any(word.startswith("--repo") for word in gh_arguments(attacked("x"), repo="", body_file="f"))
