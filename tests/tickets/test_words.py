from __future__ import annotations

import pytest

from pytest_aprqa.core import Outcome
from pytest_aprqa.evidence import Record
from pytest_aprqa.tickets import cause_of_words
from pytest_aprqa.tickets.words import cause_of_death, death_of_record
from tests.reports.samples import record


def failed(reason: str, *, stderr_tail: str = "", exit_code: int | None = None) -> Record:
    return record("G1-LOAD", outcome=Outcome.FALSIFIED, reason=reason, stderr_tail=stderr_tail, exit_code=exit_code)


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ("error: Tensor not found with names: 'model.layers.0'", "missing_tensor"),
        ("tensor name mismatch", "missing_tensor"),
        ("unexpected tensor blk.0.x", "missing_tensor"),
        ("weights hold NaN", "not_finite"),
        ("the logits are inf", "not_finite"),
        ("overflow in layer 3", "not_finite"),
        ("cannot dequantize block 7", "dequantization"),
        ("quantization failed for q4_k", "dequantization"),
        ("File not found: model.apr", "missing_file"),
        ("APR file missing embedded tokenizer.", "missing_file"),
        ("hidden_size 256 is not 512", "config_mismatch"),
        ("metadata mismatch", "config_mismatch"),
        ("Segfault", "engine_crash"),
        ("thread 'main' panicked at src/x.rs", "engine_crash"),
        ("ggml: assertion x > 0 failed", "engine_crash"),
        ("CUDA out of memory", "out_of_memory"),
        ("Server failed to become ready within 120s", "server_down"),
        ("unknown architecture 'nonesuch'", "unsupported"),
        ("file is truncated", "truncated_file"),
        # what stops everything comes before what it leads to
        ("Operation 'get_tensor_auto' not supported: Tensor not found with names: 'x'", "missing_tensor"),
    ],
)
def test_whole_words_name_a_cause(reason: str, cause: str) -> None:
    assert cause_of_words(failed(reason)) == cause


@pytest.mark.parametrize(
    "reason",
    [
        "nemotron-nano gave no answer",
        "nanotron answered 7",
        "information, inference and infinitesimals",
        "the unquantized model answers",
        "overflowing with joy",
        "it is a rose",
        "boom",
        "",
    ],
)
def test_parts_of_words_name_nothing(reason: str) -> None:
    assert cause_of_words(failed(reason)) is None


def test_the_models_own_name_is_no_error() -> None:
    made = failed("org/nan-7b gave no answer").model_copy(update={"model": "org/nan-7b"})
    assert cause_of_words(made) is None
    assert cause_of_words(made.model_copy(update={"reason": "org/nan-7b holds NaN"})) == "not_finite"


def test_a_models_answer_below_the_reason_names_nothing() -> None:
    assert cause_of_words(failed("output differs after conversion.\nOriginal: NaN is not a number")) is None
    assert cause_of_words(failed("conversion failed: see\nvalue is NaN")) == "not_finite"


def test_standard_error_speaks_only_of_a_process_that_failed() -> None:
    assert cause_of_words(failed("no answer", stderr_tail="slot released, truncated = 0")) is None
    assert cause_of_words(failed("no answer", stderr_tail="file is truncated", exit_code=1)) == "truncated_file"


@pytest.mark.parametrize(
    ("exit_code", "reason", "death", "cause"),
    [
        (-11, "died", "SIGSEGV", "engine_crash"),
        (134, "died", "SIGABRT", "engine_crash"),
        (-9, "died", "SIGKILL", "out_of_memory"),
        (101, "died", "exit code 101", "engine_crash"),
        (1, "std::bad_alloc", "exit code 1", "out_of_memory"),
        (None, "the engine died of SIGBUS while loading", "SIGBUS", "engine_crash"),
        (None, "died", "", "engine_crash"),
    ],
)
def test_how_an_engine_died(exit_code: int | None, reason: str, death: str, cause: str) -> None:
    made = failed(reason, exit_code=exit_code)
    assert (death_of_record(made), cause_of_death(made)) == (death, cause)


def test_megabytes_of_reason_are_read_in_a_moment() -> None:
    assert cause_of_words(failed("assert " * 300_000)) is None
    assert cause_of_words(failed("x", stderr_tail="tensor " * 300_000 + "nan", exit_code=1)) == "not_finite"
