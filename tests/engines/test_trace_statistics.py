"""What is told of an output, against NumPy over the whole of it."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_aprqa.engines import ModuleKind, trace_statistics
from pytest_aprqa.engines.trace_statistics import describe

VALUES = np.random.default_rng(0).normal(3.0, 2.0, (7, 11)).astype(np.float32)


@pytest.mark.parametrize("block_values", [1, 20, 2**20])
def test_finite_values_are_described_as_numpy_does(monkeypatch: pytest.MonkeyPatch, block_values: int) -> None:
    monkeypatch.setattr(trace_statistics, "_BLOCK_VALUES", block_values)
    values = VALUES.copy()
    values[2, 3] = 0.0
    wide = values.astype(np.float64)
    trace = describe("a.b", ModuleKind.MLP, values)
    assert (trace.name, trace.kind, trace.shape, trace.nan, trace.inf) == ("a.b", ModuleKind.MLP, (7, 11), 0, 0)
    assert trace.mean == pytest.approx(wide.mean(), rel=1e-12)
    assert trace.std == pytest.approx(wide.std(), rel=1e-12)
    assert trace.rms == pytest.approx(np.sqrt((wide**2).mean()), rel=1e-12)
    assert trace.max_abs == float(np.abs(wide).max())
    assert trace.zero_fraction == 1 / 77
    assert trace.spread == pytest.approx(wide.std(axis=0).max(), rel=1e-12)


def test_what_is_not_finite_is_counted_and_left_out() -> None:
    values = VALUES.copy()
    values[0, 0], values[1, 1], values[2, 2] = np.nan, np.inf, -np.inf
    kept = values[np.isfinite(values)].astype(np.float64)
    trace = describe("a", ModuleKind.LAYER, values)
    assert (trace.nan, trace.inf) == (1, 2)
    assert trace.mean == pytest.approx(kept.mean(), rel=1e-12)
    assert trace.max_abs == float(np.abs(kept).max())
    assert trace.spread == pytest.approx(values[:, 3:].astype(np.float64).std(axis=0).max(), rel=1e-12)


def test_nothing_finite_leaves_zeros_and_counts() -> None:
    trace = describe("a", ModuleKind.LAYER, np.full((2, 3), np.nan, np.float32))
    assert (trace.nan, trace.mean, trace.std, trace.rms, trace.max_abs, trace.spread) == (6, 0, 0, 0, 0, 0)
    assert describe("a", ModuleKind.LAYER, np.empty((0, 3), np.float32)).zero_fraction == 0


def test_the_same_everywhere_deviates_by_nothing_at_all() -> None:
    everywhere = describe("a", ModuleKind.LAYER, np.full((30, 7), 0.1, np.float32))
    assert (everywhere.std, everywhere.spread) == (0.0, 0.0)
    at_every_token = describe("a", ModuleKind.LAYER, np.repeat(VALUES[:1], 30, axis=0))
    assert at_every_token.spread == 0.0
    assert at_every_token.std > 1


def test_the_largest_float32_does_not_overflow() -> None:
    trace = describe("a", ModuleKind.HEAD, np.full((2, 2, 2), np.finfo(np.float32).max, np.float32))
    assert (trace.shape, trace.inf) == ((2, 2, 2), 0)
    assert trace.rms == pytest.approx(3.4028e38, rel=1e-4)
