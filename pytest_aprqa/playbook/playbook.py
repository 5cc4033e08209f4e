"""A playbook: what it asks for, in one dialect, with the places where it says so.

Knows nothing of YAML or of files; `read` makes it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pytest_aprqa.core import TIER_WORDS, Json, OracleSpec, Scenario, Tier
from pytest_aprqa.playbook.document import Document, FailurePolicy, Gates, Matrix, Model, Skip
from pytest_aprqa.playbook.tree import Node, locate


@dataclass(frozen=True, slots=True)
class PropertyTest:
    """Scenarios to be drawn: from which generator, how many, and what must hold."""

    name: str
    generator: str
    """An expression such as ``arithmetic(a: 1..10, b: 1..10, op: +)``."""
    oracle: str
    """An expression such as ``output.contains(expected)``."""
    count: int
    line: int
    """1-based line in the playbook."""


@dataclass(frozen=True, slots=True)
class Playbook:
    """What a playbook asks for."""

    name: str
    version: str
    """``0.0.0`` when the playbook has none."""
    description: str
    path: Path
    sha256: str
    """Of the file's raw bytes, 64 hex digits."""
    model: Model
    """With paths resolved against the playbook's folder; whether they exist is not known."""
    matrix: Matrix
    """With ``scenario_count`` as it counts here."""
    gates: Gates
    oracles: tuple[OracleSpec, ...]
    """Judges of the scenarios that name none."""
    failure_policy: FailurePolicy
    property_tests: tuple[PropertyTest, ...]
    listed_scenarios: tuple[Scenario, ...]
    """Explicit scenarios, then those of the matrix blocks, then the listed prompts; names are unique."""
    skips: tuple[Skip, ...]
    metadata: Mapping[str, Json]
    tier: Tier | None
    """From ``metadata.tier``, else from the end of the file's or the playbook's name."""
    reports: tuple[str, ...]
    """What the playbook declares and this version does not test, one sentence each, with the line."""
    warnings: tuple[str, ...]
    """Unknown keys and contradictions, each as ``file:line:column: ...``."""
    declared: Document = field(repr=False)
    """Everything that stands in the file, validated, the blocks that nothing executes yet included."""
    root: Node = field(repr=False, compare=False)
    """The document with its positions."""

    def line_of(self, field: str) -> int:
        """1-based line of a dotted field such as ``model.hf_repo`` or ``scenarios[2]``.

        Returns:
            The line of the nearest ancestor if the field is absent, and 1 if that is the playbook itself.
        """
        return line_of(self.root, field)


def line_of(root: Node, field: str) -> int:
    """1-based line of a dotted field, or of its nearest ancestor; 1 if there is none."""
    steps = [int(step) if step.isdigit() else step for step in re.findall(r"[^.\[\]]+", field)]
    place = locate(root, steps)
    return place.line if place.field else 1


def tier_of(metadata: Mapping[str, Json], path: Path, name: str) -> Tier | None:
    """The tier that a playbook names, or None."""
    declared = metadata.get("tier")
    words = [str(declared)] if declared is not None else []
    words += [stem(path).rpartition("-")[2], name.rpartition("-")[2]]
    return next((TIER_WORDS[word.lower()] for word in words if word.lower() in TIER_WORDS), None)


def stem(path: Path) -> str:
    """A playbook file's name without its endings.

    >>> stem(Path("qwen2.5-7b-mvp.playbook.yaml"))
    'qwen2.5-7b-mvp'
    """
    return re.sub(r"(\.playbook)?\.(ya?ml|json)$", "", path.name, flags=re.IGNORECASE)
