"""Every gate that asks engines: falsified by its own defect, corroborated without it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_aprqa.core import Format, Outcome
from pytest_aprqa.gates import COMPARISONS, Kind, judge_gate
from tests.gates.comparison.pairs import OPTIONS, pair_of
from tests.gates.comparison.stand_in import StandIn
from tests.gates.comparison.test_traces import FAULTS

OVER_TEXT = (
    "F-ROSETTA-INF-002",
    "F-KL-MEAN-001",
    "F-KL-TAIL-001",
    "F-KL-MAX-001",
    "F-TOP1-001",
    "F-TOPK-001",
    "F-PPL-001",
)
DEFECTS: dict[str, dict[str, Any]] = {
    "F-TOKEN-SPECIAL-001": {"specials_moved": True},
    "F-TOKEN-IDS-001": {"shift": 1},
    "F-TOKEN-BYTES-001": {"bytes_lost": True},
    "F-TOKEN-BOS-001": {"bos": 2},
    "F-CONTRACT-I5-001": {"eats_spaces": True},
    "F-SEC-INJECT-001": {"smuggles": True},
    "F-CHAT-TEMPLATE-001": {"template": "{role}: {content}\n"},
    "F-LOGIT-NMSE-001": {"noise": 3.0},
    "F-LOGIT-LONG-001": {"noise": 3.0, "noise_from": OPTIONS.long_tokens},
    "F-ROSETTA-INF-003": {"flood": True},
    "F-ROSETTA-INF-001": {"other_words": True},
    "F-CONTRACT-I1-001": {"other_words": True},
    **{gate_id: {"noise": 6.0, "noise_from": OPTIONS.positions} for gate_id in OVER_TEXT},
}
LAYERS = {"F-TRACE-DIFF-001": "turned"}


def test_every_gate_that_asks_engines_has_a_defect_here() -> None:
    asking = {check.gate_id for check in COMPARISONS if check.kind is Kind.PARITY and Format.GGUF in check.formats}
    assert {*DEFECTS, *LAYERS, *FAULTS} == asking | {"F-CONTRACT-I1-001", "F-CONTRACT-I5-001"}


@pytest.mark.parametrize("gate_id", DEFECTS)
def test_a_gate_fails_on_its_defect(gate_id: str, healthy: dict[str, Path], tmp_path: Path) -> None:
    theirs = StandIn(**DEFECTS[gate_id])
    verdict = judge_gate(gate_id, pair_of(healthy["f32"], tmp_path, ours=StandIn(), theirs=theirs), alone=True)
    assert verdict.outcome is Outcome.FALSIFIED, verdict.reason
    assert verdict.compared > 0


@pytest.mark.parametrize("gate_id", DEFECTS)
def test_a_gate_stands_where_both_say_the_same(gate_id: str, healthy: dict[str, Path], tmp_path: Path) -> None:
    verdict = judge_gate(gate_id, pair_of(healthy["f32"], tmp_path, ours=StandIn(), theirs=StandIn()), alone=True)
    assert verdict.outcome is Outcome.CORROBORATED, verdict.reason
    assert verdict.compared > 0


@pytest.mark.parametrize("gate_id", LAYERS)
def test_a_gate_of_layers_names_the_first_one_that_fails(
    gate_id: str, healthy: dict[str, Path], tmp_path: Path
) -> None:
    wrong = StandIn(layer=2, layer_fault=LAYERS[gate_id])
    verdict = judge_gate(gate_id, pair_of(healthy["f32"], tmp_path, ours=StandIn(), traced=wrong), alone=True)
    assert verdict.outcome is Outcome.FALSIFIED
    assert verdict.details["first_layer"] == "layer.1"
    sound = judge_gate(
        gate_id, pair_of(healthy["f32"], tmp_path / "sound", ours=StandIn(), traced=StandIn()), alone=True
    )
    assert sound.outcome is Outcome.CORROBORATED


def test_the_layers_of_an_apr_file_are_those_of_its_own_engine(healthy: dict[str, Path], tmp_path: Path) -> None:
    pair = pair_of(healthy["apr"], tmp_path, ours=StandIn(), theirs=StandIn(layer=1))
    assert judge_gate("F-TRACE-DIFF-001", pair).details["first_layer"] == "layer.0"


def test_logits_that_are_not_finite_are_refuted(healthy: dict[str, Path], tmp_path: Path) -> None:
    pair = pair_of(healthy["f32"], tmp_path, ours=StandIn(), theirs=StandIn(not_finite=True))
    assert "not finite" in judge_gate("F-LOGIT-NMSE-001", pair).reason


def test_a_parting_where_the_ground_truth_is_undecided_is_none(healthy: dict[str, Path], tmp_path: Path) -> None:
    limits = {"greedy_margin": 100.0}
    pair = pair_of(healthy["f32"], tmp_path, ours=StandIn(), theirs=StandIn(other_words=True), limits=limits)
    verdict = judge_gate("F-ROSETTA-INF-001", pair, alone=True)
    assert verdict.outcome is Outcome.CORROBORATED
    assert "undecided" in verdict.reason
    assert "set by the playbook" in verdict.reason


def test_a_limit_inside_the_interval_is_said(healthy: dict[str, Path], tmp_path: Path) -> None:
    pair = pair_of(healthy["f32"], tmp_path, ours=StandIn(), theirs=StandIn(noise=0.5, noise_from=OPTIONS.positions))
    value = pair.text_divergence.kl_mean.value
    pair.limits = {"kl_mean": value * 1.001}
    verdict = judge_gate("F-KL-MEAN-001", pair, alone=True)
    assert verdict.outcome is Outcome.CORROBORATED
    assert "the limit lies inside the interval" in verdict.reason


def test_a_context_too_short_for_a_long_prompt_is_inconclusive(healthy: dict[str, Path], tmp_path: Path) -> None:
    pair = pair_of(healthy["f32"], tmp_path, ours=StandIn(), theirs=StandIn())
    pair.reference = replace(pair.reference, config={**pair.reference.config, "max_position_embeddings": 256})
    verdict = judge_gate("F-LOGIT-LONG-001", pair, alone=True)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "context of 256" in verdict.reason


def test_a_long_prompt_fills_a_context_that_takes_no_longer_one(healthy: dict[str, Path], tmp_path: Path) -> None:
    pair = pair_of(healthy["f32"], tmp_path, ours=StandIn(), theirs=StandIn())
    pair.options = type(OPTIONS)(long_tokens=4100)
    assert len(pair.ours.long_row) == 2048
