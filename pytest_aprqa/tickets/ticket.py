"""A ticket: one probable cause, with everything that somebody needs who has never seen the run. Values only."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from pytest_aprqa.core import Json, Outcome
from pytest_aprqa.evidence import plain_json
from pytest_aprqa.tickets.causes import TicketCategory
from pytest_aprqa.tickets.defect_map import Fixture
from pytest_aprqa.tickets.severity import Priority


@dataclass(frozen=True, slots=True)
class Excerpt:
    """One failure of the ticket, shortened; the texts are as raw as the evidence's."""

    case_id: str
    gate_id: str
    outcome: Outcome
    reason: str
    prompt: str
    """Empty when nothing was asked."""
    answer: str | None
    """None when nothing was generated."""
    expected: str
    """Empty when nothing in particular was."""
    numbers: tuple[tuple[str, str], ...]
    """What was measured, by name."""
    death: str
    """How the engine died, such as ``SIGSEGV``; empty where it did not."""
    stderr: str
    """The end of its standard error."""


@dataclass(frozen=True, slots=True)
class NextStep:
    """What to look at next."""

    words: str
    command: str = ""
    """For a shell, quoted; empty where there is none."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """One probable cause of one or many failures."""

    key: str
    """16 hex digits; the same for the same cause in every run of the model."""
    title: str
    """One printable line."""
    severity: Priority
    """The most urgent of its failures'."""
    category: TicketCategory
    labels: tuple[str, ...]
    model: str
    cause: str
    """Key of the table of causes."""
    hypothesis: str
    """What is supposed to be wrong, and on what evidence."""
    scope: str
    """Where it is seen, such as ``only gguf``; empty where nothing can be said."""
    targets: tuple[str, ...]
    gates: tuple[str, ...]
    cases: tuple[str, ...]
    """The first ten."""
    occurrences: int
    """Failures."""
    dependents: int
    """Records that were not judged because of it."""
    dependent_cases: tuple[str, ...]
    """The first five of them."""
    black_swan: bool
    """Whether an engine died, which nobody had planned for."""
    excerpts: tuple[Excerpt, ...]
    """At most three failures."""
    reproduction: str
    """A command for a shell, quoted; empty where the evidence names no playbook."""
    environment: tuple[tuple[str, str], ...]
    next_steps: tuple[NextStep, ...]
    fixture: Fixture | None
    """How to reproduce the cause on purpose; None where it is unknown."""
    related: tuple[str, ...]
    """Keys of other tickets about the same targets."""

    def to_json(self) -> dict[str, Json]:
        """As plain JSON."""
        plain = plain_json(asdict(self))
        assert isinstance(plain, dict)
        return plain
