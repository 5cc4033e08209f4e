from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from pytest_aprqa.parity import MOMENTS, RANGES, Role, Stat, deviations, fingerprint, role_of
from pytest_aprqa.parity import fingerprint as fingerprint_function
from pytest_aprqa.parity.fingerprint import PIECE


def weights() -> NDArray[np.float32]:
    return np.random.default_rng(0).normal(0.01, 0.02, (64, 128)).astype(np.float32)


def test_statistics_are_those_of_numpy() -> None:
    values = weights()
    print_ = fingerprint(values)
    wide = values.astype(np.float64)
    assert print_.mean == pytest.approx(wide.mean())
    assert print_.std == pytest.approx(wide.std())
    assert print_.l2 == pytest.approx(float(np.linalg.norm(wide)))
    assert (print_.min, print_.max) == (values.min(), values.max())
    assert print_.p95 == pytest.approx(np.percentile(values, 95))


def test_a_small_spread_around_a_large_mean_is_not_lost() -> None:
    values = np.float32(1000) + np.arange(8, dtype=np.float32) / 1000
    assert fingerprint(values).std == pytest.approx(float(values.astype(np.float64).std()))


def test_what_is_not_finite_is_counted_and_left_out() -> None:
    values = np.array([1.0, np.nan, np.inf, -np.inf, 0.0, 3.0], np.float32)
    print_ = fingerprint(values)
    assert (print_.values, print_.nan_count, print_.inf_count) == (3, 1, 2)
    assert print_.mean == pytest.approx(4 / 3)
    assert (print_.min, print_.max) == (0.0, 3.0)
    assert print_.zero_fraction == pytest.approx(1 / 3)


@pytest.mark.parametrize("values", [np.zeros(0), np.full(4, np.nan)])
def test_no_finite_value_has_no_statistics(values: NDArray[np.float64]) -> None:
    print_ = fingerprint(values)
    assert print_.values == 0
    assert set(deviations(print_, print_).values()) == {math.inf}


def test_pieces_are_joined_as_numpy_sees_the_whole() -> None:
    values = np.random.default_rng(1).normal(5.0, 0.01, 3 * PIECE + 77).astype(np.float32)
    values[PIECE + 3], values[-1], values[7] = np.nan, np.inf, -np.inf
    print_, kept = fingerprint(values), values[np.isfinite(values)]
    assert (print_.values, print_.nan_count, print_.inf_count) == (kept.size, 1, 2)
    assert print_.std == pytest.approx(float(kept.astype(np.float64).std()), rel=1e-9)
    assert [print_.p5, print_.p50, print_.p95] == pytest.approx(np.percentile(kept, (5, 50, 95)).tolist())
    assert (print_.min, print_.max) == (kept.min(), kept.max())


def test_equal_fingerprints_do_not_deviate() -> None:
    moved = deviations(fingerprint(weights()), fingerprint(weights()))
    assert set(moved) == set(Stat) == MOMENTS | RANGES
    assert set(moved.values()) == {0.0}


@pytest.mark.parametrize("factor", [1e-3, 1.0, 1e3])
def test_deviations_need_no_scale(factor: float) -> None:
    reference = fingerprint(factor * weights())
    moved = deviations(reference, fingerprint(factor * (weights() + np.float32(0.002))))
    assert moved[Stat.MEAN] == pytest.approx(0.1, rel=0.05)


def test_a_lost_value_or_a_nan_is_infinitely_far() -> None:
    broken = weights()
    broken[0, 0] = np.nan
    assert deviations(fingerprint(weights()), fingerprint(broken))[Stat.MEAN] == math.inf


def test_a_constant_norm_is_measured_by_its_size() -> None:
    ones = np.ones(32)
    assert deviations(fingerprint(ones), fingerprint(ones + 0.01))[Stat.MEAN] == pytest.approx(0.01)
    assert deviations(fingerprint(ones), fingerprint(0 * ones))[Stat.MEAN] == 1.0


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("model.embed_tokens.weight", Role.EMBEDDING),
        ("lm_head.weight", Role.LM_HEAD),
        ("model.norm.weight", Role.NORM),
        ("model.layers.1.input_layernorm.weight", Role.NORM),
        ("model.layers.1.self_attn.q_norm.weight", Role.NORM),
        ("model.layers.1.self_attn.k_proj.bias", Role.ATTENTION),
        ("model.layers.11.mlp.down_proj.weight", Role.FFN),
        ("transformer.h.0.ln_1.weight", Role.NORM),
        ("something.else", Role.OTHER),
    ],
)
def test_roles_are_read_from_names(name: str, role: Role) -> None:
    assert role_of(name) is role


def test_the_room_offers_the_function_under_its_file_s_name() -> None:
    assert fingerprint_function is fingerprint
