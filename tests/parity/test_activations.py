from __future__ import annotations

import numpy as np
import pytest

from pytest_aprqa.parity import first_divergence, layer_cosines


def outputs(seed: int = 0) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=(10, 64)) for name in ("embedding", "layer.0", "layer.1", "final_norm")}


def test_equal_layers_have_cosine_one() -> None:
    assert set(layer_cosines(outputs(), outputs()).values()) == {1.0}


def test_the_first_layer_that_differs_is_named() -> None:
    other = outputs() | {name: outputs(1)[name] for name in ("layer.1", "final_norm")}
    assert first_divergence(layer_cosines(outputs(), other), 0.99) == "layer.1"
    assert first_divergence(layer_cosines(outputs(), outputs()), 0.99) is None


def test_one_huge_position_does_not_decide_alone() -> None:
    reference, other = outputs(), outputs(1)
    reference["layer.0"][0] *= 1e6
    other["layer.0"][0] = reference["layer.0"][0]
    assert layer_cosines(reference, other)["layer.0"] < 0.4


def test_nan_is_as_far_as_can_be() -> None:
    other = outputs()
    other["layer.0"][:5] = np.nan
    assert layer_cosines(outputs(), other)["layer.0"] == pytest.approx(0.0)
    other["layer.0"][:] = np.nan
    assert layer_cosines(outputs(), other)["layer.0"] == -1.0


def test_a_layer_of_another_shape_differs() -> None:
    other = outputs() | {"layer.0": np.zeros((3, 3))}
    assert first_divergence(layer_cosines(outputs(), other), 0.5) == "layer.0"


def test_a_nan_cosine_diverges() -> None:
    assert first_divergence({"layer.0": float("nan")}, 0.5) == "layer.0"
