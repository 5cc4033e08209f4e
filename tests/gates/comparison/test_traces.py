"""Every gate on what flows through the modules: falsified by its defect, which it names, and standing without it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pytest_aprqa import embedded
from pytest_aprqa.core import Outcome
from pytest_aprqa.gates import Pair, judge_gate
from tests.gates.comparison.pairs import pair_of
from tests.gates.comparison.stand_in import MODULES, StandIn

MLP, NORM, ATTENTION = "model.layers.1.mlp", "model.layers.1.input_layernorm", "model.layers.2.self_attn"
SENSE = "The answer to this classic math problem is 4."
SILLY = "money money money money money money money money money money money money money money money"
FAULTS = {
    "F-TRACE-PAYLOAD-001": StandIn(modules={MLP: "nan", ATTENTION: "inf"}),
    "F-TRACE-PAYLOAD-003": StandIn(modules={MLP: "5", ATTENTION: "5"}),
    "F-TRACE-006": StandIn(modules={MLP: "30", ATTENTION: "30"}),
    "F-TRACE-DEAD-001": StandIn(modules={MLP: "same", ATTENTION: "0"}),
    "F-TRACE-PAYLOAD-002": StandIn(said=SILLY),
}
ALONE = {
    "F-TRACE-PAYLOAD-001": FAULTS["F-TRACE-PAYLOAD-001"],
    "F-TRACE-006": StandIn(modules={MLP: "100000", ATTENTION: "100000"}),
    "F-TRACE-DEAD-001": FAULTS["F-TRACE-DEAD-001"],
    "F-TRACE-PAYLOAD-002": FAULTS["F-TRACE-PAYLOAD-002"],
}
"""For the ground truth, which there is nothing to compare with."""


def llama_names(name: str) -> str:
    layer = "".join(filter(str.isdigit, name))
    parts = {
        "input_layernorm": "attn_norm-",
        "self_attn": "attn_out-",
        "post_attention_layernorm": "ffn_norm-",
        "mlp": "ffn_out-",
        "embed_tokens": "embd",
        "norm": "result_norm",
        "lm_head": "result_output",
    }
    return parts.get(name.rpartition(".")[2], "l_out-") + layer


def sound() -> StandIn:
    return StandIn(said=SENSE)


def ground_truth(scratch: Path, engine: StandIn) -> Pair:
    return pair_of(embedded.folder(), scratch, ours=engine)


@pytest.mark.parametrize("gate_id", FAULTS)
def test_a_gate_names_the_first_module_that_is_wrong(gate_id: str, healthy: dict[str, Path], tmp_path: Path) -> None:
    pair = pair_of(healthy["apr"], tmp_path, ours=sound(), theirs=FAULTS[gate_id])
    verdict = judge_gate(gate_id, pair, alone=True)
    assert verdict.outcome is Outcome.FALSIFIED, verdict.reason
    if gate_id != "F-TRACE-PAYLOAD-002":
        assert verdict.details["first_module"] == MLP
        assert MLP in verdict.reason


@pytest.mark.parametrize("gate_id", FAULTS)
def test_a_gate_stands_where_both_give_the_same(gate_id: str, healthy: dict[str, Path], tmp_path: Path) -> None:
    verdict = judge_gate(gate_id, pair_of(healthy["apr"], tmp_path, ours=sound(), theirs=sound()), alone=True)
    assert verdict.outcome is Outcome.CORROBORATED, verdict.reason
    assert verdict.compared > 1


@pytest.mark.parametrize("gate_id", ALONE)
def test_the_ground_truth_itself_is_traced(gate_id: str, tmp_path: Path) -> None:
    assert judge_gate(gate_id, ground_truth(tmp_path, sound())).outcome is Outcome.CORROBORATED
    assert judge_gate(gate_id, ground_truth(tmp_path, ALONE[gate_id]), alone=True).outcome is Outcome.FALSIFIED


def test_values_that_only_float16_cannot_hold_are_an_explosion_in_its_files(
    healthy: dict[str, Path], tmp_path: Path
) -> None:
    # Higher than float16 reaches, and no steep leap: what the embedding gives is already large.
    large = StandIn(modules=dict.fromkeys(MODULES, "30000"))
    for stored, outcome in {"f32": Outcome.CORROBORATED, "f16": Outcome.FALSIFIED}.items():
        pair = ground_truth(tmp_path, large)
        tensors = {
            name: replace(view, entry=replace(view.entry, dtype=stored.upper()))
            for name, view in pair.reference.tensors.items()
        }
        pair.memory["artefact"] = replace(pair.reference, tensors=tensors)
        assert judge_gate("F-TRACE-006", pair).outcome is outcome


def test_modules_of_another_programs_names_are_held_against_those_in_their_place(
    healthy: dict[str, Path], tmp_path: Path
) -> None:
    names = {name: llama_names(name) for name in MODULES}
    for gate_id in ("F-TRACE-PAYLOAD-003", "F-TRACE-006"):
        wrong = replace(FAULTS[gate_id], names=names)
        verdict = judge_gate(gate_id, pair_of(healthy["f32"], tmp_path, ours=sound(), theirs=wrong), alone=True)
        assert verdict.details["first_module"] == "ffn_out-1"
    stands = judge_gate(
        "F-TRACE-PAYLOAD-003", pair_of(healthy["f32"], tmp_path, ours=sound(), theirs=StandIn(names=names))
    )
    assert stands.compared == len(MODULES) - 1  # the embedding may be scaled in one program and not yet in the other


def test_norms_of_another_number_are_not_held_against_each_other(healthy: dict[str, Path], tmp_path: Path) -> None:
    names = {name: llama_names(name) for name in MODULES if name != "model.layers.1.post_attention_layernorm"}
    theirs = StandIn(names=names, modules={NORM: "100"})
    pair = pair_of(healthy["f32"], tmp_path, ours=sound(), theirs=theirs)
    assert judge_gate("F-TRACE-PAYLOAD-003", pair).outcome is Outcome.CORROBORATED


def test_an_engine_that_shows_no_modules_is_replaced_by_the_ground_truths(
    healthy: dict[str, Path], tmp_path: Path
) -> None:
    poisoned = StandIn(modules={MLP: "nan"})
    pair = pair_of(healthy["q8_0"], tmp_path, ours=sound(), theirs=StandIn(traces=False), traced=poisoned)
    verdict = judge_gate("F-TRACE-PAYLOAD-001", pair)
    assert verdict.outcome is Outcome.FALSIFIED
    assert verdict.details["traced"] == "with its tensors in the ground truth's architecture"
    nobody = pair_of(healthy["q8_0"], tmp_path / "nobody", ours=sound(), theirs=StandIn(traces=False))
    assert judge_gate("F-TRACE-PAYLOAD-001", nobody).outcome is Outcome.INCONCLUSIVE


def test_one_token_is_no_evidence_of_sameness_but_zeros_are(tmp_path: Path) -> None:
    for fault, outcome in {"same": Outcome.CORROBORATED, "0": Outcome.FALSIFIED}.items():
        pair = ground_truth(tmp_path, StandIn(bos=0, modules={MLP: fault}))
        pair.options = replace(pair.options, trace_prompt="aaaa")
        assert judge_gate("F-TRACE-DEAD-001", pair).outcome is outcome


def test_garbage_that_the_ground_truth_says_too_is_not_the_artefacts(healthy: dict[str, Path], tmp_path: Path) -> None:
    both = pair_of(healthy["apr"], tmp_path, ours=StandIn(said=SILLY), theirs=StandIn(said=SILLY))
    verdict = judge_gate("F-TRACE-PAYLOAD-002", both)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "so is the ground truth's" in verdict.reason


def test_a_model_that_stops_at_once_gives_no_text_to_judge(tmp_path: Path) -> None:
    assert judge_gate("F-TRACE-PAYLOAD-002", ground_truth(tmp_path, StandIn(said=""))).outcome is Outcome.INCONCLUSIVE
