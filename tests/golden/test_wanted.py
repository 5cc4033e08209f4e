from __future__ import annotations

import pytest

from pytest_aprqa.core import Json
from pytest_aprqa.golden import Wanted, read_hf_parity


@pytest.mark.parametrize(
    ("config", "wanted"),
    [
        ({}, Wanted("")),
        ({"corpus_path": "x"}, Wanted("x")),
        ({"corpus_path": "x", "tolerance": "fp32"}, Wanted("x", "f32")),
        ({"tolerance": "INT4"}, Wanted("", "q4_0")),
        ({"tolerance": "bf16"}, Wanted("", "bf16")),
        ({"tolerance": "q5_k_m"}, Wanted("", "q5_k_m")),
        ({"tolerance": 1e-5}, Wanted("", None, {"logit_nmse": 1e-5})),
        ({"tolerance": {"golden_kl": 0.5, "top1": 1}}, Wanted("", None, {"golden_kl": 0.5, "top1": 1.0})),
    ],
)
def test_what_a_playbook_may_ask_for(config: dict[str, Json], wanted: Wanted) -> None:
    assert read_hf_parity(config) == wanted


@pytest.mark.parametrize(
    "config",
    [
        {"path": "x"},
        {"corpus_path": 3},
        {"tolerance": "fp4"},
        {"tolerance": True},
        {"tolerance": -1},
        {"tolerance": float("nan")},
        {"tolerance": [1]},
        {"tolerance": {"kl": 0.1}},
        {"tolerance": {"golden_kl": "small"}},
    ],
)
def test_what_makes_no_sense_is_refused(config: dict[str, Json]) -> None:
    with pytest.raises(ValueError, match="expected"):
        read_hf_parity(config)
