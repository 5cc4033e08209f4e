from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from click import Context

from pytest_aprqa import __version__, embedded
from pytest_aprqa.cli import apr_qa as apr_qa_group
from pytest_aprqa.cli.commands import COMMANDS
from pytest_aprqa.evidence import write_evidence
from tests.cli.running import apr_qa, apr_qa_process
from tests.reports.samples import good


def test_help_lists_the_commands_and_the_exit_codes() -> None:
    done = apr_qa("--help")
    assert done.returncode == 0
    assert all(word in done.stdout for word in ("fetch", "score", "validate", "Exit codes: 0 done and passed"))


def test_help_is_quick() -> None:
    apr_qa_process("--help")  # compiles what was not compiled yet
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = apr_qa_process("--help")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Processor time, for a busy machine says nothing about the command.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.3
    assert done.returncode == 0


def test_nothing_heavy_is_imported_for_help() -> None:
    program = (
        "import sys, pytest_aprqa.cli\n"
        "heavy = {'torch', 'transformers', 'pydantic', 'yaml', 'numpy', 'hypothesis', 'rich', 'pytest'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_version_is_the_package_version() -> None:
    assert __version__ in apr_qa("--version").stdout


@pytest.mark.parametrize(
    "words",
    [["unknown"], ["score"], ["score", "a", "b"], ["validate"], ["fetch", "smollm2-135m"], ["score", "--x", "a"]],
)
def test_wrong_usage_is_2_without_a_traceback(words: list[str]) -> None:
    done = apr_qa(*words)
    assert done.returncode == 2
    assert "Usage:" in done.stderr
    assert "Traceback" not in done.stderr


def test_every_command_of_the_table_is_there_under_its_name_and_has_help() -> None:
    for name in COMMANDS:
        command = apr_qa_group.get_command(Context(apr_qa_group), name)
        assert command is not None
        assert command.name == name
        assert command.help, name


@pytest.mark.parametrize(
    "words",
    [
        ["compare", "{evidence}", "{evidence}", "--markdown", "{file}/x.md"],
        ["bootstrap", "{model}", "-o", "{file}/x.playbook.yaml"],
        ["convert", "{model}", "--to", "apr", "--output", "{file}/out"],
    ],
)
def test_what_cannot_be_written_is_2_and_says_where_and_the_way_out(tmp_path: Path, words: list[str]) -> None:
    file = tmp_path / "file"
    file.write_text("")
    places = {"file": file, "model": embedded.folder(), "evidence": write_evidence(tmp_path, good())}
    done = apr_qa(*(word.format_map(places) for word in words))
    assert done.returncode == 2
    assert "Errno" not in done.stderr
    message = done.stderr.splitlines()[-1]
    assert re.match(rf"Error: {re.escape(str(file))}\S*: cannot be (read or )?written: .*; \w", message), message


def test_ctrl_c_in_any_command_is_130_in_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    def pressed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Context, "invoke", pressed)
    done = apr_qa("doctor")
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "Error: interrupted\n")


def test_a_misspelled_command_gets_a_suggestion() -> None:
    done = apr_qa("scor")
    assert done.returncode == 2
    assert "Did you mean 'score'?" in done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_the_script_of_a_shell(shell: str) -> None:
    done = apr_qa_process("completion", shell)
    assert done.returncode == 0
    assert "_APR_QA_COMPLETE" in done.stdout


def test_a_shell_completes_commands_by_the_script_s_own_question() -> None:
    asked = {"_APR_QA_COMPLETE": "bash_complete", "COMP_WORDS": "apr-qa val", "COMP_CWORD": "1"}
    done = subprocess.run(["apr-qa"], env={**os.environ, **asked}, capture_output=True, text=True, check=False)
    assert {line.split(",")[1] for line in done.stdout.split()} == {"validate", "validate-contract"}
