"""Cells × scenarios → cases, with stable ids and seeds; what cannot run stays visible as a skip with its reason."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from pytest_aprqa.core import (
    EDGE_GATE,
    Case,
    Cell,
    Format,
    Gate,
    Modality,
    Prompting,
    Scenario,
    scenario_gate,
    slug,
)
from pytest_aprqa.playbook.cells import admits, cell_words, list_cells
from pytest_aprqa.playbook.listing import distinct_names
from pytest_aprqa.playbook.playbook import Playbook

EDGE_CATEGORY: Final = "edge"
_EDGE_MODALITIES: Final = (Modality.RUN, Modality.CHAT)
_NONE: Final[Mapping[Format, str]] = {}
_ID_PART: Final = re.compile(r"[A-Za-z0-9_-]+")


def expand(
    playbook: Playbook,
    scenarios: Sequence[Scenario],
    *,
    unavailable: Mapping[str, str],
    unserved: Mapping[Format, str] = _NONE,
    edge: Sequence[Scenario] = (),
) -> tuple[Case, ...]:
    """All cases of a playbook, target by target, so that each model is loaded once.

    Args:
        playbook: gives the cells, the limits and the declared skips.
        scenarios: what to say in every cell that a scenario admits.
        unavailable: word of a cell (format, quantization, backend, modality) → why it cannot be tested here.
        unserved: format → why no server may be started for it.
        edge: hostile texts, added to every one-shot and chat cell under their own gate.
    """
    cases: list[Case] = []
    for cell in list_cells(playbook.model, playbook.matrix):
        words = cell_words(cell)
        served = unserved.get(cell.target.format) if cell.modality is Modality.SERVE else None
        skip = _skip_reason(playbook, words, unavailable, served)
        for scenario, gate in _in_cell(cell, scenarios, edge):
            if admits(words, scenario):
                cases.append(_case(playbook, cell, scenario, gate, skip))
    return _unique(cases)


def _in_cell(cell: Cell, scenarios: Sequence[Scenario], edge: Sequence[Scenario]) -> Iterator[tuple[Scenario, Gate]]:
    ordinary = scenario_gate(cell.modality, cell.target.backend)
    for scenario in scenarios:
        if cell.modality is Modality.RUN and len(scenario.turns) > 1:
            continue  # run is one-shot: a conversation is no case of it
        yield scenario, EDGE_GATE if scenario.category == EDGE_CATEGORY else ordinary
    if cell.modality in _EDGE_MODALITIES:
        for scenario in edge:
            yield scenario, EDGE_GATE


def _skip_reason(
    playbook: Playbook, words: tuple[str, ...], unavailable: Mapping[str, str], unserved: str | None
) -> str | None:
    """Every reason not to test a cell, declared ones first; None when there is none."""
    declared = [
        f"{skip.reason} ({skip.issue})" if skip.issue else skip.reason
        for skip in playbook.skips
        if all(word in words for word in skip.words)
    ]
    missing = [unavailable[word] for word in words if word in unavailable]
    missing += [] if unserved is None else [unserved]
    return "; ".join(dict.fromkeys([*declared, *missing])) or None


def _case(playbook: Playbook, cell: Cell, scenario: Scenario, gate: Gate, skip: str | None) -> Case:
    matrix = playbook.matrix
    prompting = scenario.prompting or matrix.prompting or Prompting.TEMPLATE
    if scenario.system is None and prompting is Prompting.TEMPLATE:
        scenario = replace(scenario, system=matrix.system)
    return Case(
        id=_id(cell, scenario.name),
        cell=cell,
        scenario=scenario,
        gate=gate,
        seed=_seed(matrix.seed, cell, scenario.name),
        prompting=prompting,
        max_tokens=matrix.max_tokens if scenario.max_tokens is None else scenario.max_tokens,
        temperature=matrix.temperature if scenario.temperature is None else scenario.temperature,
        timeout_ms=matrix.timeout_ms,
        line=scenario.line or playbook.line_of("test_matrix"),
        skip=skip,
    )


def _id(cell: Cell, name: str) -> str:
    part = name if _ID_PART.fullmatch(name) else slug(name)
    return f"{cell.modality}[{cell.target.id}-{part}]"


def _seed(base: int, cell: Cell, name: str) -> int:
    """32 bits that change with each of their causes, and with nothing else."""
    key = f"{base}\0{cell.id}\0{name}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.sha256(key).digest()[:4])


def _unique(cases: Sequence[Case]) -> tuple[Case, ...]:
    """Gives cases of one id a digest of their content each; the same content twice is one case."""
    names = distinct_names([case.id[:-1] for case in cases], [case.scenario for case in cases])
    unique: dict[str, Case] = {}
    for name, case in zip(names, cases, strict=True):
        unique.setdefault(name, replace(case, id=f"{name}]"))
    return tuple(unique.values())
