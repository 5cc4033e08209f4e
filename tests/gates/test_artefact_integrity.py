from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_aprqa import embedded
from pytest_aprqa.conversion import convert
from pytest_aprqa.core import Format, Outcome, Quantization, Verdict, Weights
from pytest_aprqa.formats import GgufTensor, read_gguf, read_tensor, write_gguf
from pytest_aprqa.gates import check_integrity

FIELDS = dict[str, Any]
TENSORS = dict[str, GgufTensor]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    home = tmp_path_factory.mktemp("made")
    wanted = {
        "gguf": (Format.GGUF, Quantization.F16),
        "q4_k_m": (Format.GGUF, Quantization.Q4_K_M),
        "apr": (Format.APR, None),
    }
    return {
        word: convert(embedded.folder(), home / word, format=format, quantization=quantization).path
        for word, (format, quantization) in wanted.items()
    }


def verdicts(path: Path, **expected: int) -> dict[str, Verdict]:
    found = check_integrity(Weights(path.parent, (path,), "test"), expected)
    return {finding.gate.id: finding.verdict for finding in found}


def failed(path: Path, **expected: int) -> list[str]:
    return [gate_id for gate_id, verdict in verdicts(path, **expected).items() if verdict.outcome is Outcome.FALSIFIED]


@pytest.mark.parametrize("word", ["gguf", "q4_k_m", "apr"])
def test_a_healthy_file_passes_every_gate(word: str, made: dict[str, Path]) -> None:
    found = verdicts(made[word], expected_hidden_dim=256, expected_num_kv_heads=2)
    assert {gate_id: verdict.reason for gate_id, verdict in found.items() if not verdict.outcome.passed} == {}
    assert found["G0-VALIDATE-001"].compared >= 29


def test_the_playbooks_numbers_are_compared(made: dict[str, Path]) -> None:
    assert failed(made["gguf"], expected_num_heads=5) == ["G0-INTEGRITY-CONFIG"]


@pytest.mark.parametrize("word", ["gguf", "apr"])
@pytest.mark.parametrize("keep", [0, 3, 40, 4000, -100])
def test_a_truncated_file_falls_to_the_container_alone(
    word: str, keep: int, made: dict[str, Path], tmp_path: Path
) -> None:
    path = tmp_path / made[word].name
    path.write_bytes(made[word].read_bytes()[:keep])
    assert failed(path) == ["G0-INTEGRITY-SHARDS"]
    others = {verdict.outcome for gate_id, verdict in verdicts(path).items() if gate_id != "G0-INTEGRITY-SHARDS"}
    assert others == {Outcome.INCONCLUSIVE}


def rewritten(source: Path, path: Path, change: Callable[[TENSORS, FIELDS], None]) -> Path:
    file = read_gguf(source)
    tensors = {
        name: GgufTensor(name, entry.dtype, entry.shape, lambda entry=entry: read_tensor(entry))  # type: ignore[misc]
        for name, entry in file.tensors.items()
    }
    fields = dict(file.fields)
    change(tensors, fields)
    write_gguf(path, fields, list(tensors.values()))
    return path


def without(*keys: str) -> Callable[[TENSORS, FIELDS], None]:
    def change(_: TENSORS, fields: FIELDS) -> None:
        for key in keys:
            del fields[key]

    return change


def dropped(tensors: TENSORS, _: FIELDS) -> None:
    del tensors["blk.1.ffn_up.weight"]


def zeroed(tensors: TENSORS, _: FIELDS) -> None:
    one = tensors["blk.1.ffn_up.weight"]
    tensors[one.name] = GgufTensor(one.name, one.dtype, one.shape, lambda: np.zeros_like(one.data()))


def merge_unknown(_: TENSORS, fields: FIELDS) -> None:
    fields["tokenizer.ggml.merges"] = ["qq zz", *fields["tokenizer.ggml.merges"]]


def token_twice(_: TENSORS, fields: FIELDS) -> None:
    tokens = fields["tokenizer.ggml.tokens"]
    fields["tokenizer.ggml.tokens"] = [*tokens[:-1], tokens[20]]


def template_broken(_: TENSORS, fields: FIELDS) -> None:
    fields["tokenizer.chat_template"] = "{% for m in messages %}"


def one_layer_more(_: TENSORS, fields: FIELDS) -> None:
    fields["llama.block_count"] = 4


@pytest.mark.parametrize(
    ("gate_id", "change"),
    [
        ("G0-INTEGRITY-CONFIG", without("llama.context_length")),
        ("G0-INTEGRITY-CONFIG", without("llama.attention.layer_norm_rms_epsilon")),
        ("G0-INTEGRITY-CONFIG", without("llama.feed_forward_length")),
        ("G0-INTEGRITY-LAYERS", one_layer_more),
        ("G0-INTEGRITY-TOKENIZER", without("tokenizer.ggml.merges")),
        ("G0-INTEGRITY-TOKENIZER", merge_unknown),
        ("G0-INTEGRITY-TOKENIZER", token_twice),
        ("G0-INTEGRITY-TOKENIZER", template_broken),
        ("G0-TENSOR-001", dropped),
        ("G0-VALIDATE-001", zeroed),
    ],
)
def test_a_defect_inside_a_gguf_falls_to_its_gate(
    gate_id: str, change: Callable[[TENSORS, FIELDS], None], made: dict[str, Path], tmp_path: Path
) -> None:
    assert gate_id in failed(rewritten(made["gguf"], tmp_path / "model.gguf", change))


def test_a_scale_of_a_k_quant_that_is_nan_is_found(made: dict[str, Path], tmp_path: Path) -> None:
    entry = read_gguf(made["q4_k_m"]).tensors["blk.1.ffn_up.weight"]
    assert entry.dtype == "Q4_K"
    raw = bytearray(made["q4_k_m"].read_bytes())
    struct.pack_into("<e", raw, entry.start + 144, float("nan"))
    (tmp_path / "model.gguf").write_bytes(raw)
    found = verdicts(tmp_path / "model.gguf")["G0-VALIDATE-001"]
    assert found.outcome is Outcome.FALSIFIED
    assert "NaN" in found.reason
