"""The qualification, as ordinary test functions: the code of every playbook.

Playbook items are made from these functions; `case`, `gateway` and the rest are fixtures of the plugin, which a
conftest may override or request.
"""

from __future__ import annotations

from collections.abc import Callable

from pytest_aprqa.core import Case, Gateway

Enter = Callable[[Gateway], None]
Ask = Callable[[Case], None]
Compare = Callable[[], None]


def integrity(enter: Enter) -> None:
    """G0: the files are whole, agree with each other, and hold weights that can be real."""
    enter(Gateway.G0)


def load(weights: object, enter: Enter) -> None:  # noqa: ARG001 - requested for its effect: G0 comes first
    """G1: an engine loads the model."""
    enter(Gateway.G1)


def inference(engine: object, enter: Enter) -> None:  # noqa: ARG001 - requested for its effect: G1 comes first
    """G2: the model answers a simple prompt."""
    enter(Gateway.G2)


def stability(enter: Enter) -> None:
    """G3: none of the target's well-formed requests crashed the engine."""
    enter(Gateway.G3)


def quality(enter: Enter) -> None:
    """G4: at most a quarter of what the target generated is garbage."""
    enter(Gateway.G4)


def contract(weights: object, compare: Compare) -> None:  # noqa: ARG001 - requested for its effect: G0 comes first
    """The artefact's files keep what the ground truth's files say."""
    compare()


def parity(awake: object, compare: Compare) -> None:  # noqa: ARG001 - requested for its effect: G2 comes first
    """The artefact's engine computes what the ground truth computes."""
    compare()


def conversion(weights: object, compare: Compare) -> None:  # noqa: ARG001 - requested for its effect: G0 comes first
    """Converting the artefact onward, back or twice loses nothing."""
    compare()


def run(case: Case, ask: Ask) -> None:
    """One prompt, fresh state: the answer is judged by the scenario's oracle."""
    ask(case)


def chat(case: Case, ask: Ask) -> None:
    """A conversation whose earlier answers are fed back: the last answer is judged, all are checked for garbage."""
    ask(case)


def serve(case: Case, ask: Ask) -> None:
    """One request to a server that holds the model."""
    ask(case)
