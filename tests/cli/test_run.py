from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_aprqa.evidence import write_evidence
from pytest_aprqa.playbook import lock_playbooks
from tests.certification.samples import TINY, fake_pytest, playbook
from tests.cli.running import apr_qa, apr_qa_process
from tests.reports.samples import good

EVIDENCE = """
    import json, pathlib, shutil, sys
    words = sys.argv[1:]
    pathlib.Path({here!r}, "words").write_text(json.dumps(words))
    print("pytest speaks")
    if {left!r}:
        output = next(word.partition("=")[2] for word in words if word.startswith("--aprqa-output="))
        folder = pathlib.Path(output, "aprqa--aprqa-tiny")
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy({left!r}, folder / "evidence.json")
    sys.exit({code})
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder of its own, and a pytest that only remembers its words."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "fake"))
    pretend(tmp_path)
    return tmp_path


def pretend(here: Path, *, code: int = 0, leaves: bool = False) -> None:
    """Makes the pytest of this folder end with a code, and leave evidence or not."""
    left = str(write_evidence(here / "stored", good())) if leaves else ""
    fake_pytest(here / "fake", EVIDENCE.format(here=str(here), left=left, code=code))


def words(here: Path) -> list[str]:
    """What pytest was told."""
    told: list[str] = json.loads((here / "words").read_text())
    return told


def test_run_is_pytest_with_the_options_passed_on(here: Path) -> None:
    path = playbook(here)
    done = apr_qa(
        "run", path, "-o", "out", "--failure-policy", "collect-all", "--timeout", 5000, "--no-gpu", "--profile-ci",
        "--model-cache", "models", "--model-path", here, "--skip-conversion-tests", "--no-differential",
        "--no-trace-payload", "--hf-parity", "--hf-corpus-path", "corpora", "--hf-model-family", "tiny",
        "--", "-x", "--lf",
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert words(here) == [
        str(path),
        f"--aprqa-output={here / 'out'}",
        "--aprqa-model-cache=models",
        f"--aprqa-model-path={here}",
        "--aprqa-failure-policy=collect-all",
        "--aprqa-timeout=5000",
        "--aprqa-hf-parity=corpora/tiny",
        "--aprqa-no-gpu",
        "--aprqa-profile-ci",
        "-m",
        "not conversion and not contract and not parity",
        "-k",
        "not F-TRACE",
        "-x",
        "--lf",
    ]


def test_fail_fast_wins_over_the_policy(here: Path) -> None:
    apr_qa("run", playbook(here), "--failure-policy", "collect-all", "--fail-fast")
    assert "--aprqa-failure-policy=fail-fast" in words(here)


def test_workers_are_xdists(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    path = playbook(here)
    if importlib.util.find_spec("xdist"):
        apr_qa("run", path, "--workers", 2)
        assert words(here)[-2:] == ["-n", "2"]
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    done = apr_qa("run", path, "--workers", 2)
    assert done.returncode == 2
    assert "pip install 'pytest-aprqa[xdist]'" in done.stderr


@pytest.mark.parametrize(("code", "expected"), [(0, 0), (1, 1), (2, 1), (3, 1), (4, 2), (5, 1)])
def test_the_exit_code_is_pytests_or_usage(here: Path, code: int, expected: int) -> None:
    pretend(here, code=code)
    assert apr_qa("run", playbook(here)).returncode == expected


def test_json_is_one_object_and_pytest_speaks_elsewhere(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    pretend(here, code=1, leaves=True)
    done = apr_qa("run", playbook(here), "--json")
    assert capfd.readouterr().out == ""
    told = json.loads(done.stdout)
    assert (done.returncode, told["exit_code"]) == (1, 1)
    (one,) = told["playbooks"]
    assert (one["model"], one["mqs"], one["mqs_ceiling"], one["tier_passed"]) == (TINY, 1000, 1000, True)
    assert one["evidence"] == str(here / "certifications" / "aprqa--aprqa-tiny" / "evidence.json")


def test_evidence_of_an_earlier_run_is_not_told_as_this_ones(here: Path) -> None:
    write_evidence(here / "certifications" / "aprqa--aprqa-tiny", good())
    assert json.loads(apr_qa("run", playbook(here), "--json").stdout)["playbooks"] == []


def test_a_dry_run_prints_the_plan_and_runs_nothing(here: Path) -> None:
    path = playbook(here)
    done = apr_qa("run", path, "--dry-run")
    assert done.returncode == 0
    assert f"{TINY}: aprqa-tiny-smoke, tier smoke" in done.stdout
    assert "an estimate, good to a factor of three" in done.stdout
    (plan,) = json.loads(apr_qa("run", path, "--dry-run", "--json").stdout)["plans"]
    assert plan["items"] == {"gateway": 5, "run": 1} or plan["items"] == {"gateway": 10, "run": 2}
    assert not (here / "words").exists()


def test_a_playbook_that_its_lock_does_not_know_is_not_run(here: Path) -> None:
    path = playbook(here / "books")
    lock_playbooks(here / "books", lock=here / "books" / "playbook.lock.yaml")
    assert apr_qa("run", path).returncode == 0
    path.write_text(path.read_text().replace("2+2", "2+3"))
    (here / "words").unlink()
    done = apr_qa("run", path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--no-integrity-check" in done.stderr
    assert not (here / "words").exists()
    assert apr_qa("run", path, "--dry-run").returncode == 1
    assert apr_qa("run", path, "--no-integrity-check").returncode == 0


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--hf-parity"], "needs a corpus"),
        (["--hf-corpus-path", "x"], "belong to --hf-parity"),
        (["--failure-policy", "never"], "never"),
        (["--timeout", "0"], "0"),
        (["--skip-conversion-tests", "--", "-m", "chat"], "would replace"),
    ],
)
def test_wrong_usage_is_2_and_runs_nothing(here: Path, options: list[str], problem: str) -> None:
    done = apr_qa("run", playbook(here), *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert problem in done.stderr
    assert not (here / "words").exists()


@pytest.mark.parametrize("given", [["--set", "NAME=me/m"], ["--", "--aprqa-set=NAME=me/m"]])
def test_values_for_placeholders_are_known_here_and_to_pytest(here: Path, given: list[str]) -> None:
    path = playbook(here)
    path.write_text(path.read_text().replace(TINY, "${NAME}"))
    assert apr_qa("run", path).returncode == 2
    assert apr_qa("run", path, *given).returncode == 0
    assert "--aprqa-set=NAME=me/m" in words(here)
    assert apr_qa("run", path, "--set", "NAME").returncode == 2


def test_what_pytest_could_not_collect_is_2(here: Path) -> None:
    path = playbook(here)
    path.write_text(path.read_text().replace("oracle: arithmetic", "oracle: { type: regex, config: { pattern: '(' } }"))
    done = apr_qa("run", path)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{path}:" in done.stderr
    assert not (here / "words").exists()


def test_a_broken_playbook_is_2_with_its_place(here: Path) -> None:
    path = here / "bad-smoke.playbook.yaml"
    path.write_text("model: { hf_repo: 7 ")
    done = apr_qa("run", path)
    assert done.returncode == 2
    assert done.stderr.startswith(f"Error: {path}:2:1: this is not YAML")


def test_the_command_as_users_start_it(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONPATH")
    done = apr_qa_process("run", playbook(here), "--dry-run", "--no-gpu")
    assert (done.returncode, done.stderr) == (0, "")
    assert "items that run: 6 (5 gateway, 1 run)" in done.stdout
