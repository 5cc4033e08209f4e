"""The table of known deviations against the bundled servers themselves, one of each kind with the embedded model."""

from __future__ import annotations

import pytest

from pytest_aprqa.core import EngineUnavailable, Outcome
from pytest_aprqa.gates.server.known import KNOWN, LLAMA_CPP, TRANSFORMERS
from pytest_aprqa.gates.server.table import judge_service
from tests.gates.server.planted import FUNCTIONAL
from tests.serving.bundled import Bundled

KINDS = {LLAMA_CPP: "llama_cpp", TRANSFORMERS: "transformers_serve"}
SILENT = "F-HTTP-003"
"""Neither server tells on what it computes, and need not: there is nothing to judge."""
CASES = sorted({(kind, gate_id) for kind in KINDS for gate_id in FUNCTIONAL} | set(KNOWN))


@pytest.mark.parametrize(("kind", "gate_id"), CASES)
def test_a_bundled_server_deviates_where_the_table_says_and_nowhere_else(
    request: pytest.FixtureRequest, kind: str, gate_id: str
) -> None:
    bundled: Bundled = request.getfixturevalue(KINDS[kind])
    try:
        server = bundled.server()
    except EngineUnavailable as exc:
        pytest.skip(str(exc))
    verdict = judge_service(gate_id, bundled.service)
    expected = Outcome.FALSIFIED if (kind, gate_id) in KNOWN else Outcome.CORROBORATED
    assert server.kind == kind
    assert verdict.outcome is (Outcome.INCONCLUSIVE if gate_id == SILENT else expected), verdict.reason
