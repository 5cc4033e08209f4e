from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_aprqa.bootstrap import Kind, ModelFacts, draft, playbook_name
from pytest_aprqa.bootstrap.check import checked
from pytest_aprqa.bootstrap.sizes import SIZES
from pytest_aprqa.core import TIERS, AprqaError, Modality, Prompting, Tier
from pytest_aprqa.kernels import EVERY, Topic
from pytest_aprqa.playbook import SizeCategory, expand
from tests.bootstrap.samples import facts, read
from tests.kernels import samples

MODELS = {
    "unknown": facts(),
    "size unknown": facts(parameters=None),
    "llama": facts(samples.LLAMA3, parameters=10**9),
    "tiny": facts(samples.QWEN2, parameters=5 * 10**8),
    "experts": facts(samples.QWEN3_MOE, parameters=30 * 10**9, thinks=True),
    "base": facts(samples.MISTRAL, kind=Kind.BASE, codes=True),
    "window": facts(samples.GEMMA3, parameters=10**9),
    "code": facts(samples.QWEN2, codes=True),
    "state": facts(samples.MAMBA),
}


_SOME = ("base", "experts")
"""Models for which each tier is tried; of the others, two are enough."""


@pytest.mark.parametrize(
    ("name", "tier"),
    [(name, tier) for name in MODELS for tier in Tier if name in _SOME or tier in (Tier.SMOKE, Tier.MVP)],
)
def test_a_draft_has_the_tiers_cells_and_asks_about_everything_in_each(name: str, tier: Tier, tmp_path: Path) -> None:
    model, plan = MODELS[name], TIERS[tier]
    playbook = read(draft(model, tier), tmp_path, playbook_name(model.repo, tier))
    assert (playbook.tier, playbook.warnings, playbook.reports) == (tier, (), ())
    assert playbook.model.formats == plan.formats
    assert (playbook.model.quantizations or ()) == plan.quantizations
    assert playbook.matrix.backends == plan.backends
    assert playbook.matrix.scenario_count == plan.scenarios
    spoken = {Modality.CHAT} if model.kind is Kind.BASE else set[Modality]()
    assert set(playbook.matrix.modalities) == set(plan.modalities) - spoken
    topics: dict[str, set[str]] = {}
    for case in expand(playbook, playbook.listed_scenarios, unavailable={}):
        topics.setdefault(case.cell.id, set()).add(case.scenario.category)
    every = {scenario.category for scenario in playbook.listed_scenarios}
    assert all(found == every for found in topics.values())
    assert every >= set(EVERY) or tier is Tier.SMOKE
    assert len(every) >= 5


def test_every_scenario_says_how_it_is_judged_and_how_long_it_may_be(tmp_path: Path) -> None:
    for scenario in read(draft(MODELS["llama"], Tier.DEEP), tmp_path).listed_scenarios:
        assert scenario.oracles
        assert scenario.max_tokens
        assert scenario.language or scenario.category != "code"


def test_a_base_model_is_given_texts_to_continue(tmp_path: Path) -> None:
    playbook = read(draft(MODELS["base"], Tier.DEEP), tmp_path)
    assert playbook.matrix.prompting is Prompting.RAW
    assert playbook.property_tests == ()
    assert len(playbook.listed_scenarios) == 100
    assert not any(turns[-1].endswith("?") for turns in (it.turns for it in playbook.listed_scenarios))


def test_a_model_that_thinks_gets_time_and_tokens_for_it(tmp_path: Path) -> None:
    usual = read(draft(facts(), Tier.MVP), tmp_path)
    thinking = read(draft(facts(thinks=True), Tier.MVP), tmp_path)
    assert thinking.matrix.timeout_ms == 2 * usual.matrix.timeout_ms
    assert thinking.matrix.max_tokens > 500
    assert {scenario.max_tokens for scenario in thinking.listed_scenarios} == {None}


def test_stressed_topics_are_asked_about_more(tmp_path: Path) -> None:
    def count(model: ModelFacts, topic: Topic) -> int:
        listed = read(draft(model, Tier.MVP), tmp_path).listed_scenarios
        return sum(scenario.category == topic for scenario in listed)

    assert count(facts(samples.LLAMA3), Topic.POSITION) > count(facts(), Topic.POSITION) == 0
    assert count(facts(samples.QWEN2), Topic.CARRY) > 0


def test_a_window_is_overrun_where_that_is_quick(tmp_path: Path) -> None:
    def probes(tier: Tier, window: int) -> list[str]:
        config = {**samples.MISTRAL, "sliding_window": window}
        listed = read(draft(facts(config), tier), tmp_path).listed_scenarios
        return [scenario.turns[0] for scenario in listed if scenario.category == Topic.WINDOW]

    (quick,) = probes(Tier.MVP, 512)
    assert 512 < len(quick.split()) < 640
    assert probes(Tier.MVP, 4096) == probes(Tier.SMOKE, 512) == probes(Tier.DEEP, 16384) == []
    assert len(probes(Tier.DEEP, 4096)) == 1


@pytest.mark.parametrize("size", SIZES, ids=lambda size: str(size.category))
def test_deadlines_and_floors_follow_the_size(size: object, tmp_path: Path) -> None:
    row = next(each for each in SIZES if each is size)
    playbook = read(draft(facts(parameters=row.below - 1), Tier.MVP), tmp_path)
    profile = playbook.declared.profile_ci
    assert profile is not None
    assert playbook.model.size_category is row.category
    assert playbook.matrix.timeout_ms == row.timeout_ms
    assert profile.assertions.min_throughput_cpu == row.cpu_tokens
    assert profile.assertions.min_throughput_gpu == (row.gpu_tokens or None)
    assert profile.assertions.max_p99_ms == row.p99_ms


def test_tiny_models_get_only_what_they_can_answer() -> None:
    assert "What is 7*8?" not in draft(facts(parameters=10**8), Tier.DEEP)
    assert "What is 7*8?" in draft(facts(), Tier.DEEP)


def test_numbers_stand_only_where_a_source_is_named() -> None:
    known = facts(samples.QWEN2, expected={"expected_hidden_dim": 64}, source="its own file")
    assert "  # From its own file.\n  expected_hidden_dim: 64\n" in draft(known, Tier.SMOKE)
    unknown = draft(facts(), Tier.SMOKE)
    assert re.search(r"^ +expected_", unknown, re.MULTILINE) is None
    assert "no source is at hand" in unknown


def test_comments_say_what_says_so() -> None:
    text = draft(facts(samples.QWEN2), Tier.MVP)
    assert re.search(r"^#   bias_qkv +model_type qwen2$", text, re.MULTILINE)
    assert re.search(r"^  # carry: bias_qkv: a lost or doubled addend", text, re.MULTILINE)
    assert re.search(r"^#   fused_q4k_matvec +quantization q4_k_m$", text, re.MULTILINE)
    assert "fused_q4k" not in draft(facts(samples.QWEN2), Tier.SMOKE)
    assert max(map(len, text.splitlines())) <= 160


def test_equal_facts_give_equal_texts() -> None:
    assert draft(facts(samples.GEMMA2), Tier.DEEP) == draft(facts(samples.GEMMA2), Tier.DEEP)


@pytest.mark.parametrize(
    ("repo", "whole", "name"),
    [
        ("Qwen/Qwen2.5-Coder-7B-Instruct", False, "qwen2.5-coder-7b-mvp"),
        ("google/gemma-2-2b-it", False, "gemma-2-2b-mvp"),
        ("google/gemma-2-2b-it", True, "gemma-2-2b-it-mvp"),
        ("mistralai/Mistral-7B-Instruct-v0.3", False, "mistral-7b-v0.3-mvp"),
        ("internlm/internlm2_5-7b-chat", False, "internlm2.5-7b-chat-mvp"),
        ("a/it", False, "model-mvp"),
        ("a/" + "x" * 300, False, "x" * 90 + "-mvp"),
    ],
)
def test_names_are_short_and_plain(repo: str, whole: bool, name: str) -> None:
    assert playbook_name(repo, Tier.MVP, whole=whole) == name


def test_a_text_that_would_not_load_is_given_to_nobody() -> None:
    good = draft(facts(), Tier.SMOKE)
    for planted in (
        good.replace("oracle: arithmetic", "oracle: { type: arithmetic, config: { nonsense: 1 } }", 1),
        good.replace("  seed: 42", "  sede: 42"),
        good.replace("timeout_ms: ", "timeout_ms: x"),
        good.replace("  tier: smoke", "  tier: smokey"),
    ):
        assert planted != good
        with pytest.raises(AprqaError, match="is not good"):
            checked(planted, "some-smoke")


def test_size_words_are_the_playbooks_own() -> None:
    assert [size.category for size in SIZES] == [it for it in SizeCategory if it is not SizeCategory.AUTO]
