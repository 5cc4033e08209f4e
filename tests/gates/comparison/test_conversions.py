"""Every gate on further conversions: falsified by a converter that does something wrong, corroborated by ours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from pytest_aprqa import embedded
from pytest_aprqa.conversion import Converted, ModelView, convert, open_model
from pytest_aprqa.core import Format, Outcome, Quantization
from pytest_aprqa.gates import COMPARISONS, Kind, judge_gate
from pytest_aprqa.gates.comparison import chains
from tests.gates.comparison.pairs import outcomes, pair_of

CONVERSIONS = [check for check in COMPARISONS if check.kind is Kind.CONVERSION]
BYTES = {"F-CONV-RT-BYTE-001", "F-CONV-IDEM-001"}
CASES = [(check.gate_id, format) for check in CONVERSIONS for format in sorted(check.formats)]
TENSORS = [case for case in CASES if case[0] not in BYTES]
SAME_BYTES = [case for case in CASES if case[0] in BYTES]


def artefact(format: Format, healthy: dict[str, Path]) -> Path:
    return {Format.GGUF: healthy["q8_0"], Format.APR: healthy["apr"], Format.SAFETENSORS: embedded.folder()}[format]


def shifted(path: Path) -> ModelView:
    """What a converter would leave that adds a hundredth to one matrix."""
    view = open_model(path)
    name = "model.layers.1.mlp.up_proj.weight"
    return replace(view, tensors={**view.tensors, name: replace(view.tensors[name], offset=-0.01)})


def losing(path: Path) -> ModelView:
    view = open_model(path)
    return replace(view, tensors={name: it for name, it in view.tensors.items() if "layers.1.mlp.up" not in name})


@pytest.mark.parametrize(
    ("gate_id", "format", "opened"),
    [*((*case, shifted) for case in TENSORS), *((*case, losing) for case in TENSORS[:1])],
)
def test_a_gate_fails_where_the_conversion_changes_or_loses_a_tensor(
    gate_id: str,
    format: Format,
    opened: Callable[[Path], ModelView],
    healthy: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = count()
    two_ways = gate_id in ("F-CONV-RT-004", "F-CONV-COM-001")
    # Of two ways that must agree, only the second one is spoilt.
    monkeypatch.setattr(
        chains, "open_model", lambda path: open_model(path) if two_ways and not next(calls) else opened(path)
    )
    verdict = judge_gate(gate_id, pair_of(artefact(format, healthy), tmp_path), alone=True)
    assert verdict.outcome is Outcome.FALSIFIED, verdict.reason
    assert "up_proj" in verdict.reason


@pytest.mark.parametrize(("gate_id", "format"), SAME_BYTES)
def test_a_gate_fails_where_the_conversion_writes_something_else_each_time(
    gate_id: str, format: Format, healthy: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = count()

    def stamped(source: Path, into: Path, *, format: Format, quantization: Quantization | None) -> Converted:
        made = convert(source, into, format=format, quantization=quantization)
        return replace(made, digest=f"{next(calls):064x}")

    monkeypatch.setattr(chains, "convert", stamped)
    verdict = judge_gate(gate_id, pair_of(artefact(format, healthy), tmp_path), alone=True)
    assert verdict.outcome is Outcome.FALSIFIED
    assert "other bytes" in verdict.reason


def test_the_ground_truth_comes_back_from_every_chain(tmp_path: Path) -> None:
    found = outcomes(pair_of(embedded.folder(), tmp_path))
    found = {gate_id: outcome for gate_id, outcome in found.items() if not gate_id.startswith("F-TRACE-")}
    assert set(found) == {gate_id for gate_id, format in CASES if format is Format.SAFETENSORS}
    assert set(found.values()) == {Outcome.CORROBORATED}
