"""One thing that is wrong with a registry."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Rule(StrEnum):
    """What a finding is about."""

    ROW = "row"
    """A model stands twice, or a record has no row."""
    SIZE = "size"
    """Parameters and size word."""
    STATUS = "status"
    """The status word, and whether the numbers give it."""
    GRADE = "grade"
    """The grade is a function of the score."""
    TIER = "tier"
    """The tier may award the status."""
    GATEWAYS = "gateways"
    """All gateways passed, in the row and in the evidence."""
    DATE = "date"
    """A date that can be, and of the last 90 days."""
    EVIDENCE = "evidence"
    """Evidence is there, with the recorded digest, and about this model."""
    SCORE = "score"
    """The evidence gives the score again."""
    ANSWERS = "answers"
    """What passed says something."""
    PLAYBOOK = "playbook"
    """The playbook is the one that was run."""
    PROVENANCE = "provenance"
    """Where everything that was tested came from is known."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What contradicts a row."""

    model_id: str
    rule: Rule
    problem: str
    """One sentence, no full stop: what stands there and what contradicts it."""
