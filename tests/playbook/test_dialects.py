from __future__ import annotations

import pytest

from pytest_aprqa.core import Format, PlaybookError
from pytest_aprqa.playbook import FailurePolicy
from tests.playbook.conftest import Read

README = """\
version: "1.0"
model:
  id: Qwen/Qwen2.5-Coder-0.5B-Instruct
  revision: abc123
test_matrix:
  formats: [safetensors, gguf]
  modalities: [run]
  backends: [cpu]
scenarios:
  - name: addition
    prompt: "What is 2+2?"
    oracle: arithmetic
    expected: 4
  - name: factorial
    prompt: "def factorial(n):"
    oracle: code_syntax
    language: Python
"""


def test_the_readme_dialect_is_the_same_playbook(read: Read) -> None:
    playbook = read(README, name="qwen-smoke.playbook.yaml")
    assert playbook.name == "qwen-smoke"
    assert playbook.model.hf_repo == "Qwen/Qwen2.5-Coder-0.5B-Instruct"
    assert playbook.model.revision == "abc123"
    assert playbook.model.formats == (Format.SAFETENSORS, Format.GGUF)
    assert playbook.warnings == ()
    assert playbook.matrix.scenario_count == 2
    addition, factorial = playbook.listed_scenarios
    assert (addition.name, addition.category, addition.expected) == ("addition", "arithmetic", 4)
    assert (factorial.category, factorial.language) == ("code", "python")


def test_a_field_that_moved_keeps_its_place_and_its_name(read: Read) -> None:
    with pytest.raises(PlaybookError, match=r":6:13: test_matrix\.formats\[0\]: .*did you mean 'safetensors'"):
        read(README.replace("[safetensors, gguf]", "[safetensor, gguf]"))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("model: {id: a/b, hf_repo: a/c}\ntest_matrix: {}", r":1:13: model\.id: contradicts model\.hf_repo in line 1"),
        (
            "model: {hf_repo: a/b, formats: [gguf]}\ntest_matrix: {formats: [apr]}",
            r":2:15: test_matrix\.formats: contradicts model\.formats",
        ),
        (
            "model: {id: a/b}\ntest_matrix: {}\nprofile_ci: {max_p99_ms: 1, assertions: {max_p99_ms: 1}}",
            r":3:26: profile_ci\.max_p99_ms: stands beside profile_ci\.assertions\.max_p99_ms",
        ),
    ],
)
def test_two_places_that_contradict_are_refused(read: Read, body: str, message: str) -> None:
    with pytest.raises(PlaybookError, match=message):
        read(body)


def test_a_target_that_is_no_mapping_is_refused_as_such(read: Read) -> None:
    with pytest.raises(PlaybookError, match=r"profile_ci\.assertions: has a wrong value; expected a mapping"):
        read("model: {id: a/b}\ntest_matrix: {}\nprofile_ci: {max_p99_ms: 1, assertions: 3}")


def test_two_places_that_agree_are_one(read: Read) -> None:
    playbook = read("model: {id: a/b, hf_repo: a/b, formats: [gguf]}\ntest_matrix: {formats: [gguf]}")
    assert (playbook.model.hf_repo, playbook.model.formats, playbook.warnings) == ("a/b", (Format.GGUF,), ())


def test_bootstrapped_thresholds_are_found_one_level_up(read: Read) -> None:
    playbook = read(
        """\
        model: {hf_repo: a/b}
        test_matrix: {}
        kernel_profile: {family: qwen2, kernel_ops: [FusedQ4kMatvec, swi_glu]}
        falsification_gates: [{id: G1, condition: "exit_code == 0", severity: P0}]
        profile_ci: {enabled: "true", min_throughput: 5, max_p99_ms: 300}
        """
    )
    profile = playbook.declared.profile_ci
    assert profile is not None
    assert (profile.assertions.min_throughput, profile.assertions.max_p99_ms) == (5, 300)
    assert playbook.declared.kernel_profile is not None
    assert playbook.declared.kernel_profile.kernel_ops == ("fused_q4k_matvec", "swi_glu")
    assert playbook.warnings == ()
    assert playbook.reports == ("line 4: falsification_gates is declared, not tested",)


def test_property_tests_are_a_list_or_settings(read: Read) -> None:
    listed = read(
        """\
        model: {hf_repo: a/b}
        test_matrix: {}
        property_tests:
          - {name: sums, generator: "arithmetic()", oracle: correct}
        """
    )
    (test,) = listed.property_tests
    assert (test.name, test.generator, test.oracle, test.count, test.line) == (
        "sums", "arithmetic()", "correct", 100, 4,
    )  # fmt: skip
    settings = read("model: {hf_repo: a/b}\ntest_matrix: {}\nproperty_tests: {enabled: 'yes', cases: 7}")
    assert settings.property_tests == ()
    assert settings.declared.property_settings is not None
    assert settings.declared.property_settings.cases == 7
    assert settings.reports == ("line 3: property_tests holds settings but no test; nothing is drawn for it",)


@pytest.mark.parametrize("states", ["{a: {transitions: []}}", "[a, b]"])
def test_both_shapes_of_a_state_machine_load(read: Read, states: str) -> None:
    playbook = read(f"model: {{hf_repo: a/b}}\ntest_matrix: {{}}\nstate_machine: {{states: {states}}}")
    assert playbook.reports == ("line 3: state_machine is declared, not tested",)


@pytest.mark.parametrize("word", ["stop_on_first", "stop-on-first", "STOP_ON_FIRST"])
def test_failure_policies_have_two_spellings(read: Read, word: str) -> None:
    playbook = read(f"model: {{hf_repo: a/b}}\ntest_matrix: {{}}\nfailure_policy: {word}")
    assert playbook.failure_policy is FailurePolicy.STOP_ON_FIRST


def test_the_parity_dialect_is_read(read: Read) -> None:
    playbook = read(
        """\
        metadata: {name: parity}
        model: {hf_repo: a/b}
        test_matrix: {}
        oracles: [{type: hf_parity, config: {corpus_path: x, tolerance: 1e-5}}]
        scenarios: [{prompt_set: code, formats: [gguf], backends: [cpu]}]
        """
    )
    assert (playbook.name, playbook.oracles, playbook.listed_scenarios) == ("parity", (), ())
    assert playbook.reports == ()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("name: x\nspec: {id: G2}\nscenarios: []", ":2:1: this is an executable specification"),
        ("name: x\nverification_gates: []", ":2:1: this is a ticket verification"),
        ("name: x\nmodel: a/b\ntests: []", ":3:1: this is a list of hypotheses"),
        ("entries: {}", "this is a lock file"),
        ("- a\n- b", "this is not a playbook; expected a mapping; found a list"),
        ("hello", "this is not a playbook; expected a mapping; found a single value"),
    ],
)
def test_other_kinds_of_document_are_called_by_their_names(read: Read, text: str, kind: str) -> None:
    with pytest.raises(PlaybookError) as caught:
        read(text)
    assert kind in str(caught.value)


def test_a_ticket_with_a_matrix_is_a_playbook_whose_gates_are_reported(read: Read) -> None:
    playbook = read(
        """\
        name: verify-ticket
        model: {hf_repo: a/b}
        test_matrix: {modalities: [run]}
        verification_gates: [{id: V-1, condition: "diff < 1e-6"}]
        acceptance: {max_output_diff: 1e-6}
        """
    )
    assert playbook.reports == (
        "line 4: verification_gates is declared, not tested",
        "line 5: acceptance is declared, not tested",
    )
