from __future__ import annotations

import pytest

from pytest_aprqa.core import PlaybookError
from tests.playbook.conftest import Read

BASE = "model: {hf_repo: org/tiny}\ntest_matrix: {}\n"


@pytest.mark.parametrize(
    ("block", "name"),
    [
        ("ollama_parity: {enabled: 'true', model_tag: a:b}", "ollama_parity"),
        ("falsification_gates: [{id: G1}]", "falsification_gates"),
        ("state_machine: {states: [a]}", "state_machine"),
        ("reproduction: {command: x}", "reproduction"),
        ("expected: {exit_code: 0}", "expected"),
        ("regression_tests: [{name: x}]", "regression_tests"),
        ("tools_required: [run]", "tools_required"),
    ],
)
def test_a_block_that_nothing_executes_is_reported(read: Read, block: str, name: str) -> None:
    assert read(BASE + block, strict=True).reports == (f"line 3: {name} is declared, not tested",)


@pytest.mark.parametrize(
    "block",
    [
        "differential_tests: {tensor_diff: {enabled: 'true'}}",
        "differential_tests: {fingerprint: {enabled: true, tensors: 'embed,lm_head'}}",
        "differential_tests: {inference_compare: {enabled: yes, max_tokens: 5}}",
        "contract_tests: {invariants: [I-2]}",
        "trace_payload: {prompt: 2+2=}",
        "profile_ci: {enabled: 'true'}",
        "serve: {url: 'http://127.0.0.1:8000'}",
        "state_machine: {enabled: false}",
        "kernel_profile: {family: llama, prompt_count: 3, long_context: true}",
        "falsification_gates: []",
    ],
)
def test_a_block_that_is_executed_or_off_or_documents_is_not_reported(read: Read, block: str) -> None:
    assert read(BASE + block, strict=True).reports == ()


@pytest.mark.parametrize(
    ("formats", "reported"), [("[safetensors]", True), ("[safetensors, apr]", True), ("[safetensors, gguf]", False)]
)
def test_quantizations_that_no_format_has_are_reported(read: Read, formats: str, reported: bool) -> None:
    playbook = read(f"model: {{hf_repo: a/b, formats: {formats}, quantizations: [q8_0]}}\ntest_matrix: {{}}")
    expected = "line 1: quantizations (q8_0) are declared, not tested: no listed format has any"
    assert playbook.reports == ((expected,) if reported else ())


def test_reports_come_in_file_order(read: Read) -> None:
    playbook = read("acceptance: {a: 1}\n" + BASE + "expected: {a: 1}\nollama_parity: {enabled: true}\n")
    assert [report.partition(":")[0] for report in playbook.reports] == ["line 1", "line 4", "line 5"]


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ("differential_tests: {inference_compare: {enabled: yes, tolerance: 1e-5}}", "the tolerance is not used"),
        ("differential_tests: {validate_stats: {reference: a.json}}", "the reference file 'a.json' is not read"),
    ],
)
def test_a_setting_without_effect_is_reported(read: Read, block: str, said: str) -> None:
    assert [said in report for report in read(BASE + block, strict=True).reports] == [True]


def test_a_ground_truth_made_of_the_artefact_needs_the_artefact(read: Read) -> None:
    with pytest.raises(PlaybookError, match=r"files\.gguf or files\.apr"):
        read("model: {hf_repo: a/b, ground_truth: dequantized}\ntest_matrix: {}")
