"""The bench lets an engine answer one of its batches at a time, and the batches are those of the whole cell."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pytest

from pytest_aprqa.core import Answer, Case, Completion, Finish, Metrics, Request
from pytest_aprqa.engines import Engine, EngineFacts, Limits, Result
from pytest_aprqa.engines.batches import plan as batches_of
from pytest_aprqa.suite import Bench, BenchSetup, Plan, Shelf, plan_playbook

PLAYBOOK = """
name: batched
version: "1.0.0"
model: {hf_repo: acme/tiny, formats: [safetensors]}
test_matrix: {modalities: [run, chat], backends: [cpu], scenario_count: 12, prompts: ["What is 2+2?"]}
metadata: {tier: smoke}
"""
ANSWER = (Answer("4", (4,), Finish.STOP, 3),)


class Recording:
    """An engine of batches of three, which remembers what it was asked together."""

    facts = EngineFacts("recording", {}, "cpu", "float32", 1, True, None, 0.0, None)

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []

    def generate(self, requests: Sequence[Request]) -> tuple[Result, ...]:
        self.asked.append(tuple(request.id for request in requests))
        return tuple(Completion(one.id, ANSWER, Metrics(1.0, 3, 1, len(requests))) for one in requests)

    def batches(self, requests: Sequence[Request]) -> tuple[tuple[int, ...], ...]:
        return batches_of(dict(enumerate(requests)), max_batch=3)


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    path = tmp_path / "batched.playbook.yaml"
    path.write_text(PLAYBOOK)
    return plan_playbook(path, {}, strict=True, unavailable={})


def asked(plan: Plan, cases: Sequence[Case]) -> list[tuple[str, ...]]:
    """What goes to the engine together where only these cases are run."""
    engine, bench = Recording(), Bench(BenchSetup(Limits(threads=1)), cast("Shelf", None))
    for case in cases:
        reply = bench.answer(plan, case, cast("Engine", engine), ahead={one.id for one in cases})
        assert isinstance(reply.result, Completion)
        assert reply.result.request_id == case.id
        assert case.id not in {one.id for one, _ in reply.beside}
    return engine.asked


def test_a_cell_is_asked_one_batch_at_a_time_and_each_case_once(plan: Plan) -> None:
    together = asked(plan, plan.cases)
    assert sorted(id for batch in together for id in batch) == sorted(case.id for case in plan.cases)
    assert max(map(len, together)) == 3
    assert all(len({id.partition("[")[0] for id in batch}) == 1 for batch in together)


def test_a_selection_is_asked_in_the_batches_of_its_cell(plan: Plan) -> None:
    whole = {id: batch for batch in asked(plan, plan.cases) for id in batch}
    for part in asked(plan, plan.cases[1::2]):
        assert part == tuple(id for id in whole[part[0]] if id in part)
    assert asked(plan, plan.cases[::-1])[-1] in whole.values()


def test_a_case_that_is_alone_in_its_process_is_asked_alone(plan: Plan) -> None:
    engine, bench = Recording(), Bench(BenchSetup(Limits(threads=1)), cast("Shelf", None))
    assert bench.answer(plan, plan.cases[0], cast("Engine", engine), ahead=()).beside == ()
    assert engine.asked == [(plan.cases[0].id,)]
