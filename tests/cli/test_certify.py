from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_aprqa.certification import Ended
from pytest_aprqa.playbook import lock_playbooks
from pytest_aprqa.registry import read_registry, update_registry
from tests.certification.samples import CODER, TINY, playbook, pytest_that_leaves, registry
from tests.cli.running import Done, apr_qa, apr_qa_process
from tests.reports.samples import blocked, good, weights_missing
from tests.tiny import make_tiny


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a registry of two models and one locked playbook, and no model of this machine."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "no-cache"))
    update_registry(tmp_path / "certifications" / "models.csv", lambda empty: registry(empty.path))
    playbook(tmp_path / "playbooks", tier="mvp")
    lock_playbooks(tmp_path / "playbooks", lock=tmp_path / "playbooks" / "playbook.lock.yaml")
    return tmp_path


def leaves(here: Path, monkeypatch: pytest.MonkeyPatch, made: object, ended: Ended = Ended(0)) -> None:  # noqa: B008 - a value
    """The pytest that certify drives leaves this evidence."""
    from dataclasses import replace

    from pytest_aprqa.cli import certify
    from pytest_aprqa.evidence import Evidence

    assert isinstance(made, Evidence)
    fake, real = pytest_that_leaves(here / "certifications", made, ended), certify._how
    monkeypatch.setattr(certify, "_how", lambda given, *, quiet: replace(real(given, quiet=quiet), pytest=fake))


def csv(here: Path) -> str:
    return (here / "certifications" / "models.csv").read_text()


def unharmed(here: Path, *words: object) -> Done:
    """Runs a command that must not change the registry."""
    before = csv(here)
    done = apr_qa("certify", *words)
    assert csv(here) == before
    return done


def test_a_model_that_passes_is_0_and_changes_its_row(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leaves(here, monkeypatch, good())
    done = apr_qa("certify", "aprqa-tiny", "--tier", "MVP")
    assert done.returncode == 0
    assert "aprqa/aprqa-tiny                     mvp      passed       PROVISIONAL  1000 .. 1000" in done.stdout
    assert "certificate.html" in done.stdout
    assert done.stderr.startswith(f"[1/1] {TINY}, tier mvp\n$ pytest ")
    row = read_registry(here / "certifications" / "models.csv").find(TINY)
    assert row is not None
    assert (row.status, row.certified_tier) == ("PROVISIONAL", "mvp")


def test_a_model_that_does_not_pass_is_1(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leaves(here, monkeypatch, blocked(), Ended(1))
    done = apr_qa("certify", "--model", TINY, "--tier", "mvp", "--auto-ticket", "--ticket-repo", "me/qa", "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["passed"]) == (1, False)
    (one,) = told["models"]
    assert (one["ending"], one["status"]) == ("not passed", "BLOCKED")
    assert one["tickets"]
    assert one["gh_commands"][0].startswith("gh issue create --repo=me/qa")


def test_one_of_two_that_cannot_be_run_is_1(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leaves(here, monkeypatch, good())
    done = apr_qa("certify", "--all", "--tier", "mvp", "--json")
    assert done.returncode == 1
    assert [one["ending"] for one in json.loads(done.stdout)["models"]] == ["passed", "not run"]


@pytest.mark.parametrize(("words", "code"), [((), 1), (("--allow-missing",), 0)])
def test_missing_weights_leave_the_row_pending(
    here: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], code: int
) -> None:
    leaves(here, monkeypatch, weights_missing(), Ended(1))
    done = unharmed(here, TINY, "--tier", "mvp", *words)
    assert done.returncode == code
    assert "not measured PENDING" in done.stdout


def test_an_interrupt_is_130(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leaves(here, monkeypatch, good(), Ended(2, 2))
    assert apr_qa("certify", TINY, "--tier", "mvp").returncode == 130


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["aprqa-tinny"], f"did you mean '{TINY}'"),
        (["--family", "qwen-code"], "did you mean 'qwen-coder'"),
        ([], "found none of them"),
        (["--all", TINY], "more than one of them"),
        ([TINY, "--tier", "gold"], "expected one of smoke, mvp"),
        ([TINY, "--gguf", "playbooks/playbook.lock.yaml"], "expected --hf DIR beside it"),
        ([TINY, "--register"], "expected --hf DIR beside it"),
        ([TINY, "--hf", ".", "--all"], "--hf is one model"),
        (["tiny", "--hf", "."], "expected MODEL as org/name beside --hf"),
        ([TINY, "--registry", "nowhere.csv"], "nowhere.csv"),
        (["--hf", "playbooks"], "playbooks"),
        ([TINY, "--lock", "certifications/models.csv"], "certifications/models.csv"),
        ([TINY, "-o", "playbooks/playbook.lock.yaml/below"], "playbook.lock.yaml is no folder"),
    ],
)
def test_wrong_usage_is_2_and_nothing_is_written(here: Path, words: list[str], problem: str) -> None:
    done = unharmed(here, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert problem in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(path.name for path in here.joinpath("certifications").iterdir() if path.is_dir()) == []


def test_a_dry_run_writes_nothing_and_tells_of_every_model(here: Path) -> None:
    done = unharmed(here, "--all", "--tier", "mvp", "--dry-run", "--json")
    tiny, coder = json.loads(done.stdout)["models"]
    assert done.returncode == 1, "one of the models has no playbook"
    assert (tiny["problem"], tiny["lock"]["state"], tiny["may_award"]) == (None, "verified", "PROVISIONAL")
    assert coder["model"] == CODER
    assert f"no playbook is for {CODER} at tier mvp" in coder["problem"]
    assert sorted(path.name for path in (here / "certifications").iterdir()) == [".models.csv.lock", "models.csv"]
    text = unharmed(here, TINY, "--tier", "mvp", "--dry-run")
    assert (text.returncode, "may award  PROVISIONAL at most" in text.stdout) == (0, True)


def test_own_files_need_no_registry_and_write_none(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_tiny(here / "mine")
    done = unharmed(here, "--hf", "mine", "--tier", "smoke", "--dry-run", "--registry", "nowhere.csv")
    assert done.returncode == 0
    assert "lock       drafted" in done.stdout
    made = good()
    info = made.playbook.model_copy(update={"model": "local/mine", "tier": "mvp"})
    leaves(here, monkeypatch, made.model_copy(update={"playbook": info}))
    done = unharmed(here, "--hf", "mine", "--tier", "mvp", "--json")
    (one,) = json.loads(done.stdout)["models"]
    assert (done.returncode, one["model"], one["status"]) == (0, "local/mine", "PROVISIONAL")
    assert (here / "certifications" / "local--mine" / "mine-mvp.playbook.yaml").is_file()


def test_a_registry_that_cannot_be_written_is_refused_before_anything_runs(here: Path) -> None:
    make_tiny(here / "mine")
    done = unharmed(here, "--hf", "mine", "--tier", "smoke", "--register", "--registry", "mine/config.json/models.csv")
    assert (done.returncode, done.stdout) == (2, "")
    assert "config.json is no folder; choose another with --registry" in " ".join(done.stderr.split())


def test_own_files_get_a_row_where_it_is_wanted(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_tiny(here / "mine")
    made = good()
    info = made.playbook.model_copy(update={"model": "local/mine", "tier": "mvp"})
    leaves(here, monkeypatch, made.model_copy(update={"playbook": info}))
    assert apr_qa("certify", "--hf", "mine", "--tier", "mvp", "--register").returncode == 0
    row = read_registry(here / "certifications" / "models.csv").find("local/mine")
    assert row is not None
    assert (row.status, row.parameters, row.size_category) == ("PROVISIONAL", "0M", "tiny")


def test_the_embedded_model_is_certified_for_real(here: Path) -> None:
    playbook(here / "playbooks", tier="smoke")
    lock_playbooks(here / "playbooks", lock=here / "playbooks" / "playbook.lock.yaml")
    done = apr_qa_process("certify", TINY, "--tier", "smoke", "--no-gpu", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    (one,) = told["models"]
    assert (one["ending"], one["scoped_score"], one["status"]) == ("passed", 1000, "PENDING")
    assert "corroborated" in done.stderr, "pytest is heard"
    assert all(Path(path).stat().st_size for path in one["files"])
    awards = json.loads((here / "certifications" / "awards.json").read_text())
    assert awards["runs"][TINY]["smoke"]["passed"] is True


def test_a_repository_for_tickets_that_nobody_asked_for_is_wrong_usage(here: Path) -> None:
    done = unharmed(here, "aprqa-tiny", "--tier", "mvp", "--dry-run", "--ticket-repo", "org/name")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--ticket-repo belongs to --auto-ticket" in done.stderr
