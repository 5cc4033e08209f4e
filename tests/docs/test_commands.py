"""Every command that a page shows is run, in the order of the page, in a project as its reader would have it.

A project holds the repository's playbooks, registry and README, and the
files that the page itself shows with a title. A block that no test can run says why in a comment before it; what the
script of CI runs is not run again.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from pytest_aprqa.cli import apr_qa
from pytest_aprqa.plugin.options import OPTIONS
from tests.docs.pages import PAGES, ROOT, Block, blocks

CI = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
EXIT = "# exit code "
"""After a command that is meant to end so."""
WITH_COMMANDS = [page for page in PAGES if blocks(page, "console")]
MAY_NOT_RUN = 12
"""Blocks that are left to be tried by hand; a page must not escape its test by comments."""


def project(root: Path) -> Path:
    """A folder as the reader has it."""
    shutil.copytree(ROOT / "playbooks", root / "playbooks")
    (root / "certifications").mkdir()
    for name in ("certifications/models.csv", "README.md"):
        shutil.copyfile(ROOT / name, root / name)
    return root


def show(root: Path, page: Path) -> None:
    """Writes the files that a page shows."""
    for block in blocks(page):
        if block.title and block.kind != "python":
            path = root / block.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")


def run_in_ci(command: str) -> bool:
    """Whether CI's script has the command, be it with words after it."""
    return any(line.strip().startswith(command) for line in CI.splitlines())


def test_the_commands_of_all_pages_work(tmp_path: Path) -> None:
    """In one project, page after page; a command that an earlier page had run is not run again."""
    home = project(tmp_path)
    environment = {
        **os.environ,
        "HOME": str(home),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "XDG_CACHE_HOME": str(home / "cache"),
        "NO_COLOR": "1",
    }
    environment.pop("PYTEST_ADDOPTS", None)
    known: set[str] = set()
    for page in WITH_COMMANDS:
        show(home, page)
        for block in blocks(page, "console"):
            for command in () if block.by_hand else block.commands:
                if run_in_ci(command) or command in known:
                    continue
                known.add(command)
                line, _, code = command.partition(EXIT)
                done = subprocess.run(
                    ["bash", "-c", line],
                    cwd=home,
                    env=environment,
                    capture_output=True,
                    text=True,
                    timeout=300,
                    check=False,
                )
                told = f"{page}:{block.line}: {command}\n{done.stdout}\n{done.stderr}"
                assert done.returncode == int(code or 0), told
    assert len(known) > 20


def test_few_blocks_are_left_to_be_tried_by_hand() -> None:
    left = [block for page in WITH_COMMANDS for block in blocks(page, "console") if block.by_hand]
    assert len(left) <= MAY_NOT_RUN, [f"{block.page}:{block.line}: {block.by_hand}" for block in left]


@pytest.mark.parametrize(
    "block", [it for page in WITH_COMMANDS for it in blocks(page) if it.kind in ("console", "yaml")]
)
def test_every_option_that_a_block_shows_exists(block: Block) -> None:
    """Of blocks that are not run, and of CI recipes, at least the words are right."""
    ours = {option.flag for option in OPTIONS}
    for line in block.text.replace("\\\n", " ").splitlines():
        for part in line.replace("&&", "|").replace(";", "|").split("|"):
            words = _words(part)
            if "apr-qa" in words:
                _check_command(words[words.index("apr-qa") + 1 :], line)
            assert {it.partition("=")[0] for it in words if it.startswith("--aprqa-")} <= ours, line


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text, comments=True)
    except ValueError:
        return []


def _check_command(words: list[str], line: str) -> None:
    if not words or words[0].startswith("-") or not words[0].islower():
        return
    context = click.Context(apr_qa)
    command = apr_qa.get_command(context, words[0])
    assert command is not None, f"no such command: {line}"
    if isinstance(command, click.Group) and len(words) > 1 and words[1] in command.commands:
        command = command.commands[words[1]]
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)} | {
        "--help",
        "-h",
    }
    before = words[: words.index("--")] if "--" in words else words
    given = {it.partition("=")[0] for it in before if it.startswith("--")}
    assert given <= known, f"{sorted(given - known)} in: {line}"
