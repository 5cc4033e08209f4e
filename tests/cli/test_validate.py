from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.running import apr_qa, apr_qa_process

PLAYBOOK = """\
name: small
version: "1.0.0"
model:
  hf_repo: aprqa/aprqa-tiny
  formats: [safetensors]
test_matrix:
  modalities: [run]
  backends: [cpu]
  scenario_count: 3
  prompts: ["What is 2+2?"]
"""


@pytest.fixture
def playbook(tmp_path: Path) -> Path:
    path = tmp_path / "small-mvp.playbook.yaml"
    path.write_text(PLAYBOOK)
    return path


def test_a_good_playbook_is_0_and_says_what_it_asks_for(playbook: Path) -> None:
    done = apr_qa_process("validate", playbook)
    assert (done.returncode, done.stderr) == (0, "")
    expected = "ok: small 1.0.0, tier mvp, aprqa/aprqa-tiny, 1 cell, 3 scenarios in each"
    assert done.stdout.splitlines()[0] == f"{playbook}: {expected}"


def test_an_error_names_file_line_and_column(playbook: Path) -> None:
    playbook.write_text(PLAYBOOK.replace("scenario_count: 3", "scenario_count: many"))
    done = apr_qa_process("validate", playbook)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"Error: {playbook}:9:")
    assert "Traceback" not in done.stderr


def test_every_playbook_is_read_also_after_a_wrong_one(playbook: Path, tmp_path: Path) -> None:
    done = apr_qa("validate", tmp_path / "missing.playbook.yaml", playbook)
    assert done.returncode == 2
    assert "missing.playbook.yaml" in done.stderr
    assert "ok: small" in done.stdout


def test_an_unknown_key_is_a_warning_and_under_strict_an_error(playbook: Path) -> None:
    playbook.write_text(f"{PLAYBOOK}scenaros: []\n")
    lax, strict = apr_qa("validate", playbook), apr_qa("validate", playbook, "--strict")
    assert lax.returncode == 0
    assert f"warning: {playbook}:11:" in lax.stdout
    assert strict.returncode == 2
    assert "scenarios" in strict.stderr


def test_what_is_declared_but_not_tested_is_said(playbook: Path) -> None:
    playbook.write_text(f"{PLAYBOOK}ollama_parity:\n  enabled: true\n")
    assert "not tested: " in apr_qa("validate", playbook).stdout


def test_variables_come_from_set_before_the_environment(playbook: Path) -> None:
    playbook.write_text(PLAYBOOK.replace("aprqa/aprqa-tiny", "aprqa/${TINY_NAME}"))
    unset = apr_qa("validate", playbook)
    assert unset.returncode == 2
    assert "TINY_NAME" in unset.stderr
    assert "aprqa/from-env," in apr_qa("validate", playbook, TINY_NAME="from-env").stdout
    given = apr_qa("validate", playbook, "--set", "TINY_NAME=given", TINY_NAME="from-env")
    assert "aprqa/given," in given.stdout


@pytest.mark.parametrize("pair", ["NAME", "=x", "1A=x", "a b=c"])
def test_a_set_that_is_no_pair_is_wrong_usage(playbook: Path, pair: str) -> None:
    done = apr_qa("validate", playbook, "--set", pair)
    assert done.returncode == 2
    assert "expected NAME=VALUE" in done.stderr
