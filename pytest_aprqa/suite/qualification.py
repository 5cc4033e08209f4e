"""The qualification, as ordinary test functions: the code of every playbook.

Playbook items are made from these functions; `case`, `gateway` and the rest are fixtures of the plugin, which a
conftest may override or request.
"""

from __future__ import annotations

from collections.abc import Callable

from pytest_aprqa.core import Case, Gateway

Enter = Callable[[Gateway], None]
Ask = Callable[[Case], None]
Examine = Callable[[], None]


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


def contract(weights: object, examine: Examine) -> None:  # noqa: ARG001 - requested for its effect: G0 comes first
    """The artefact's files keep what the ground truth's files say."""
    examine()


def parity(awake: object, examine: Examine) -> None:  # noqa: ARG001 - requested for its effect: G2 comes first
    """The artefact's engine computes what the ground truth computes."""
    examine()


def conversion(weights: object, examine: Examine) -> None:  # noqa: ARG001 - requested for its effect: G0 comes first
    """Converting the artefact onward, back or twice loses nothing."""
    examine()


def run(case: Case, ask: Ask) -> None:
    """One prompt, fresh state: the answer is judged by the scenario's oracle."""
    ask(case)


def chat(case: Case, ask: Ask) -> None:
    """A conversation whose earlier answers are fed back: the last answer is judged, all are checked for garbage."""
    ask(case)


def state(awake: object, examine: Examine) -> None:  # noqa: ARG001 - requested for its effect: G2 comes first
    """What came before, and what is computed beside it, changes no answer."""
    examine()


def profile(awake: object, examine: Examine) -> None:  # noqa: ARG001 - requested for its effect: G2 comes first
    """The target is as fast and as small as it has to be, measured alone."""
    examine()


def server(able: object, examine: Examine) -> None:  # noqa: ARG001 - requested for its effect: G0 to G2 come first
    """What a client sees of a server that holds the model."""
    examine()


def serve(served: object, case: Case, ask: Ask) -> None:  # noqa: ARG001 - requested for its effect: the server is up
    """A request to a server that holds the model, as a user's client sends it."""
    ask(case)
