"""The table of model types agrees with what other rooms know of the same ones."""

from __future__ import annotations

import pytest

from pytest_aprqa.conversion.families import FAMILIES as CONVERTED
from pytest_aprqa.conversion.families import Family
from pytest_aprqa.gates.architecture import ARCHITECTURES
from pytest_aprqa.kernels.families import FAMILIES


@pytest.mark.parametrize("family", CONVERTED, ids=lambda family: family.model_type)
def test_conversion_knows_the_same_norms_gates_and_heads(family: Family) -> None:
    traits = FAMILIES[family.model_type]
    assert traits.norm == ("layer_norm" if family.layer_norm else "rms_norm")
    assert traits.gated is not ("mlp.c_fc" in family.parts)
    assert bool(traits.qk_norm) is ("self_attn.q_norm" in family.parts)
    assert (traits.placement == "sandwich_norm") is ("pre_feedforward_layernorm" in family.parts)
    assert traits.tied or not family.always_tied


@pytest.mark.parametrize("model_type", sorted(ARCHITECTURES))
def test_the_gates_know_the_same_tensors(model_type: str) -> None:
    traits, architecture = FAMILIES[model_type], ARCHITECTURES[model_type]
    layer, switches = architecture.layer, architecture.switched
    assert bool(traits.qkv_bias) is ("self_attn.q_proj.bias" in layer)
    assert bool(traits.qk_norm) is ("self_attn.q_norm.weight" in layer)
    assert traits.tied is architecture.tied
    assert {key for _, key in traits.bias_switches} == set(switches)
    assert (traits.placement == "post_norm") is ("input_layernorm.weight" not in layer)
