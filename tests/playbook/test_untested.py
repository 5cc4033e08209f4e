from __future__ import annotations

import pytest

from tests.playbook.conftest import Read

BASE = "model: {hf_repo: org/tiny}\ntest_matrix: {}\n"


@pytest.mark.parametrize(
    ("block", "name"),
    [
        ("differential_tests: {tensor_diff: {enabled: 'true'}}", "differential_tests.tensor_diff"),
        (
            "differential_tests: {fingerprint: {enabled: true, tensors: 'embed,lm_head'}}",
            "differential_tests.fingerprint",
        ),
        (
            "differential_tests: {inference_compare: {enabled: yes, tolerance: 1e-5}}",
            "differential_tests.inference_compare",
        ),
        ("contract_tests: {invariants: [I-2]}", "contract_tests"),
        ("profile_ci: {enabled: 'true'}", "profile_ci"),
        ("trace_payload: {prompt: 2+2=}", "trace_payload"),
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
        "differential_tests: {tensor_diff: {enabled: 'false'}}",
        "profile_ci: {enabled: off}",
        "state_machine: {enabled: false}",
        "kernel_profile: {family: llama, prompt_count: 3, long_context: true}",
        "falsification_gates: []",
    ],
)
def test_a_block_that_is_off_or_documents_is_not_reported(read: Read, block: str) -> None:
    assert read(BASE + block, strict=True).reports == ()


@pytest.mark.parametrize(
    ("formats", "reported"), [("[safetensors]", True), ("[safetensors, apr]", True), ("[safetensors, gguf]", False)]
)
def test_quantizations_that_no_format_has_are_reported(read: Read, formats: str, reported: bool) -> None:
    playbook = read(f"model: {{hf_repo: a/b, formats: {formats}, quantizations: [q8_0]}}\ntest_matrix: {{}}")
    expected = "line 1: quantizations (q8_0) are declared, not tested: no listed format has any"
    assert playbook.reports == ((expected,) if reported else ())


def test_reports_come_in_file_order(read: Read) -> None:
    playbook = read("trace_payload: {enabled: true}\n" + BASE + "contract_tests: {}\nprofile_ci: {enabled: true}\n")
    assert [report.partition(":")[0] for report in playbook.reports] == ["line 1", "line 4", "line 5"]
