from __future__ import annotations

from dataclasses import fields

import pytest

from pytest_aprqa.core import Json
from pytest_aprqa.gates.sizes import Sizes, sizes_of
from pytest_aprqa.kernels import EXPECTED, KEYS


@pytest.mark.parametrize(
    ("config", "kv_heads"),
    [
        ({"num_attention_heads": 8, "num_key_value_heads": 2}, 2),
        ({"n_head": 8, "n_head_kv": 2}, 2),
        ({"n_head": 8}, 8),
    ],
)
def test_heads_of_keys_are_read_under_each_name(config: dict[str, Json], kv_heads: int) -> None:
    assert sizes_of(config).kv_heads == kv_heads


def test_every_size_has_keys_and_every_expectation_a_size() -> None:
    sizes = {each.name for each in fields(Sizes)}
    assert sizes <= set(KEYS)
    assert set(EXPECTED.values()) <= sizes
