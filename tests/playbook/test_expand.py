from __future__ import annotations

import os
import re
import subprocess
import sys
from itertools import groupby

from pytest_aprqa.core import EDGE_GATE, Prompting, Quantization, Scenario
from pytest_aprqa.playbook import Playbook, expand, list_cells, users_file
from tests.playbook.conftest import Read

FULL = """\
model: {hf_repo: a/b, formats: [safetensors, gguf, apr], quantizations: [q8_0, q4_k_m]}
test_matrix:
  modalities: [run, chat, serve]
  backends: [cpu, gpu]
  prompts: ["What is 2+2?", Hello]
"""


def ids(playbook: Playbook) -> list[str]:
    return [case.id for case in expand(playbook, playbook.listed_scenarios, unavailable={})]


def test_cases_of_a_target_stand_together_and_modalities_keep_their_order(read: Read) -> None:
    playbook = read(FULL)
    cases = expand(playbook, playbook.listed_scenarios, unavailable={})
    assert [target.id for target, _ in groupby(cases, key=lambda case: case.cell.target)] == [
        "safetensors-cpu", "safetensors-gpu", "gguf-q8_0-cpu", "gguf-q8_0-gpu", "gguf-q4_k_m-cpu", "gguf-q4_k_m-gpu",
        "apr-cpu", "apr-gpu",
    ]  # fmt: skip
    assert [case.id for case in cases[:6]] == [
        "run[safetensors-cpu-What_is_2_2]",
        "run[safetensors-cpu-Hello]",
        "chat[safetensors-cpu-What_is_2_2]",
        "chat[safetensors-cpu-Hello]",
        "serve[safetensors-cpu-What_is_2_2]",
        "serve[safetensors-cpu-Hello]",
    ]
    assert len(cases) == len({case.id for case in cases}) == 8 * 3 * 2
    assert all(re.fullmatch(r"[a-z]+\[[A-Za-z0-9_-]+\]", case.id) for case in cases)


def test_gguf_without_quantizations_is_tested_as_q4_k_m(read: Read) -> None:
    playbook = read("model: {hf_repo: a/b, formats: [gguf]}\ntest_matrix: {prompts: [x]}")
    cases = expand(playbook, playbook.listed_scenarios, unavailable={})
    assert {case.cell.target.quantization for case in cases} == {Quantization.Q4_K_M}


def test_only_drops_cells_silently(read: Read) -> None:
    text = FULL.replace('prompts: ["What is 2+2?", Hello]', "seed: 1")
    playbook = read(text + "scenarios: [{prompt: x, only: [q8_0, gpu, chat]}]\n")
    assert ids(playbook) == ["chat[gguf-q8_0-gpu-x]"]


def test_a_cell_that_cannot_be_tested_keeps_its_cases_with_the_reason(read: Read) -> None:
    playbook = read(
        FULL
        + "skips:\n"
        + "  - {format: apr, backend: gpu, reason: no kernel, issue: '#7'}\n"
        + "  - {modality: serve, reason: later}\n"
    )
    cases = expand(playbook, playbook.listed_scenarios, unavailable={"gpu": "no CUDA device", "apr": "no engine"})
    assert len(cases) == 48
    reasons = {case.cell.id: case.skip for case in cases}
    assert reasons["run[safetensors-cpu]"] is None
    assert reasons["run[safetensors-gpu]"] == "no CUDA device"
    assert reasons["serve[safetensors-cpu]"] == "later"
    assert reasons["serve[apr-gpu]"] == "no kernel (#7); later; no engine; no CUDA device"


def test_a_conversation_is_no_case_of_run_which_is_one_shot(read: Read) -> None:
    playbook = read(FULL)
    talk = Scenario("talk", ("a", "b", "c"), "chat")
    assert {case.cell.modality for case in expand(playbook, [talk], unavailable={})} == {"chat", "serve"}


def test_the_users_file_is_a_target_of_its_own_beside_the_quantizations_to_be_made(read: Read) -> None:
    def made(quantizations: str) -> list[tuple[str, str | None]]:
        model = f"{{hf_repo: a/b, formats: [gguf], files: {{gguf: own.gguf}}{quantizations}}}"
        playbook = read(f"model: {model}\ntest_matrix: {{modalities: [run], backends: [cpu]}}\n")
        targets = [cell.target for cell in list_cells(playbook.model, playbook.matrix)]
        files = [users_file(playbook.model, target) for target in targets]
        return [(target.id, file.name if file else None) for target, file in zip(targets, files, strict=True)]

    assert made("") == [("gguf-cpu", "own.gguf")]
    assert made(", quantizations: [q8_0]") == [("gguf-q8_0-cpu", "own.gguf")]
    assert made(", quantizations: [q8_0, q4_0]") == [
        ("gguf-cpu", "own.gguf"), ("gguf-q8_0-cpu", None), ("gguf-q4_0-cpu", None),
    ]  # fmt: skip


def test_edge_texts_go_to_run_and_chat_under_their_own_gate(read: Read) -> None:
    playbook = read(FULL)
    edge = Scenario("nul", ("\0",), "edge")
    cases = expand(playbook, playbook.listed_scenarios, unavailable={}, edge=[edge])
    edges = [case for case in cases if case.gate is EDGE_GATE]
    assert {case.cell.modality for case in edges} == {"run", "chat"}
    assert len(edges) == 16
    assert {case.gate.id for case in cases if case not in edges} == {f"F-A{k}-001" for k in range(1, 7)}


def test_a_listed_scenario_of_category_edge_has_the_edge_gate(read: Read) -> None:
    playbook = read(FULL + "scenarios: [{name: empty, prompt: '', category: edge}]")
    cases = expand(playbook, playbook.listed_scenarios, unavailable={})
    assert {case.gate for case in cases if case.scenario.name == "empty"} == {EDGE_GATE}


def test_limits_come_from_the_scenario_else_from_the_playbook(read: Read) -> None:
    playbook = read(
        """\
        model: {hf_repo: a/b, formats: [safetensors]}
        test_matrix:
          {modalities: [chat], backends: [cpu], max_tokens: 9, temperature: 0.7, timeout_ms: 2000,
           prompting: raw, system: S}
        scenarios:
          - {name: own, prompt: x, max_tokens: 3, temperature: 0, prompting: template, system: T}
          - {name: shared, prompt: x}
          - {name: half, prompt: x, prompting: template}
        """
    )
    own, shared, half = expand(playbook, playbook.listed_scenarios, unavailable={})
    assert (own.max_tokens, own.temperature, own.prompting, own.scenario.system) == (3, 0.0, Prompting.TEMPLATE, "T")
    assert (shared.max_tokens, shared.temperature, shared.prompting) == (9, 0.7, Prompting.RAW)
    assert shared.scenario.system is None
    assert half.scenario.system == "S"
    assert {case.timeout_ms for case in (own, shared, half)} == {2000}
    assert [own.line, shared.line, half.line] == [6, 7, 8]


def test_a_drawn_scenario_stands_where_the_matrix_does(read: Read) -> None:
    (case, *_) = expand(read(FULL), [Scenario("drawn", ("x",), "chat")], unavailable={})
    assert case.line == 2


def test_a_line_added_above_changes_no_id_and_no_seed(read: Read) -> None:
    before = read(FULL)
    after = read(FULL.replace('["What', '[First, "What').replace("formats: [", "revision: x, formats: ["))
    seeds = {case.id: case.seed for case in expand(before, before.listed_scenarios, unavailable={})}
    later = {case.id: case.seed for case in expand(after, after.listed_scenarios, unavailable={})}
    assert seeds.items() <= later.items()
    assert len(set(later.values())) == len(later)
    assert all(0 <= seed < 1 << 32 for seed in later.values())


def test_the_base_seed_changes_every_seed(read: Read) -> None:
    one, two = read(FULL), read(FULL + "  seed: 43\n")
    pairs = zip(
        expand(one, one.listed_scenarios, unavailable={}),
        expand(two, two.listed_scenarios, unavailable={}),
        strict=True,
    )
    assert all(first.id == second.id and first.seed != second.seed for first, second in pairs)


def test_equal_names_from_two_sources_stay_apart_and_an_equal_content_is_one_case(read: Read) -> None:
    playbook = read("model: {hf_repo: a/b, formats: [apr]}\ntest_matrix: {modalities: [run], backends: [cpu]}")
    one, other = Scenario("x", ("a",), "chat"), Scenario("x", ("b",), "chat")
    assert [case.id for case in expand(playbook, [one, one], unavailable={})] == ["run[apr-cpu-x]"]
    found = [case.id for case in expand(playbook, [one, other, one], unavailable={})]
    assert len(found) == len(set(found)) == 2
    assert all(re.fullmatch(r"run\[apr-cpu-x-[0-9a-f]{8}\]", id) for id in found)


def test_a_name_that_is_no_id_is_made_one(read: Read) -> None:
    playbook = read("model: {hf_repo: a/b, formats: [apr]}\ntest_matrix: {modalities: [run], backends: [cpu]}")
    (case,) = expand(playbook, [Scenario("a b]::c", ("a",), "chat")], unavailable={})
    assert case.id == "run[apr-cpu-a_b_c]"


SHOW = """
import sys
from pathlib import Path
from pytest_aprqa.playbook import expand, read_playbook
playbook = read_playbook(Path(sys.argv[1]), {})
print([(case.id, case.seed) for case in expand(playbook, playbook.listed_scenarios, unavailable={})])
"""


def test_ids_and_seeds_are_the_same_in_every_process(read: Read) -> None:
    playbook = read(FULL + "scenarios: [{prompt: Hello, expected: hi}]")
    outputs = {
        subprocess.run(
            [sys.executable, "-c", SHOW, str(playbook.path)],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1")
    }
    assert len(outputs) == 1
    assert b"Hello-" in outputs.pop()


def test_reading_needs_nothing_heavy() -> None:
    code = "import sys, pytest_aprqa.playbook; print({'torch', 'numpy', 'hypothesis', 'pytest'} & set(sys.modules))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True)
    assert done.stdout.strip() == b"set()"
