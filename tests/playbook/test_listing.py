from __future__ import annotations

import pytest

from pytest_aprqa.core import Json, OracleSpec, Prompting
from tests.playbook.conftest import Read

BASE = "model: {hf_repo: org/tiny}\ntest_matrix: {modalities: [run, chat], backends: [cpu]}\n"


def test_a_scenario_says_everything_it_can(read: Read) -> None:
    (scenario,) = read(
        BASE
        + """\
scenarios:
  - name: "Recall: a name"
    turns: ["My name is Ada.", "What is my name?"]
    system: Be brief.
    oracle:
      - contains
      - {type: composite, config: {mode: any, oracles: [{type: garbage}]}}
    expected: Ada
    max_tokens: 8
    temperature: 0.5
    prompting: raw
    only: [chat, CPU]
    category: Memory
"""
    ).listed_scenarios
    assert scenario.name == "Recall_a_name"
    assert scenario.turns == ("My name is Ada.", "What is my name?")
    assert scenario.oracles == (
        OracleSpec("contains"),
        OracleSpec("composite", {"mode": "any", "oracles": [{"type": "garbage"}]}),
    )
    assert (scenario.expected, scenario.system, scenario.max_tokens, scenario.temperature) == (
        "Ada",
        "Be brief.",
        8,
        0.5,
    )
    assert (scenario.prompting, scenario.only, scenario.category) == (Prompting.RAW, ("chat", "cpu"), "memory")
    assert scenario.line == 4


@pytest.mark.parametrize(
    ("expected", "value", "oracles"),
    [
        ("4", 4, ("arithmetic",)),
        ("'4'", 4, ("arithmetic",)),
        ("' 0.5 '", 0.5, ("arithmetic",)),
        ("Paris", "Paris", ("contains",)),
        ("'1e999'", "1e999", ("contains",)),
        ("'true'", "true", ("contains",)),
        ("true", True, ()),
        ("[1, 2]", [1, 2], ()),
    ],
)
def test_what_is_expected_chooses_the_judge(read: Read, expected: str, value: Json, oracles: tuple[str, ...]) -> None:
    (scenario,) = read(BASE + f"scenarios: [{{prompt: x, expected: {expected}}}]").listed_scenarios
    assert scenario.expected == value
    assert tuple(oracle.type for oracle in scenario.oracles) == oracles


@pytest.mark.parametrize(("oracle", "value"), [("regex", "4"), ("contains", "4"), ("arithmetic", 4)])
def test_a_declared_judge_is_kept_and_gets_what_it_can_use(read: Read, oracle: str, value: Json) -> None:
    (scenario,) = read(BASE + f"scenarios: [{{prompt: x, expected: '4', oracle: {oracle}}}]").listed_scenarios
    assert scenario.oracles == (OracleSpec(oracle),)
    assert scenario.expected == value


def test_prompts_come_last_and_an_equal_content_comes_once(read: Read) -> None:
    playbook = read(
        """\
        model: {hf_repo: a/b}
        test_matrix: {prompts: [One, Two, One]}
        mvp_matrix: [{format: gguf, backend: cpu, modality: run, prompt: Three}]
        golden_outputs: [{prompt: Four, expected_prefix: "4", must_not_contain: [NaN]}]
        scenarios: [{name: zero, prompt: Zero}]
        """
    )
    assert [scenario.name for scenario in playbook.listed_scenarios] == [
        "zero", "Three", "Four", "One", "Two",
    ]  # fmt: skip
    assert playbook.listed_scenarios[1].only == ("gguf", "cpu", "run")
    golden = OracleSpec("golden", {"expected_prefix": "4", "must_contain": [], "must_not_contain": ["NaN"]})
    assert playbook.listed_scenarios[2].oracles == (golden,)
    assert "1 of the 3 prompts repeat another and are sent once" in playbook.reports[0]
    assert playbook.matrix.scenario_count == 5


def test_equal_names_are_told_apart_by_content_in_any_order(read: Read) -> None:
    one, two = "{prompt: 'What is 2+2?'}", "{prompt: 'What is 2-2?'}"
    forwards = read(BASE + f"scenarios: [{one}, {two}]").listed_scenarios
    backwards = read(BASE + f"scenarios: [{two}, {one}, {{prompt: Other}}]").listed_scenarios
    names = {scenario.turns: scenario.name for scenario in forwards}
    assert len(set(names.values())) == 2
    assert {scenario.turns: scenario.name for scenario in backwards[:2]} == names


def test_verification_tests_ask_each_format(read: Read) -> None:
    playbook = read(
        BASE
        + """\
verification_tests:
  - {name: GGUF runs, format: gguf, prompt: "What is 2+2?", expect: "4"}
  - {name: Both, formats: [apr, gguf], prompt: "Capital of France?", expect: Paris}
  - {name: Same, type: differential, formats: [apr, gguf], prompt: Hi, tolerance: semantic}
"""
    )
    assert [(scenario.name, scenario.only) for scenario in playbook.listed_scenarios] == [
        ("GGUF_runs", ("gguf",)),
        ("Both-apr", ("apr",)),
        ("Both-gguf", ("gguf",)),
    ]
    assert playbook.listed_scenarios[0].oracles == (OracleSpec("arithmetic"),)
    assert playbook.reports == ("line 6: the differential test 'Same' is declared, not tested",)


def test_without_a_count_a_cell_has_as_many_scenarios_as_the_fullest_lists(read: Read) -> None:
    text = BASE + "scenarios: [{prompt: a, only: run}, {prompt: b, only: run}, {prompt: c, only: chat}]"
    assert read(text).matrix.scenario_count == 2
    assert read(text.replace("backends: [cpu]", "backends: [cpu], scenario_count: 9")).matrix.scenario_count == 9


def test_a_scenario_without_a_cell_is_reported(read: Read) -> None:
    playbook = read(
        BASE.replace("[run, chat]", "[run]") + "scenarios: [{prompt: a, only: serve}, {prompt: b, formats: [gguf]}]\n"
        "golden_outputs: []\nmvp_matrix: []\n"
    )
    assert playbook.reports == ("line 3: scenario a is for cells of serve, of which there is none",)
    talk = read(BASE.replace("[run, chat]", "[run]") + "scenarios: [{name: t, turns: [a, b]}]")
    assert talk.reports == ("line 3: scenario t is a conversation, and there is no chat cell",)


def test_where_hf_parity_is_the_only_oracle_no_habit_judges_the_answer(read: Read) -> None:
    playbook = read(
        "model: {hf_repo: a/b}\ntest_matrix: {}\nscenarios:\n"
        "  - {prompt: What is 2+2?, oracle: {type: hf_parity, config: {corpus_path: x}}}\n"
        "  - {prompt: What is 2+3?, oracle: hf_parity, expected: 5}\n"
    )
    assert [[spec.type for spec in it.oracles] for it in playbook.listed_scenarios] == [["unjudgeable"], ["arithmetic"]]
