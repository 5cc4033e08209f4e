"""A case: one hypothesis about one target, tested once; and the scenario it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_aprqa.core.exchange import Prompting
from pytest_aprqa.core.gate import Gate
from pytest_aprqa.core.outcome import Json
from pytest_aprqa.core.target import Cell


@dataclass(frozen=True, slots=True)
class OracleSpec:
    """Which oracle judges, with its parameters; the oracles room gives it meaning."""

    type: str
    """Such as ``arithmetic``, ``garbage``, ``code_syntax``, ``composite``."""
    config: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is said to the model, and how its answer is to be judged; the same in every cell."""

    name: str
    """Unique within a playbook, of ``[A-Za-z0-9_-]``; never an index that shifts when a line is added."""
    turns: tuple[str, ...]
    """User turns; one for a plain prompt."""
    category: str
    """``arithmetic``, ``code``, ``chat``, ``edge`` ... or ``prompt`` for a text listed without one."""
    oracles: tuple[OracleSpec, ...] = ()
    """All must be satisfied; empty means chosen by what the prompt is. Garbage is checked first in any case."""
    expected: Json = None
    """The expected answer where there is one: a number, a text, or what the oracle needs."""
    language: str | None = None
    """Programming language of a code scenario, lower case."""
    system: str | None = None
    max_tokens: int | None = None
    """Limit for each answer; None takes the playbook's."""
    temperature: float | None = None
    prompting: Prompting | None = None
    """None takes the playbook's, else the modality's habit."""
    line: int = 0
    """1-based line in the playbook; 0 when drawn."""
    only: tuple[str, ...] = ()
    """Words that a cell must all have (format, backend, modality, quantization); empty means every cell."""


@dataclass(frozen=True, slots=True)
class Case:
    """One hypothesis about one target."""

    id: str
    """Unique within a playbook and the pytest item's name, such as ``chat[gguf-q4_k_m-cpu-two_plus_two]``."""
    cell: Cell
    scenario: Scenario
    gate: Gate
    seed: int
    """Derived from the playbook's seed, the cell and the scenario's name; unsigned 32 bits."""
    prompting: Prompting
    max_tokens: int
    temperature: float
    timeout_ms: int
    line: int
    """1-based line in the playbook for editors and reports; 1 when it has none of its own."""
    skip: str | None = None
    """Why the case cannot run here; None when it can."""
