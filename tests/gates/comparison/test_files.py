"""Every gate that reads files: falsified by its own defect, corroborated by healthy conversions."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_aprqa.core import Format, Outcome, Quantization
from pytest_aprqa.formats import GgufTensor, read_gguf, read_tensor, write_gguf
from pytest_aprqa.formats.apr_layout import HEADER, HEADER_BYTES, header_checksum
from pytest_aprqa.gates import COMPARISONS, Kind, Pair, diagnose_pair, judge_gate
from pytest_aprqa.parity import Family, Fingerprint, fingerprint
from tests.defects.edits import EMBEDDING, edited_tensors, set_config
from tests.gates.comparison.pairs import make_from, outcomes, pair_of

LAYER = "model.layers.1."
Q, K = f"{LAYER}self_attn.q_proj.weight", f"{LAYER}self_attn.k_proj.weight"
GATE = f"{LAYER}mlp.gate_proj.weight"
NORM = f"{LAYER}input_layernorm.weight"

Change = Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]]


def tensor(name: str, change: Change) -> Callable[[Path], None]:
    def plant(folder: Path) -> None:
        with edited_tensors(folder) as tensors:
            tensors[name] = change(tensors[name]).astype(tensors[name].dtype)

    return plant


def config(**values: object) -> Callable[[Path], None]:
    return lambda folder: set_config(folder, **values)


def block_doubled(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    values = values.copy()
    values[0, :32] *= 2
    return values


def one_bit(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    values = values.copy()
    values.reshape(-1).view(np.uint16)[0] ^= 1
    return values


def nan_in(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    values = values.copy()
    values.reshape(-1)[7] = np.nan
    return values


PLANTED: dict[str, tuple[str, Callable[[Path], None]]] = {
    "other feed-forward size": ("F-META-SIZE-001", config(intermediate_size=256)),
    "other heads": ("F-META-HEADS-001", config(num_key_value_heads=1)),
    "other rotary base": ("F-META-ROPE-001", config(rope_parameters={"rope_theta": 5e5, "rope_type": "default"})),
    "other epsilon": ("F-META-NORM-001", config(rms_norm_eps=1e-6)),
    "other context": ("F-META-CONTEXT-001", config(max_position_embeddings=1024)),
    "transposed square": ("F-LAYOUT-002", tensor(Q, np.transpose)),
    "rows of a vector shifted": ("F-LAYOUT-002", tensor(EMBEDDING, lambda values: np.roll(values, 1, axis=0))),
    "one NaN": ("F-ROSETTA-FP-001", tensor(GATE, nan_in)),
    "a block twice as large": ("F-QUANT-ERROR-001", tensor(GATE, block_doubled)),
    "a matrix half noise": (
        "F-QUANT-COSINE-001",
        tensor(GATE, lambda values: values + values.std() * np.random.default_rng(0).normal(size=values.shape)),
    ),
    "one bit": ("F-ROSETTA-FP-002", tensor(GATE, one_bit)),
    "a matrix too large": ("F-ROSETTA-FP-003", tensor(GATE, lambda values: values * 1.5)),
    "a norm of zeros": ("F-CONTRACT-I4-001", tensor(NORM, np.zeros_like)),
    "a norm plus one": ("F-ROSETTA-STATS-001", tensor(NORM, lambda values: values + 1)),
    "an embedding too large": ("F-ROSETTA-STATS-002", tensor(EMBEDDING, lambda values: values * 2)),
    "an attention matrix too large": ("F-ROSETTA-STATS-003", tensor(K, lambda values: values * 1.5)),
    "a norm shifted": ("F-ROSETTA-STATS-005", tensor(NORM, lambda values: values + 0.5)),
    "a norm flattened": ("F-ROSETTA-STATS-006", tensor(NORM, lambda values: np.full_like(values, values.mean()))),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_gate_fails_on_its_defect(name: str, tmp_path: Path) -> None:
    gate_id, plant = PLANTED[name]
    path = make_from(plant, tmp_path, Format.GGUF, Quantization.F16)
    pair = pair_of(path, tmp_path / "scratch")
    pair.options = replace(pair.options, filter=("layers.1.", "embed_tokens"))
    verdict = judge_gate(gate_id, pair, alone=True)
    assert verdict.outcome is Outcome.FALSIFIED, verdict.reason
    assert verdict.compared > 0


Rewrite = Callable[[dict[str, GgufTensor], dict[str, Any]], None]


def rewritten(source: Path, path: Path, change: Rewrite) -> Path:
    """A GGUF file with other tensors or fields."""
    file = read_gguf(source)
    tensors = {
        name: GgufTensor(name, entry.dtype, entry.shape, lambda entry=entry: read_tensor(entry))  # type: ignore[misc]
        for name, entry in file.tensors.items()
    }
    fields = dict(file.fields)
    change(tensors, fields)
    write_gguf(path, fields, list(tensors.values()))
    return path


def lost(tensors: dict[str, GgufTensor], _: dict[str, Any]) -> None:
    del tensors["blk.1.ffn_gate.weight"]


def reversed_lengths(tensors: dict[str, GgufTensor], _: dict[str, Any]) -> None:
    one = tensors["blk.1.ffn_gate.weight"]
    tensors[one.name] = GgufTensor(one.name, one.dtype, one.shape[::-1], lambda: one.data().reshape(one.shape[::-1]))


def shorter(tensors: dict[str, GgufTensor], _: dict[str, Any]) -> None:
    one = tensors["blk.1.ffn_gate.weight"]
    tensors[one.name] = GgufTensor(one.name, one.dtype, (256, 256), lambda: one.data()[:256])


def head_of_its_own(tensors: dict[str, GgufTensor], _: dict[str, Any]) -> None:
    one = tensors["token_embd.weight"]
    tensors["output.weight"] = GgufTensor("output.weight", one.dtype, one.shape, lambda: one.data()[::-1])


@pytest.mark.parametrize(
    ("gate_id", "change"),
    [
        ("F-CONTRACT-I2-001", lost),
        ("F-ROSETTA-STATS-004", lost),
        ("F-ROSETTA-DIFF-001", reversed_lengths),
        ("F-ROSETTA-DIFF-002", shorter),
        ("F-META-TIED-001", head_of_its_own),
    ],
)
def test_a_gate_of_names_and_shapes_fails_on_its_defect(
    gate_id: str, change: Rewrite, healthy: dict[str, Path], tmp_path: Path
) -> None:
    path = rewritten(healthy["f32"], tmp_path / "model.gguf", change)
    verdict = judge_gate(gate_id, pair_of(path, tmp_path / "scratch"), alone=True)
    assert verdict.outcome is Outcome.FALSIFIED, verdict.reason


def half_rotated(_: dict[str, GgufTensor], fields: dict[str, Any]) -> None:
    fields["llama.rope.dimension_count"] //= 2


def test_half_a_head_rotated_is_another_rotary_embedding(healthy: dict[str, Path], tmp_path: Path) -> None:
    pair = pair_of(rewritten(healthy["f32"], tmp_path / "model.gguf", half_rotated), tmp_path / "scratch")
    assert pair.artefact.config["partial_rotary_factor"] == 0.5
    verdict = judge_gate("F-META-ROPE-001", pair)
    assert verdict.outcome is Outcome.FALSIFIED
    assert "partial_rotary_factor is 1 in config.json, the file says 0.5" in verdict.reason
    assert [one.family for one in diagnose_pair(pair)] == [Family.ROPE_PARAMETERS]


def no_width(_: dict[str, GgufTensor], fields: dict[str, Any]) -> None:
    del fields["llama.attention.key_length"]
    fields["llama.attention.head_count"] = 100_000


def test_heads_without_a_width_end_in_no_traceback(healthy: dict[str, Path], tmp_path: Path) -> None:
    pair = pair_of(rewritten(healthy["f32"], tmp_path / "model.gguf", no_width), tmp_path / "scratch")
    assert judge_gate("F-META-HEADS-001", pair).outcome is Outcome.FALSIFIED


def test_a_diagnosis_opens_the_artefact_itself(healthy: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(healthy["f32"].read_bytes()[:1000])
    assert [one.family for one in diagnose_pair(pair_of(tmp_path / "model.gguf", tmp_path))] == [Family.TRUNCATED_FILE]
    path = rewritten(healthy["f32"], tmp_path / "lost.gguf", lost)
    assert [one.family for one in diagnose_pair(pair_of(path, tmp_path))] == [Family.MISSING_TENSOR]


def moved(tensors: dict[str, GgufTensor], _: dict[str, Any]) -> None:
    tensors["blk.1.ffn_up.weight"] = replace(tensors.pop("blk.1.ffn_gate.weight"), name="blk.1.ffn_up.weight")


def test_a_tensor_in_the_place_of_another_is_known_where_its_own_place_is_empty(
    healthy: dict[str, Path], tmp_path: Path
) -> None:
    pair = pair_of(rewritten(healthy["f32"], tmp_path / "model.gguf", moved), tmp_path)
    assert len(pair.tensors.compared) == 28
    found = diagnose_pair(pair)
    assert any("up_proj.weight holds model.layers.1.mlp.gate_proj.weight" in one.sentence for one in found)


@pytest.mark.parametrize("word", ["f32", "q8_0", "q4_k_m"])
def test_a_broken_promise_is_a_symptom_and_a_kept_one_is_none(
    word: str, healthy: dict[str, Path], tmp_path: Path
) -> None:
    assert diagnose_pair(pair_of(healthy[word], tmp_path, quantization=Quantization(word))) == ()
    other = Quantization.F32 if word != "f32" else Quantization.Q8_0
    found = diagnose_pair(pair_of(healthy[word], tmp_path, quantization=other))
    assert [one.family for one in found] == [Family.DTYPE_MISREAD]
    assert f"where {other.upper()} was expected" in found[0].sentence


def test_a_finer_type_for_most_values_is_a_symptom(healthy: dict[str, Path], tmp_path: Path) -> None:
    pair = pair_of(healthy["q8_0"], tmp_path, quantization=Quantization.Q4_K_M)
    assert judge_gate("F-CONTRACT-I3-001", pair).outcome is Outcome.FALSIFIED
    found = diagnose_pair(pair)
    assert "stored as Q8_0 where Q4_K or Q5_0 was expected" in found[0].sentence


@pytest.mark.parametrize("promised", [Quantization.Q4_K_M, Quantization.Q8_0, Quantization.F16])
def test_a_file_in_full_width_is_not_what_a_quantization_promises(
    promised: Quantization, healthy: dict[str, Path], tmp_path: Path
) -> None:
    verdict = judge_gate("F-CONTRACT-I3-001", pair_of(healthy["f32"], tmp_path, quantization=promised))
    assert verdict.outcome is Outcome.FALSIFIED
    assert f"not what {promised} promises" in verdict.reason


def edited_header(source: Path, path: Path, **fields: int) -> Path:
    """An .apr file with another header, whose checksum is right."""
    names = ("magic", "major", "minor", "flags", "tensors", "at", "bytes", "index", "data", "checksum", "reserved")
    raw = bytearray(source.read_bytes())
    header = dict(zip(names, HEADER.unpack(raw[:HEADER_BYTES]), strict=True)) | fields
    raw[:HEADER_BYTES] = HEADER.pack(*header.values())
    raw[40:44] = struct.pack("<I", header_checksum(bytes(raw[:HEADER_BYTES])))
    path.write_bytes(raw)
    return path


def test_a_changed_byte_breaks_a_checksum(healthy: dict[str, Path], tmp_path: Path) -> None:
    raw = bytearray(healthy["apr"].read_bytes())
    raw[-1000] ^= 1
    (tmp_path / "model.apr").write_bytes(raw)
    verdict = judge_gate("F-APR-FORMAT-003", pair_of(tmp_path / "model.apr", tmp_path))
    assert verdict.outcome is Outcome.FALSIFIED
    assert "checksum" in verdict.reason


def test_data_off_the_grid_breaks_alignment(healthy: dict[str, Path], tmp_path: Path) -> None:
    data = HEADER.unpack(healthy["apr"].read_bytes()[:HEADER_BYTES])[8]
    path = edited_header(healthy["apr"], tmp_path / "model.apr", data=data + 4)
    assert judge_gate("F-APR-FORMAT-002", pair_of(path, tmp_path), alone=True).outcome is Outcome.FALSIFIED


def test_an_unknown_dtype_byte_is_refuted_and_never_read_as_something_else(
    healthy: dict[str, Path], tmp_path: Path
) -> None:
    raw = bytearray(healthy["apr"].read_bytes())
    index = HEADER.unpack(raw[:HEADER_BYTES])[7]
    raw[index + 2 + struct.unpack_from("<H", raw, index)[0]] = 99
    (tmp_path / "model.apr").write_bytes(raw)
    pair = pair_of(tmp_path / "model.apr", tmp_path)
    assert judge_gate("F-APR-FORMAT-001", pair, alone=True).outcome is Outcome.FALSIFIED
    assert judge_gate("F-CONTRACT-I3-001", pair, alone=True).outcome is Outcome.FALSIFIED


@pytest.mark.parametrize("word", ["f32", "q8_0", "q4_k_m", "apr"])
def test_a_healthy_conversion_stands(word: str, healthy: dict[str, Path], tmp_path: Path) -> None:
    quantization = None if word == "apr" else Quantization(word)
    pair = pair_of(healthy[word], tmp_path, quantization=quantization)
    found = outcomes(pair)
    files = {check.gate_id for check in COMPARISONS if check.kind is not Kind.PARITY} & set(found)
    asking = {"F-CONTRACT-I1-001", "F-CONTRACT-I5-001"}
    assert {gate_id: found[gate_id] for gate_id in files - asking if not found[gate_id].passed} == {}
    assert all(pair.verdicts[gate_id].compared > 0 for gate_id in files - asking)


def test_the_pass_remembers_and_the_filter_narrows(healthy: dict[str, Path], tmp_path: Path) -> None:
    pair = pair_of(healthy["q8_0"], tmp_path)
    assert pair.tensors is pair.tensors
    narrow = pair_of(healthy["q8_0"], tmp_path)
    narrow.options = type(pair.options)(filter=("q_proj", "k_proj"))
    assert [one.name.split(".")[-2] for one in narrow.tensors.compared] == ["k_proj", "q_proj"] * 3


def test_a_limit_of_the_playbook_is_named(healthy: dict[str, Path], tmp_path: Path) -> None:
    pair = pair_of(healthy["q8_0"], tmp_path, limits={"q8_0.tensor_nmse": 1e-9})
    verdict = judge_gate("F-QUANT-ERROR-001", pair)
    assert verdict.outcome is Outcome.FALSIFIED
    assert "set by the playbook as q8_0.tensor_nmse" in verdict.reason


def test_a_pair_needs_no_more_than_its_files(healthy: dict[str, Path], tmp_path: Path) -> None:
    pair: Pair = pair_of(healthy["f32"], tmp_path)
    assert judge_gate("F-CONTRACT-I2-001", pair).compared == 29


def test_pairs_of_one_ground_truth_take_its_statistics_once(
    healthy: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = pair_of(healthy["q8_0"], tmp_path, quantization=Quantization.Q8_0)
    taken: list[int] = []

    def counted(values: np.ndarray[Any, Any]) -> Fingerprint:
        taken.append(values.size)
        return fingerprint(values)

    monkeypatch.setattr("pytest_aprqa.gates.comparison.tensors.fingerprint", counted)
    compared = first.tensors.compared
    both = len(taken)
    second = replace(first, memory={})
    assert [one.ours for one in second.tensors.compared] == [one.ours for one in compared]
    assert both == len(taken) - both + len(compared)
