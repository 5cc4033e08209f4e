from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_aprqa import embedded
from pytest_aprqa.conversion import convert
from pytest_aprqa.core import Format, Quantization
from tests.cli.running import apr_qa, apr_qa_process


@pytest.fixture(scope="module")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    into = tmp_path_factory.mktemp("made") / "gguf"
    return convert(embedded.folder(), into, format=Format.GGUF, quantization=Quantization.Q8_0).path


@pytest.fixture(scope="module")
def apr(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return convert(embedded.folder(), tmp_path_factory.mktemp("made") / "apr", format=Format.APR).path


def test_a_healthy_file_keeps_the_contract(gguf: Path) -> None:
    done = apr_qa("validate-contract", gguf, "--against", embedded.folder())
    assert (done.returncode, done.stderr) == (0, "")
    assert "F-LAYOUT-002" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("passed: ")
    assert "not checked, they need engines" in done.stdout.replace("\n", " ")


def test_a_file_alone_is_judged_as_far_as_it_goes_and_the_rest_is_named(apr: Path) -> None:
    done = apr_qa("validate-contract", apr, "--json")
    assert done.returncode == 0
    report = json.loads(done.stdout)
    judged = {gate["gate"] for gate in report["gates"]}
    assert {"G0-INTEGRITY-TOKENIZER", "F-APR-FORMAT-003", "F-CONTRACT-I3-001"} <= judged
    assert {"F-CONTRACT-I2-001", "F-META-ROPE-001"} <= set(report["left_out"])
    assert not judged & set(report["left_out"])


def test_a_broken_file_is_1_and_says_where(gguf: Path, tmp_path: Path) -> None:
    broken = tmp_path / "model.gguf"
    broken.write_bytes(gguf.read_bytes()[:-5000])
    done = apr_qa("validate-contract", broken, "--json")
    assert done.returncode == 1
    falsified = [gate["gate"] for gate in json.loads(done.stdout)["gates"] if gate["outcome"] == "falsified"]
    assert falsified == ["G0-INTEGRITY-SHARDS", "F-CONTRACT-I3-001"]


def test_a_promise_that_is_not_kept_is_1(gguf: Path) -> None:
    done = apr_qa("validate-contract", gguf, "--against", embedded.folder(), "--quantization", "Q4_K_M")
    assert done.returncode == 1
    assert "q4_k_m promises most values as Q4_K" in done.stdout.replace("\n             ", " ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--engines",), "--against"),
        (("--quantization", "q9"), "expected one of"),
        (("--against", "/nonesuch"), "does not exist"),
    ],
)
def test_wrong_usage_is_2(words: tuple[str, ...], said: str, gguf: Path) -> None:
    done = apr_qa("validate-contract", gguf, *words)
    assert done.returncode == 2
    assert said in done.stderr


def test_what_is_no_model_is_2_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear reader")
    done = apr_qa_process("validate-contract", tmp_path / "letter.txt")
    assert (done.returncode, done.stdout) == (2, "")
    assert "known format" in done.stderr
    assert "Traceback" not in done.stderr
