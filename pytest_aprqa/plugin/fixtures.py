"""Fixtures of playbook items: each gateway is one, and asks for the one before it.

A conftest may override or request them. They are functions of the plugin, not of the suite's module, so that every
playbook sees the same ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_aprqa.core import Case, Gateway, Weights
    from pytest_aprqa.engines import Engine
    from pytest_aprqa.plugin.collect import PlaybookTrial


@pytest.fixture
def aprqa_trial(request: pytest.FixtureRequest) -> PlaybookTrial:
    """The playbook item on its way through the suite."""
    trial: PlaybookTrial | None = getattr(request.node, "aprqa", None)
    if trial is None:
        pytest.fail(
            f"{request.fixturename} is a fixture for items of *.playbook.yaml files, not for {request.node.name}"
        )
    return trial


@pytest.fixture
def case(aprqa_trial: PlaybookTrial) -> Case:
    """The case that a scenario item tests."""
    return aprqa_trial.case


@pytest.fixture
def enter(aprqa_trial: PlaybookTrial) -> Callable[[Gateway], None]:
    """Goes through a gateway of the item's target, or stops the item there."""
    return aprqa_trial.enter


@pytest.fixture
def weights(aprqa_trial: PlaybookTrial, enter: Callable[[Gateway], None]) -> Weights:
    """The model's files, which passed gateway G0 (integrity)."""
    return aprqa_trial.weights(enter)


@pytest.fixture
def engine(aprqa_trial: PlaybookTrial, weights: Weights, enter: Callable[[Gateway], None]) -> Engine:  # noqa: ARG001
    """The engine that loaded the target: it passed gateway G1 (load)."""
    return aprqa_trial.engine(enter)


@pytest.fixture
def awake(engine: Engine, aprqa_trial: PlaybookTrial, enter: Callable[[Gateway], None]) -> Engine:
    """The engine that has answered a simple prompt: it passed gateway G2 (inference)."""
    aprqa_trial.wake(enter)
    return engine


@pytest.fixture
def able(weights: Weights, aprqa_trial: PlaybookTrial, enter: Callable[[Gateway], None]) -> None:  # noqa: ARG001
    """The target passed the gateways G0 to G2; its engine may be closed by now."""
    aprqa_trial.go_through()


@pytest.fixture
def served(able: None, aprqa_trial: PlaybookTrial) -> None:  # noqa: ARG001 - G2 comes first
    """A server that holds the target is ready to be asked."""
    aprqa_trial.need_server()


@pytest.fixture
def ask(aprqa_trial: PlaybookTrial, request: pytest.FixtureRequest) -> Callable[[Case], None]:
    """Asks the engine, or the server of a ``serve`` case, judges the answer, keeps the record."""
    if "served" not in request.fixturenames:
        request.getfixturevalue("awake")  # G2 comes first
    return aprqa_trial.ask


@pytest.fixture
def examine(aprqa_trial: PlaybookTrial) -> Callable[[], None]:
    """Judges the item's check of its target, keeps the record."""
    return aprqa_trial.examine
