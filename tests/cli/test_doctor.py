from __future__ import annotations

import json

import pytest

from tests.cli.running import apr_qa, apr_qa_process


def test_the_doctor_says_what_can_run_and_what_to_install() -> None:
    done = apr_qa_process("doctor")
    assert "Traceback" not in done.stderr
    for word in ("python 3.", "engines", "servers", "extras", "caches", "tiers", "smoke ", "deep "):
        assert word in done.stdout
    assert ("The smoke test can run" in done.stdout) is (done.returncode == 0)


def test_json_is_one_object_that_agrees_with_the_exit_code() -> None:
    done = apr_qa("doctor", "--json")
    told = json.loads(done.stdout)
    assert done.returncode == (0 if told["able"] else 1)
    assert set(told["tiers"]) == {"smoke", "mvp", "quick", "standard", "deep"}
    assert told["hub"] is None


def test_without_an_engine_it_is_1_and_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    from pytest_aprqa.certification import packages

    monkeypatch.setattr(packages, "_importable", lambda module: module != "torch")
    done = apr_qa("doctor")
    assert done.returncode == 1
    assert "torch cannot be imported" in done.stdout
    assert "pip install 'pytest-aprqa[transformers]'" in done.stdout
