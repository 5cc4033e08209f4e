"""Which checks a playbook asks for, and where they stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_aprqa.core import Format, Gateway, PlaybookError
from pytest_aprqa.gates import COMPARISONS, SERVER_CHECKS, Check, Kind
from pytest_aprqa.playbook import read_playbook
from pytest_aprqa.suite import Entry, agenda_of, plan_playbook
from pytest_aprqa.suite.wishes import limits_of, options_of

PLAYBOOK = """
name: compared
version: "1.0.0"
model: {{hf_repo: acme/tiny, formats: [safetensors, apr, gguf], quantizations: [q8_0, q4_0]}}
test_matrix: {{modalities: {modalities}, backends: {backends}, prompts: ["What is 2+2?"]}}
metadata: {{tier: {tier}}}
{more}
"""


def write(
    folder: Path, *, tier: str = "smoke", backends: str = "[cpu]", modalities: str = "[run]", more: str = ""
) -> Path:
    path = folder / "compared.playbook.yaml"
    path.write_text(PLAYBOOK.format(tier=tier, backends=backends, modalities=modalities, more=more))
    return path


def compared(path: Path) -> list[Entry]:
    """The comparisons of a playbook."""
    return checked(path, Kind.CONTRACT, Kind.PARITY, Kind.CONVERSION)


def checked(path: Path, *kinds: Kind, baseline: bool = False) -> list[Entry]:
    """The checks of some kinds."""
    plan = plan_playbook(path, {}, strict=True, unavailable={}, baseline=baseline)
    return [it for it in agenda_of(plan) if isinstance(it.subject, Check) and it.subject.kind in kinds]


def gates(entries: list[Entry], target: str) -> list[str]:
    """Gate ids of a target's checks."""
    return [it.subject.gate_id for it in entries if isinstance(it.subject, Check) and it.target.id == target]


def test_from_mvp_upward_every_comparison_is_made_of_every_converted_target(tmp_path: Path) -> None:
    entries = compared(write(tmp_path, tier="mvp"))
    for format in Format:
        expected = [check.gate_id for check in COMPARISONS if format in check.formats]
        for target in {entry.target for entry in entries if entry.target.format is format}:
            own = [entry.subject.gate_id for entry in entries if entry.target == target]  # type: ignore[union-attr]
            assert own == expected
    assert len({entry.target for entry in entries}) == 4


def test_what_files_alone_decide_comes_first_for_all_targets(tmp_path: Path) -> None:
    plan = plan_playbook(write(tmp_path, tier="mvp"), {}, strict=True, unavailable={})
    entries = agenda_of(plan)
    of_files = [it.subject is Gateway.G0 or (isinstance(it.subject, Check) and it.subject.from_files) for it in entries]
    first = of_files.index(False)
    assert not any(of_files[first:])
    assert {entry.target for entry in entries[:first]} == set(plan.targets)
    later = [entry.target for entry in entries[first:]]
    assert list(dict.fromkeys(later)) == list(plan.targets)
    assert later == sorted(later, key=plan.targets.index)


def test_smoke_compares_nothing_that_is_not_asked_for(tmp_path: Path) -> None:
    assert compared(write(tmp_path)) == []


@pytest.mark.parametrize(
    ("block", "gates"),
    [
        ("contract_tests: {invariants: [I-2, I-3]}", ["F-CONTRACT-I2-001", "F-CONTRACT-I3-001"]),
        ("differential_tests: {tensor_diff: {enabled: 'true'}}", ["F-ROSETTA-DIFF-001", "F-ROSETTA-DIFF-002"]),
        (
            "differential_tests: {inference_compare: {prompt: Hello}}",
            ["F-ROSETTA-INF-001", "F-ROSETTA-INF-002", "F-ROSETTA-INF-003"],
        ),
        ("differential_tests: {tensor_diff: {enabled: false}}", []),
        (
            "trace_payload: {}",
            [
                "F-TRACE-006",
                "F-TRACE-DEAD-001",
                "F-TRACE-DIFF-001",
                "F-TRACE-PAYLOAD-001",
                "F-TRACE-PAYLOAD-002",
                "F-TRACE-PAYLOAD-003",
            ],
        ),
    ],
)
def test_a_block_names_its_gates(tmp_path: Path, block: str, gates: list[str]) -> None:
    entries = [entry for entry in compared(write(tmp_path, more=block)) if entry.target.id == "gguf-q8_0-cpu"]
    assert sorted(entry.subject.gate_id for entry in entries) == gates  # type: ignore[union-attr]
    assert {entry.line for entry in entries} <= {7}


def test_files_are_compared_once_and_what_is_computed_on_every_backend(tmp_path: Path) -> None:
    entries = compared(write(tmp_path, tier="mvp", backends="[cpu, gpu]"))
    kinds = {entry.subject.kind for entry in entries if entry.target.id == "gguf-q8_0-gpu"}  # type: ignore[union-attr]
    assert kinds == {Kind.PARITY}


def test_a_comparison_is_named_after_its_target_and_its_gate(tmp_path: Path) -> None:
    names = {entry.name for entry in compared(write(tmp_path, tier="mvp"))}
    assert "parity[gguf-q4_0-cpu-F-KL-MEAN-001]" in names
    assert "contract[apr-cpu-F-CONTRACT-I2-001]" in names
    assert "conversion[safetensors-cpu-F-CONV-RT-002]" in names
    assert all(entry.function == entry.subject.kind for entry in compared(tmp_path / "compared.playbook.yaml"))  # type: ignore[union-attr]


def test_a_golden_corpus_is_held_against_the_targets_that_it_is_for(tmp_path: Path) -> None:
    more = "scenarios: [{prompt_set: aprqa-tiny, formats: [gguf], backends: [cpu]}]"
    entries = compared(write(tmp_path, more=more))
    assert {entry.target.id for entry in entries} == {"gguf-q8_0-cpu", "gguf-q4_0-cpu"}
    gates = [entry.subject.gate_id for entry in entries if entry.target.id == "gguf-q4_0-cpu"]  # type: ignore[union-attr]
    assert gates == ["F-HF-PARITY-004", "F-HF-PARITY-001"]


def test_a_golden_corpus_of_the_whole_playbook_is_for_every_target(tmp_path: Path) -> None:
    entries = compared(write(tmp_path, more="oracles: [{type: hf_parity, config: {corpus_path: aprqa-tiny}}]"))
    assert {entry.target.format for entry in entries} == set(Format)


def test_a_golden_corpus_with_a_senseless_tolerance_is_refused_at_its_line(tmp_path: Path) -> None:
    more = "oracles: [{type: hf_parity, config: {corpus_path: x, tolerance: [1]}}]"
    with pytest.raises(PlaybookError, match=r":7:1: .*hf_parity"):
        compared(write(tmp_path, more=more))


def test_a_playbooks_limits_and_settings_reach_the_comparison(tmp_path: Path) -> None:
    more = (
        "limits: {q8_0: {kl_mean: 0.5}}\n"
        "differential_tests: {inference_compare: {prompt: Hello, max_tokens: 5}}\n"
        "trace_payload: {prompt: 2+2=}"
    )
    playbook = read_playbook(write(tmp_path, more=more), {}, strict=True)
    assert limits_of(playbook) == {"q8_0.kl_mean": 0.5}
    options = options_of(playbook)
    assert (options.prompts[0], options.max_tokens, options.trace_prompt) == ("Hello", 5, "2+2=")


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ("{q9_9: {kl_mean: 0.5}}", "'q9_9' has no limits"),
        ("{q8_0: {kl_meen: 0.5}}", "did you mean 'kl_mean'"),
    ],
)
def test_a_limit_for_nothing_is_refused_at_its_line(tmp_path: Path, limits: str, said: str) -> None:
    with pytest.raises(PlaybookError, match=f":7:1: .*{said}"):
        compared(write(tmp_path, more=f"limits: {limits}"))


def test_state_is_looked_at_from_mvp_upward_and_backends_are_held_against_each_other_on_the_gpu(tmp_path: Path) -> None:
    assert checked(write(tmp_path), Kind.STATE) == []
    entries = checked(write(tmp_path, tier="mvp", backends="[cpu, gpu]"), Kind.STATE)
    on_cpu = gates(entries, "safetensors-cpu")
    assert {"F-STATE-TIMING-001", "F-STATE-CORRUPT-001", "F-STATE-BATCH-001", "F-RUN-005"} <= set(on_cpu)
    assert gates(entries, "safetensors-gpu") == [*on_cpu, "F-PAR-001"]


def test_speed_has_default_floors_from_mvp_upward_and_none_for_the_ground_truth(tmp_path: Path) -> None:
    assert checked(write(tmp_path), Kind.PROFILE) == []
    entries = checked(write(tmp_path, tier="mvp"), Kind.PROFILE)
    assert "F-PROFILE-CI-001" in gates(entries, "gguf-q8_0-cpu")
    assert "F-PROFILE-CI-001" not in gates(entries, "safetensors-cpu")
    assert gates(entries, "safetensors-cpu")[0] == "F-PROFILE-007"
    assert "F-PROFILE-CI-002" not in gates(entries, "gguf-q8_0-cpu")


def test_what_a_playbook_asserts_of_speed_is_measured_where_it_says(tmp_path: Path) -> None:
    block = "profile_ci: {formats: [gguf], assertions: {max_p99_ms: 50, max_memory_mb: 100}}"
    entries = checked(write(tmp_path, more=block), Kind.PROFILE)
    assert gates(entries, "apr-cpu") == []
    assert {"F-PROFILE-CI-002", "F-PERF-005"} <= set(gates(entries, "gguf-q8_0-cpu"))
    assert {entry.line for entry in entries} == {7}
    assert checked(write(tmp_path, more="profile_ci: {enabled: false}"), Kind.PROFILE) == []


def test_speeds_are_compared_with_an_earlier_run_only_where_there_is_one(tmp_path: Path) -> None:
    path = write(tmp_path, tier="mvp")
    assert "F-PROFILE-DIFF-001" not in gates(checked(path, Kind.PROFILE), "apr-cpu")
    assert "F-PROFILE-DIFF-001" in gates(checked(path, Kind.PROFILE, baseline=True), "apr-cpu")


def test_a_server_is_started_for_every_serve_cell_and_looked_at_closely_from_mvp_upward(tmp_path: Path) -> None:
    assert checked(write(tmp_path, tier="mvp"), Kind.SERVER) == []
    assert gates(checked(write(tmp_path, modalities="[serve]"), Kind.SERVER), "apr-cpu") == ["F-SERVE-001"]
    entries = checked(write(tmp_path, tier="mvp", modalities="[run, serve]"), Kind.SERVER)
    assert gates(entries, "apr-cpu") == [check.gate_id for check in SERVER_CHECKS]


def test_the_server_starts_after_everything_that_needs_the_engine_and_ends_last(tmp_path: Path) -> None:
    plan = plan_playbook(write(tmp_path, tier="mvp", modalities="[serve, run]"), {}, strict=True, unavailable={})
    names = [entry.name for entry in agenda_of(plan) if entry.target.id == "apr-cpu"]
    places = [
        names.index(name)
        for name in (
            "G2_inference[apr-cpu]",
            "state[apr-cpu-F-RUN-005]",
            "run[apr-cpu-What_is_2_2]",
            "profile[apr-cpu-F-PROFILE-007]",
            "server[apr-cpu-F-SERVE-001]",
            "serve[apr-cpu-What_is_2_2]",
            "server[apr-cpu-F-HTTP-004]",
            "G3_stability[apr-cpu]",
        )
    ]
    assert places == sorted(places)


def test_a_command_of_the_playbook_is_not_started_unless_the_user_allows_it(tmp_path: Path) -> None:
    path = write(tmp_path, modalities="[serve]", more='serve: {command: "server {model} {port}", formats: [gguf]}')
    plan = plan_playbook(path, {}, strict=True, unavailable={}, commands=False)
    skips = {case.cell.target.format: case.skip for case in plan.cases}
    assert skips[Format.APR] is None
    assert "--aprqa-allow-commands" in (skips[Format.GGUF] or "")
    server = [entry for entry in agenda_of(plan) if entry.name == "server[gguf-q8_0-cpu-F-SERVE-001]"]
    assert [entry.skip for entry in server] == [skips[Format.GGUF]]


@pytest.mark.parametrize(
    ("command", "words"),
    [("server {model}", "does not say {port}"), ("server {foo} {port}", "{foo}"), ("'server {port}", "quotation")],
)
def test_a_command_that_could_never_be_started_is_an_error_of_the_playbook(
    tmp_path: Path, command: str, words: str
) -> None:
    path = write(tmp_path, modalities="[serve]", more=f'serve: {{command: "{command}"}}')
    with pytest.raises(PlaybookError) as caught:
        plan_playbook(path, {}, strict=True, unavailable={})
    assert words in str(caught.value)
    assert caught.value.line == 7


def test_an_engine_without_a_server_serves_nothing_but_what_the_playbook_serves(tmp_path: Path) -> None:
    path = write(tmp_path, modalities="[serve]", more='serve: {url: "http://127.0.0.1:1", formats: [gguf]}')
    plan = plan_playbook(path, {}, strict=True, unavailable={}, engine="fake")
    assert {case.skip for case in plan.cases} == {None, "the engine 'fake' has no server"}
    assert {case.cell.target.format for case in plan.cases if case.skip is None} == {Format.GGUF}
