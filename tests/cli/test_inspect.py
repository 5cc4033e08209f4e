from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pytest_aprqa import embedded
from pytest_aprqa.conversion import convert
from pytest_aprqa.core import Format
from pytest_aprqa.formats.gguf import read_gguf
from pytest_aprqa.formats.gguf_write import GgufTensor, write_gguf
from tests.cli.running import apr_qa, apr_qa_process
from tests.tiny import make_tiny


@pytest.fixture
def gguf_file(tmp_path: Path) -> Path:
    return convert(embedded.folder(), tmp_path / "g", format=Format.GGUF).path


def test_a_gguf_file_is_shown_with_both_names_of_each_tensor(gguf_file: Path) -> None:
    done = apr_qa_process("inspect", gguf_file, "--filter", "blk.1.attn_k")
    assert (done.returncode, done.stderr) == (0, "")
    assert "".join(f"{gguf_file}: gguf, 29 tensors".split()) in "".join(done.stdout.split())
    row = next(line for line in done.stdout.splitlines() if "blk.1.attn_k" in line)
    assert row.split()[1:3] == ["model.layers.1.self_attn.k_proj.weight", "F16"]
    assert "128 × 256" in row
    assert "blk.0" not in done.stdout


def test_metadata_configuration_and_tokenizer_are_shown(gguf_file: Path) -> None:
    done = apr_qa("inspect", gguf_file, "--no-tensors")
    assert done.returncode == 0
    for words in ("llama.rope.freq_base", "num_hidden_layers", "pre-tokenizer", "smollm", "1,024 items"):
        assert words in done.stdout
    assert "blk.0" not in done.stdout


def test_the_filter_finds_hugging_faces_names_too(gguf_file: Path) -> None:
    done = apr_qa("inspect", gguf_file, "--filter", "self_attn.v_proj")
    assert done.stdout.count("attn_v.weight") == 3


@pytest.mark.parametrize("format", ["safetensors", "apr"])
def test_every_format_is_shown(tmp_path: Path, format: str) -> None:
    path = embedded.folder()
    if format == "apr":
        path = convert(path, tmp_path / "a", format=Format.APR).path
    done = apr_qa("inspect", path, "--filter", "embed_tokens")
    assert done.returncode == 0
    assert f": {format}, " in done.stdout
    assert "model.embed_tokens.weight" in done.stdout


def test_json_is_one_object_with_everything(gguf_file: Path) -> None:
    done = apr_qa("inspect", gguf_file, "--json")
    value = json.loads(done.stdout)
    assert value["format"] == "gguf"
    assert value["config"]["num_attention_heads"] == 4
    assert value["metadata"]["general.architecture"] == "llama"
    assert len(value["tensors"]) == 29
    tensor = next(each for each in value["tensors"] if each["name"] == "blk.0.attn_q.weight")
    assert tensor["hugging_face_name"] == "model.layers.0.self_attn.q_proj.weight"
    assert (tensor["dtype"], tensor["shape"], tensor["bytes"]) == ("F16", [256, 256], 131072)
    assert json.loads(apr_qa("inspect", gguf_file, "--json", "--no-tensors").stdout)["tensors"] == []


def test_hostile_text_is_spelled_out_and_cut(gguf_file: Path, tmp_path: Path) -> None:
    fields = read_gguf(gguf_file).fields
    hostile = {
        **fields,
        "general.name": "\x1b[31mred\x1b[0m [bold]not bold[/bold] \u202e" + "x" * 1_000_000,
        "evil\x1b]0;title\x07": "y",
        "tokenizer.chat_template": "{{ '\r\n' }}",
    }
    ones = np.ones((2, 2), np.float32)
    write_gguf(tmp_path / "odd.gguf", hostile, [GgufTensor("a\x1b[2J\u202eb", "F32", (2, 2), ones.copy)])
    done = apr_qa("inspect", tmp_path / "odd.gguf")
    assert done.returncode == 0
    assert all(character.isprintable() or character == "\n" for character in done.stdout)
    assert "\\x1b[31mred" in done.stdout
    assert "[bold]not bold" in done.stdout
    assert "(none of the" in done.stdout
    assert len(done.stdout) < 60_000
    assert json.loads(apr_qa("inspect", tmp_path / "odd.gguf", "--json").stdout)["foreign"] == ["a\x1b[2J\u202eb"]


def test_a_broken_or_absent_file_is_2_and_one_message(tmp_path: Path) -> None:
    broken = tmp_path / "x.gguf"
    broken.write_bytes(b"GGUF\x03\x00")
    done = apr_qa("inspect", broken)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: x.gguf")
    make_tiny(tmp_path / "tiny")
    (tmp_path / "tiny" / "config.json").write_text("{")
    assert apr_qa("inspect", tmp_path / "tiny").returncode == 2


def test_a_screen_that_knows_ascii_only_gets_it(gguf_file: Path) -> None:
    done = apr_qa("inspect", gguf_file, "--filter", "token_embd", encoding="ascii")
    assert done.returncode == 0
    assert done.stdout.isascii()
