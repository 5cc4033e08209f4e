"""Each family from a defect planted on small arrays, or from the differences such a defect leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gguf
import numpy as np
import pytest
from numpy.typing import NDArray

from pytest_aprqa.parity import (
    Family,
    IdMismatch,
    Layout,
    Symptoms,
    TensorSymptom,
    diagnose,
    examine_tensor,
    rope_permuted,
    rope_unpermuted,
)

Floats = NDArray[np.float32]
Q = "model.layers.0.self_attn.q_proj.weight"
UP = "model.layers.0.mlp.up_proj.weight"
NORM = "model.layers.0.input_layernorm.weight"
EMBED = "model.embed_tokens.weight"


def weights(seed: int = 0, shape: tuple[int, ...] = (64, 256)) -> Floats:
    return np.random.default_rng(seed).normal(0, 0.02, shape).astype(np.float32)


def q4(values: Floats) -> Floats:
    kind = gguf.GGMLQuantizationType.Q4_0
    result: Floats = gguf.dequantize(gguf.quantize(values, kind), kind).reshape(values.shape)
    return result


def block(values: Floats, factor: float | None) -> Floats:
    """One block of 32 times a factor, or overwritten."""
    flat = q4(values).reshape(-1)
    flat[64:96] = flat[960:992] if factor is None else factor * flat[64:96]
    return flat.reshape(values.shape)


def bf16(bits: NDArray[Any]) -> Floats:
    return (bits.astype(np.uint32) << 16).view(np.float32)


def f16(bits: NDArray[Any]) -> Floats:
    return bits.astype(np.uint16).view(np.float16).astype(np.float32)


def rows(values: Floats) -> Floats:
    result = values.copy()
    result[[3, 9]] = result[[9, 3]]
    return result


def with_value(values: Floats, value: float) -> Floats:
    result = values.copy()
    result[1, 2] = value
    return result


PLANTED: dict[str, tuple[str, str, Callable[[Floats], Floats], Family]] = {
    "transposed": (UP, "Q4_0", lambda w: q4(np.ascontiguousarray(w.T)).reshape(w.shape), Family.TRANSPOSED),
    "transposed with its shape": (UP, "F32", lambda w: w.T, Family.TRANSPOSED),
    "permuted": (Q, "Q4_0", lambda w: q4(rope_permuted(w, 4)), Family.ROPE_LAYOUT),
    "unpermuted": (Q, "F16", lambda w: rope_unpermuted(w, 4), Family.ROPE_LAYOUT),
    "other heads": (Q, "Q4_0", lambda w: q4(rope_unpermuted(rope_permuted(w, 4), 8)), Family.HEAD_COUNT),
    "doubled": (UP, "Q4_0", lambda w: 2 * q4(w), Family.SCALE_ERROR),
    "negated": (UP, "Q4_0", lambda w: -q4(w), Family.SCALE_ERROR),
    "a block doubled": (UP, "Q4_0", lambda w: block(w, 2.0), Family.SCALE_ERROR),
    "a block halved": (UP, "Q4_0", lambda w: block(w, 0.5), Family.SCALE_ERROR),
    "a block overwritten": (UP, "Q4_0", lambda w: block(w, None), Family.CORRUPTED_BLOCK),
    "zeroed": (UP, "Q4_0", np.zeros_like, Family.ZEROED),
    "nan": (UP, "F32", lambda w: with_value(w, np.nan), Family.NOT_FINITE),
    "inf": (UP, "F32", lambda w: with_value(w, np.inf), Family.NOT_FINITE),
    "bytes of another type": (UP, "F16", lambda w: w.view(np.int32).astype(np.float32), Family.DTYPE_MISREAD),
    "F16 read as BF16": (UP, "BF16", lambda w: bf16(w.astype(np.float16).view(np.uint16)), Family.DTYPE_MISREAD),
    "BF16 read as F16": (UP, "F16", lambda w: f16(w.view(np.uint32) >> 16), Family.DTYPE_MISREAD),
    "rows of tokens shifted": (EMBED, "Q4_0", lambda w: q4(np.roll(w, 1, axis=0)), Family.TOKEN_IDS_SHIFTED),
    "rows of two tokens swapped": (EMBED, "Q4_0", lambda w: q4(rows(w)), Family.TOKENIZER_VOCABULARY),
}


@pytest.mark.parametrize("defect", PLANTED)
def test_a_planted_defect_of_a_tensor_is_named(defect: str) -> None:
    name, word, change, family = PLANTED[defect]
    symptom = examine_tensor(name, weights(), change(weights()), word, heads=4 if name == Q else None)
    assert symptom is not None
    findings = diagnose(Symptoms(tensors=[symptom], tensors_compared=10))
    assert findings[0].family is family, findings
    assert name in findings[0].sentence
    assert findings[0].numbers


def turned(values: Floats) -> Floats:
    return np.ascontiguousarray(values.T)


ROWS: dict[str, tuple[Callable[[Floats], Floats], Family]] = {
    "the transpose of the reference's": (turned, Family.TRANSPOSED),
    "were permuted twice": (lambda w: rope_permuted(w, 4), Family.ROPE_LAYOUT),
    "were not permuted": (lambda w: rope_unpermuted(w, 4), Family.ROPE_LAYOUT),
    "transposed after the permutation": (lambda w: rope_unpermuted(turned(rope_permuted(w, 4)), 4), Family.TRANSPOSED),
    "transposed, and the rows not permuted": (lambda w: rope_unpermuted(turned(w), 4), Family.TRANSPOSED),
}


@pytest.mark.parametrize("words", ROWS)
def test_what_became_of_square_rows_of_heads_is_said(words: str) -> None:
    change, family = ROWS[words]
    square = weights(shape=(96, 96))
    symptom = examine_tensor(Q, square, q4(change(square)), "Q4_0", heads=4)
    assert symptom is not None
    found = diagnose(Symptoms(tensors=[replace(symptom, interleaved=True)]))
    assert [finding.family for finding in found] == [family]
    assert words in found[0].sentence


def test_rows_that_were_permuted_without_need_are_not_permuted_twice() -> None:
    symptom = examine_tensor(Q, weights(), rope_permuted(weights(), 4), "F16", heads=4)
    assert symptom is not None
    assert "and this file must not" in diagnose(Symptoms(tensors=[symptom]))[0].sentence


def test_unrelated_values_alone_are_no_evidence_of_a_misread_type() -> None:
    symptom = examine_tensor(UP, weights(), weights(9), "F16")
    assert symptom is not None
    assert [finding.family for finding in diagnose(Symptoms(tensors=[symptom]))] == [Family.UNKNOWN]


def test_blocks_that_keep_their_scales_are_evidence_of_a_misread_type() -> None:
    read_in_pairs = q4(weights()).reshape(-1, 2, 16).swapaxes(1, 2).reshape(weights().shape)
    symptom = examine_tensor(UP, weights(), read_in_pairs, "Q4_0")
    assert symptom is not None
    assert [finding.family for finding in diagnose(Symptoms(tensors=[symptom]))] == [Family.DTYPE_MISREAD]


@pytest.mark.parametrize("shift", [1.0, -1.0])
def test_an_offset_norm_is_named(shift: float) -> None:
    norm = 1 + weights(shape=(256,))
    symptom = examine_tensor(NORM, norm, norm + np.float32(shift), "F32")
    assert symptom is not None
    assert diagnose(Symptoms(tensors=[symptom]))[0].family is Family.NORM_OFFSET


def test_a_healthy_tensor_has_no_symptom() -> None:
    assert examine_tensor(UP, weights(), q4(weights()), "Q4_0") is None
    assert examine_tensor(UP, weights(), weights(), "F32") is None


def test_no_symptom_has_no_diagnosis() -> None:
    assert diagnose(Symptoms()) == ()
    assert diagnose(Symptoms(tensors_compared=9, texts_compared=9, kl_mean=0.1, kl_limit=0.2)) == ()


def moved(name: str, resembles: str) -> TensorSymptom:
    return TensorSymptom(name, Layout.UNRELATED, {}, nmse=2.0, nmse_limit=0.01, resembles=resembles, resemblance=0.99)


def reshaped(name: str, shape: tuple[int, ...], expected: tuple[int, ...]) -> TensorSymptom:
    return TensorSymptom(name, shape=shape, expected_shape=expected)


def ids(*pairs: tuple[str, list[int], list[int]]) -> list[IdMismatch]:
    return [IdMismatch(kind, "text", tuple(expected), tuple(found)) for kind, expected, found in pairs]


SWAPPED_LAYERS = [
    moved(f"model.layers.{here}.{part}.weight", f"model.layers.{there}.{part}.weight")
    for here, there in ((0, 1), (1, 0))
    for part in ("self_attn.q_proj", "mlp.up_proj")
]

CASES: dict[str, tuple[Symptoms, Family]] = {
    "layers swapped": (Symptoms(tensors=SWAPPED_LAYERS), Family.LAYER_ORDER),
    "q and k swapped": (
        Symptoms(tensors=[moved(Q, Q.replace("q_", "k_")), moved(Q.replace("q_", "k_"), Q)]),
        Family.SWAPPED_TENSORS,
    ),
    "q and k swapped, seen in shapes": (
        Symptoms(tensors=[reshaped(Q, (4, 8), (8, 8)), reshaped(Q.replace("q_", "k_"), (8, 8), (4, 8))]),
        Family.SWAPPED_TENSORS,
    ),
    "one tensor from another layer": (Symptoms(tensors=[moved(Q, Q.replace("0", "1"))]), Family.SWAPPED_TENSORS),
    "dimensions reversed": (
        Symptoms(tensors=[TensorSymptom(UP, shape=(4, 8), expected_shape=(8, 4))]),
        Family.TRANSPOSED,
    ),
    "type byte changed": (
        Symptoms(tensors=[TensorSymptom(UP, Layout.UNRELATED, dtype="Q5_0", expected_dtype="Q4_0")]),
        Family.DTYPE_MISREAD,
    ),
    "another type than promised": (
        Symptoms(tensors=[TensorSymptom(UP, dtype="Q4_0", expected_dtype="Q8_0")]),
        Family.DTYPE_MISREAD,
    ),
    "unknown type": (Symptoms(errors=["m.gguf @ 0x40: unknown type 99; expected 0..39"]), Family.DTYPE_MISREAD),
    "truncated": (Symptoms(errors=["m.gguf @ 0x18: tensor data exceeds file size"]), Family.TRUNCATED_FILE),
    "truncated within its header": (
        Symptoms(errors=["m.gguf @ 0x319: field 'tokenizer.ggml.tokens': more than a file of 9 bytes can hold"]),
        Family.TRUNCATED_FILE,
    ),
    "truncated before its tokenizer": (
        Symptoms(errors=["m: the file ends inside the tokenizer"]),
        Family.TRUNCATED_FILE,
    ),
    "a bit flipped": (
        Symptoms(errors=["m.apr @ 0x465e40: the file's checksum does not match: bytes were changed or lost"]),
        Family.CORRUPTED_BLOCK,
    ),
    "dropped": (Symptoms(missing=[UP]), Family.MISSING_TENSOR),
    "renamed": (Symptoms(missing=[UP], extra=["blk.0.ffn_uq.weight"]), Family.MISSING_TENSOR),
    "head dropped": (Symptoms(missing=["lm_head.weight"]), Family.TIED_HEAD),
    "head stored though tied": (Symptoms(extra=["lm_head.weight"]), Family.TIED_HEAD),
    "head is the embedding": (Symptoms(tensors=[moved("lm_head.weight", EMBED)]), Family.TIED_HEAD),
    "tied head stored wrong": (Symptoms(tied_copy_error=1.0), Family.TIED_HEAD),
    "tied flag": (Symptoms(metadata={"tie_word_embeddings": (True, False)}), Family.TIED_HEAD),
    "head count": (Symptoms(metadata={"num_attention_heads": (4, 8)}), Family.HEAD_COUNT),
    "rope theta": (Symptoms(metadata={"rope_theta": (10000.0, 1e6)}), Family.ROPE_PARAMETERS),
    "rope type": (Symptoms(metadata={"rope_scaling": (None, {"type": "linear"})}), Family.ROPE_PARAMETERS),
    "epsilon": (Symptoms(metadata={"rms_norm_eps": (1e-5, 1e-3)}), Family.NORM_EPSILON),
    "size": (Symptoms(metadata={"hidden_size": (256, 512)}), Family.CONFIG_MISMATCH),
    "ids off by one": (
        Symptoms(ids=ids(("ascii", [5, 6, 7], [6, 7, 8]), ("code", [9, 12], [10, 13]))),
        Family.TOKEN_IDS_SHIFTED,
    ),
    "merges missing": (Symptoms(merges_expected=700, merges_found=0), Family.TOKENIZER_MERGES),
    "merges reordered": (
        Symptoms(merges_expected=700, merges_found=700, merges_differ=True),
        Family.TOKENIZER_MERGES,
    ),
    "pieces instead of words": (
        Symptoms(ids=ids(("ascii", [500, 600], [1, 2, 3, 4, 5]), ("cjk", [700], [8, 9, 10]))),
        Family.TOKENIZER_MERGES,
    ),
    "two entries swapped": (Symptoms(vocabulary_differences=[17, 300]), Family.TOKENIZER_VOCABULARY),
    "two entries swapped, seen in ids": (
        Symptoms(ids=ids(("ascii", [5, 17, 8], [5, 300, 8]), ("code", [300, 2], [17, 2]))),
        Family.TOKENIZER_VOCABULARY,
    ),
    "control strings": (
        Symptoms(ids=ids(("control_strings", [1], [40, 41, 42, 43]), ("control_strings", [2], [44, 45]))),
        Family.TOKENIZER_VOCABULARY,
    ),
    "control strings in plain text": (Symptoms(smuggled=["<|im_start|>"]), Family.TOKENIZER_VOCABULARY),
    "special id": (Symptoms(special_ids={"bos": (1, 0)}), Family.TOKENIZER_VOCABULARY),
    "bos added": (Symptoms(ids=ids(("ascii", [5, 6], [1, 5, 6]), ("code", [7], [1, 7]))), Family.CONFIG_MISMATCH),
    "template of another model": (Symptoms(templates_compared=9, templates_different=8), Family.CHAT_TEMPLATE),
    "no template": (Symptoms(template_missing=True), Family.CHAT_TEMPLATE),
    "logits are nan": (Symptoms(logits_not_finite=5), Family.NOT_FINITE),
}


@pytest.mark.parametrize("case", CASES)
def test_what_a_defect_leaves_behind_names_it(case: str) -> None:
    symptoms, family = CASES[case]
    findings = diagnose(symptoms)
    assert findings[0].family is family, findings
    assert findings[0].numbers
    assert not findings[0].sentence.endswith(".")


def test_every_family_is_reached() -> None:
    reached = {family for _, family in CASES.values()} | {row[3] for row in PLANTED.values()}
    assert set(Family) - reached == {Family.UNKNOWN, Family.NORM_OFFSET}


UNEXPLAINED = {
    "predictions": Symptoms(kl_mean=3.0, kl_limit=0.1, tensors_compared=29, first_diverging_layer="layer.1"),
    "a coarser tensor": Symptoms(tensors=[TensorSymptom(UP, Layout.SAME, nmse=0.02, nmse_limit=0.01)]),
    "an odd error": Symptoms(errors=["the moon is in the wrong place"]),
}


@pytest.mark.parametrize("name", UNEXPLAINED)
def test_what_no_rule_explains_stays_unknown(name: str) -> None:
    findings = diagnose(UNEXPLAINED[name])
    assert [finding.family for finding in findings] == [Family.UNKNOWN]
    assert findings[0].sentence


@pytest.mark.parametrize(
    "other",
    [
        reshaped(UP.replace("0", "1"), (8, 8), (4, 8)),
        reshaped(UP, (16, 8), (4, 8)),
        reshaped(UP, (4, 8), (4, 8)),
        reshaped(UP, (4, 8), (8, 8)),
    ],
    ids=["another layer", "a third shape", "its own shape", "the same wrong shape"],
)
def test_shapes_that_are_not_each_others_exchange_nothing(other: TensorSymptom) -> None:
    findings = diagnose(Symptoms(tensors=[reshaped(Q, (4, 8), (8, 8)), other]))
    assert [finding.family for finding in findings] == [Family.UNKNOWN]


def test_two_shapes_reversed_are_transposed_rather_than_exchanged() -> None:
    down = UP.replace("up", "down")
    findings = diagnose(Symptoms(tensors=[reshaped(UP, (4, 8), (8, 4)), reshaped(down, (8, 4), (4, 8))]))
    assert [finding.family for finding in findings] == [Family.TRANSPOSED, Family.SWAPPED_TENSORS]


def test_a_cause_stands_before_its_consequences() -> None:
    symptoms = Symptoms(metadata={"rms_norm_eps": (1e-5, 1e-2)}, kl_mean=3.0, kl_limit=0.1, first_diverging_layer="0")
    assert [finding.family for finding in diagnose(symptoms)] == [Family.NORM_EPSILON]


def test_several_defects_are_all_named_the_surest_first() -> None:
    symptoms = Symptoms(missing=[UP], templates_compared=3, templates_different=1, metadata={"vocab_size": (9, 8)})
    findings = diagnose(symptoms)
    assert {f.family for f in findings} == {Family.MISSING_TENSOR, Family.CHAT_TEMPLATE, Family.CONFIG_MISMATCH}
    assert [f.confidence for f in findings] == sorted((f.confidence for f in findings), reverse=True)


def test_a_copy_of_the_head_that_shares_a_fault_is_not_the_fault() -> None:
    block = TensorSymptom(UP, Layout.SAME, block_nmse=0.02, block_nmse_limit=0.01)
    findings = diagnose(Symptoms(tensors=[block], tied_copy_error=0.001))
    assert [finding.family for finding in findings] == [Family.CORRUPTED_BLOCK, Family.TIED_HEAD]


def test_a_family_is_named_once() -> None:
    symptoms = Symptoms(metadata={"tie_word_embeddings": (True, False)}, extra=["lm_head.weight"])
    assert [finding.family for finding in diagnose(symptoms)] == [Family.TIED_HEAD]
