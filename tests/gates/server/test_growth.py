from __future__ import annotations

import pytest

from pytest_aprqa.core import Outcome
from pytest_aprqa.gates.measured import Unjudgeable
from pytest_aprqa.gates.server import growth
from pytest_aprqa.gates.server.growth import GROWTH_BYTES, Held, grown, judge_growth
from pytest_aprqa.gates.server.table import judge_service
from tests.gates.server.planted import GROWTH, Plant
from tests.gates.server.standing import planted, process, standing


def test_a_process_that_keeps_nothing_stands() -> None:
    with process() as service:
        verdict = judge_growth(service)
    assert verdict.outcome is Outcome.CORROBORATED, verdict


@pytest.mark.parametrize("plant", GROWTH, ids=str)
def test_a_server_that_leaks_is_falsified(plant: Plant) -> None:
    with planted(plant) as service:
        verdict = judge_service(plant.gate_id, service, alone=True)
    assert verdict.outcome is Outcome.FALSIFIED, verdict
    assert plant.words in verdict.reason


def test_a_server_that_grows_once_and_then_no_more_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter([Held(2**30, 20), Held(2**30 + 8 * GROWTH_BYTES, 90), Held(2**30 + 8 * GROWTH_BYTES, 90)])
    monkeypatch.setattr(growth, "_held", lambda _: next(looks))
    with standing() as service:
        assert judge_growth(service).outcome is Outcome.CORROBORATED


def test_a_server_that_cannot_be_looked_at_is_not_judged() -> None:
    with standing(ours=False) as service, pytest.raises(Unjudgeable, match="cannot be looked at"):
        judge_growth(service)


def test_growth_is_the_larger_of_a_share_and_an_amount() -> None:
    small, large = 100 * 2**20, 10 * 2**30
    assert not grown(Held(small, None), Held(small + GROWTH_BYTES, None))
    assert grown(Held(small, None), Held(small + GROWTH_BYTES + 1, None))
    assert not grown(Held(large, 9), Held(large + 10 * GROWTH_BYTES, 9 + growth.GROWTH_DESCRIPTORS))
    assert grown(Held(large, 9), Held(large, 10 + growth.GROWTH_DESCRIPTORS))
