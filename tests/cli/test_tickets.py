from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from pytest_aprqa.cli.tickets import TrackerError
from pytest_aprqa.core import Modality, Outcome
from pytest_aprqa.evidence import Evidence, write_evidence
from tests.cli.running import apr_qa, apr_qa_process
from tests.reports.samples import GGUF, HOSTILE, case, eventful, evidence, good
from tests.tickets.stand_in import calls, install, issues


def written(folder: Path, made: Evidence) -> Path:
    return write_evidence(folder, made)


def path_with(folder: Path) -> str:
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def test_drafts_are_printed_and_nothing_is_written(tmp_path: Path) -> None:
    file = written(tmp_path, eventful())
    done = apr_qa_process("tickets", file)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("3 tickets for 4 failures\n")
    assert "see again    pytest 'playbooks/models/aprqa-tiny-mvp.playbook.yaml::" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_files_and_commands_are_written_and_written_again_in_place(tmp_path: Path) -> None:
    file, folder = written(tmp_path, eventful()), tmp_path / "t i c"
    for _ in range(2):
        done = apr_qa("tickets", file, "-o", folder, "-r", "a/b")
        assert done.stdout.count("gh issue create --repo=a/b") == 3
        assert f"'--body-file={folder}/" in done.stdout
    names = sorted(path.name for path in folder.iterdir())
    assert len(names) == 3
    assert all(name.startswith(("P1-", "P2-")) for name in names)
    assert all(path.read_text().startswith("<!-- aprqa-ticket: ") for path in folder.iterdir())


def test_no_failure_is_no_ticket(tmp_path: Path) -> None:
    done = apr_qa("tickets", written(tmp_path, good()))
    assert (done.returncode, done.stdout) == (0, "0 tickets for 0 failures\n")


def test_json_is_one_object(tmp_path: Path) -> None:
    file = written(tmp_path, eventful())
    told = json.loads(apr_qa("tickets", file, "--json", "-o", tmp_path / "t").stdout)
    assert (told["failures"], len(told["tickets"])) == (4, 3)
    assert {"key", "title", "severity", "cause", "hypothesis", "reproduction", "file", "command"} <= set(
        told["tickets"][0]
    )
    swans = json.loads(apr_qa("tickets", file, "--json", "--black-swans-only").stdout)["tickets"]
    assert [ticket["cause"] for ticket in swans] == ["engine_crash"]
    many = json.loads(apr_qa("tickets", file, "--json", "--min-occurrences", "2").stdout)["tickets"]
    assert [ticket["occurrences"] for ticket in many] == [2]


def test_created_tickets_are_filed_once(tmp_path: Path) -> None:
    file, gh = written(tmp_path, eventful()), install(tmp_path / "bin")
    first = apr_qa("tickets", file, "--ticket-mode", "create", "-r", "a/b", PATH=path_with(gh))
    assert first.returncode == 0
    assert first.stdout.count("  filed: https://github.com/a/b/issues/") == 3
    again = apr_qa("tickets", file, "--ticket-mode", "create", "-r", "a/b", "--json", PATH=path_with(gh))
    filed = [ticket["filed"] for ticket in json.loads(again.stdout)["tickets"]]
    assert [one["state"] for one in filed] == ["filed before (open)"] * 3
    assert len(issues(gh)) == 3
    assert {tuple(words[:2]) for words in calls(gh)} == {
        ("issue", "list"),
        ("issue", "create"),
        ("label", "list"),
        ("label", "create"),
    }
    assert all("--repo=a/b" in words for words in calls(gh))


def test_hostile_text_reaches_gh_as_one_word(tmp_path: Path) -> None:
    text = f"$(touch X)\x1b]0;x\x07{HOSTILE}".replace("\ud800", "")
    bad = case("x", Modality.RUN, GGUF, Outcome.FALSIFIED, answer=text, reason=text, gate_id=text, turns=(text,))
    made = evidence([bad.model_copy(update={"model": "$(touch X)/`touch X`"})])
    gh = install(tmp_path / "bin")
    done = apr_qa("tickets", written(tmp_path, made), "--ticket-mode", "create", PATH=path_with(gh))
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    assert issues(gh)[0]["title"].startswith("[QA] $(touch X)/`touch X`: ")
    assert "$(touch X)" in issues(gh)[0]["body"]


def test_a_ticket_that_gh_refuses_is_told_and_1(tmp_path: Path) -> None:
    file, gh = written(tmp_path, eventful()), install(tmp_path / "bin")
    (gh / "refuse").touch()
    done = apr_qa("tickets", file, "--ticket-mode", "create", PATH=path_with(gh))
    assert done.returncode == 1
    assert done.stdout.count("refused: gh issue create: exit code 1") == 3


@pytest.mark.parametrize("answer", ["echo no json", "echo '{}'", "exit 4"])
def test_a_gh_that_answers_otherwise_is_2(tmp_path: Path, answer: str) -> None:
    gh = tmp_path / "gh"
    gh.write_text(f"#!/bin/sh\n{answer}\n")
    gh.chmod(0o755)
    done = apr_qa("tickets", written(tmp_path, eventful()), "--ticket-mode", "create", PATH=path_with(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: gh issue list: ")


def test_without_gh_nothing_is_created(tmp_path: Path) -> None:
    done = apr_qa("tickets", written(tmp_path, eventful()), "--ticket-mode", "create", PATH=str(tmp_path))
    assert done.returncode == 2
    assert "expected GitHub's command line on PATH" in done.stderr
    assert apr_qa("tickets", written(tmp_path, good()), "--ticket-mode", "create", PATH=str(tmp_path)).returncode == 0


@pytest.mark.parametrize("repo", ["a", "a/b;x", "$(x)/b", "-a/b", "a/b c", "a/b\n", "https://github.com/a/b"])
def test_a_repository_has_a_plain_name(tmp_path: Path, repo: str) -> None:
    done = apr_qa("tickets", written(tmp_path, good()), f"--repo={repo}")
    assert done.returncode == 2
    assert "expected OWNER/NAME" in done.stderr


def test_the_map_of_defects_needs_no_evidence() -> None:
    done = apr_qa("tickets", "--defect-map")
    assert done.returncode == 0
    assert "transposed: a matrix is transposed" in done.stdout
    told = json.loads(apr_qa("tickets", "--defect-map", "--json").stdout)["defects"]
    assert told["missing_tensor"]["published"] == "tensor_name_mismatch"
    assert apr_qa("tickets").returncode == 2


@pytest.mark.parametrize("content", [b"", b"{", b'[{"gate_id": 1}]'])
def test_what_cannot_be_read_is_2(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "evidence.json"
    file.write_bytes(content)
    done = apr_qa("tickets", file)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"Error: {file}")


def test_a_gh_that_hangs_or_vanishes_is_our_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pytest_aprqa.cli import tickets

    monkeypatch.setattr(tickets, "_GH_SECONDS", 0.2)
    gh = tmp_path / "gh"
    gh.write_text("#!/bin/sh\nexec sleep 30\n")
    gh.chmod(0o755)
    with pytest.raises(TrackerError, match="timed out"):
        tickets._gh([str(gh), "issue", "list"])
    with pytest.raises(TrackerError, match="No such file"):
        tickets._gh([str(tmp_path / "none"), "issue", "list"])


def test_every_published_file_is_told(corpus: Path) -> None:
    for file in sorted((corpus / "evidence").glob("*.json")):
        done = apr_qa("tickets", file)
        assert done.returncode == 0
        assert "\x1b" not in done.stdout
        assert subprocess.run(["bash", "-n"], input=_commands(done.stdout), text=True, check=False).returncode == 0


def _commands(text: str) -> str:
    return "\n".join(line.partition("see again    ")[2] for line in text.splitlines())
