"""Artefacts without a defect raise no alarm, in any format and quantization."""

from __future__ import annotations

import pytest

from pytest_aprqa.core import Format
from tests.defects.conversion.artefacts import APR_F16, APR_Q4_K_M, GGUF_F16, GGUF_Q4_K_M, GGUF_Q8_0, HEALTHY, Artefact
from tests.defects.conversion.bench import Bench, falsified_ids, families, judge_all, judge_static

ASKED = (GGUF_F16, GGUF_Q8_0, GGUF_Q4_K_M, APR_F16, APR_Q4_K_M)
"""Those whose engines are asked here; `tests.defects.table` asks all."""


@pytest.mark.parametrize("artefact", HEALTHY, ids=[artefact.label for artefact in HEALTHY])
def test_healthy_files_raise_no_alarm(artefact: Artefact, bench: Bench) -> None:
    with bench.pair(artefact, bench.healthy(artefact)) as pair:
        verdicts = judge_static(artefact, pair)
        assert {gate_id: verdicts[gate_id].reason for gate_id in falsified_ids(verdicts)} == {}
        assert families(artefact, pair) == ()
    assert sum(verdict.outcome.passed for verdict in verdicts.values()) >= (
        10 if artefact.format is Format.SAFETENSORS else 20
    )


@pytest.mark.parametrize("artefact", ASKED, ids=[artefact.label for artefact in ASKED])
def test_healthy_models_raise_no_alarm_when_they_are_asked(artefact: Artefact, bench: Bench) -> None:
    for module in ("torch", "transformers", "xllamacpp", "cyllama"):
        pytest.importorskip(module)
    with bench.pair(artefact, bench.healthy(artefact)) as pair:
        verdicts = judge_all(artefact, bench, pair)
        assert {gate_id: verdicts[gate_id].reason for gate_id in falsified_ids(verdicts)} == {}
        assert families(artefact, pair) == ()
