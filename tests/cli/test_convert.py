from __future__ import annotations

from pathlib import Path

import pytest

from pytest_aprqa import embedded
from pytest_aprqa.conversion import open_model
from pytest_aprqa.core import Format
from tests.cli.running import apr_qa, apr_qa_process
from tests.tiny import make_tiny


def test_a_folder_becomes_a_gguf_file_and_the_command_says_what_it_made(tmp_path: Path) -> None:
    make_tiny(tmp_path / "tiny")
    done = apr_qa_process("convert", tmp_path / "tiny", "--to", "gguf", "--output", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    made = tmp_path / "out" / "model.gguf"
    assert done.stdout.startswith(f"{made}: gguf, converted by pytest-aprqa ")
    assert f"{made.stat().st_size:,} bytes  model.gguf" in done.stdout
    assert "sha256 " in done.stdout
    assert open_model(made).format is Format.GGUF


def test_a_name_is_looked_up_and_a_quantization_is_made(tmp_path: Path) -> None:
    done = apr_qa("convert", embedded.MODEL, "--to", "gguf", "--quantization", "q8_0", "--output", tmp_path / "out")
    assert done.returncode == 0
    assert "gguf q8_0" in done.stdout
    dtypes = {tensor.entry.dtype for tensor in open_model(tmp_path / "out" / "model.gguf").tensors.values()}
    assert dtypes == {"Q8_0", "F32"}


def test_a_model_cache_is_searched(tmp_path: Path) -> None:
    make_tiny(tmp_path / "cache" / "org" / "name")
    done = apr_qa(
        "convert", "org/name", "--model-cache", tmp_path / "cache", "--to", "apr", "--output", tmp_path / "out"
    )
    assert done.returncode == 0
    assert (tmp_path / "out" / "model.apr").is_file()


def test_a_chain_of_commands_gives_the_folder_back(tmp_path: Path) -> None:
    make_tiny(tmp_path / "tiny")
    assert apr_qa("convert", tmp_path / "tiny", "--to", "apr", "--output", tmp_path / "a").returncode == 0
    done = apr_qa("convert", tmp_path / "a" / "model.apr", "--to", "safetensors", "--output", tmp_path / "s")
    assert done.returncode == 0
    assert "model.safetensors" in done.stdout
    one, two = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("tiny", "s"))
    assert len(one) == len(two)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--to", "safetensors"], "is safetensors already"),
        (["--to", "apr", "--quantization", "q2_k"], "nothing is quantized"),
    ],
)
def test_what_cannot_be_converted_is_2_and_one_message(tmp_path: Path, words: list[str], message: str) -> None:
    make_tiny(tmp_path / "tiny")
    done = apr_qa("convert", tmp_path / "tiny", "--output", tmp_path / "out", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: ")
    assert message in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_model_that_is_nowhere_is_2(tmp_path: Path) -> None:
    done = apr_qa(
        "convert", "org/none", "--to", "gguf", "--output", tmp_path / "out", HF_HUB_CACHE=str(tmp_path / "hub")
    )
    assert done.returncode == 2
    assert "not on this machine" in done.stderr


@pytest.mark.parametrize("words", [["convert"], ["convert", "x"], ["convert", "x", "--to", "zip", "--output", "y"]])
def test_wrong_usage_is_2(words: list[str]) -> None:
    done = apr_qa(*words)
    assert done.returncode == 2
    assert "Usage:" in done.stderr
