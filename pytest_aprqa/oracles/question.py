"""The question as an oracle sees it: what was said, what is expected, and whether the scenario chose its own judges."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_aprqa.core import Json, Prompting, Scenario


@dataclass(frozen=True, slots=True)
class Question:
    """What an answer is judged against; holds nothing of engines or targets."""

    turns: tuple[str, ...]
    """User turns, in order; at least one."""
    expected: Json = None
    """The expected last answer, where there is one."""
    language: str | None = None
    """Programming language of a code question, lower case."""
    category: str = "prompt"
    """As in `Scenario.category`."""
    prompting: Prompting | None = None
    """None where the scenario leaves it to the modality."""
    declared: bool = False
    """True when the scenario names its own oracles: then each of them must be able to judge."""

    @property
    def prompt(self) -> str:
        """The last turn: the one that the last answer answers."""
        return self.turns[-1] if self.turns else ""


def question_of(scenario: Scenario) -> Question:
    """The part of a scenario that oracles may know."""
    return Question(
        turns=scenario.turns,
        expected=scenario.expected,
        language=scenario.language.lower() if scenario.language else None,
        category=scenario.category,
        prompting=scenario.prompting,
        declared=bool(scenario.oracles),
    )
