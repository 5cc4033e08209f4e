"""What one run tells about all its failures together, so that each can be blamed in the light of the others. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from pytest_aprqa.core import EDGE_GATE, GATES, Backend, Format, Gateway, Modality, scenario_gate
from pytest_aprqa.evidence import Evidence, Record
from pytest_aprqa.gates import SERVER_CHECKS, SERVER_START
from pytest_aprqa.parity import Family
from pytest_aprqa.scoring import gateway_of
from pytest_aprqa.tickets.causes import OF_TEXT, UNKNOWN
from pytest_aprqa.tickets.scope import Scope, scope_of

SERVER_GATES: Final = frozenset(check.gate_id for check in SERVER_CHECKS)
_WITHOUT_THE_MODEL: Final = frozenset({SERVER_START, "F-HTTP-001", "F-HTTP-002", "F-API-003", "F-HTTP-021"})
"""What a server passes that answers no question."""
_UP: Final = frozenset({SERVER_START, "F-HTTP-001", "F-HTTP-002"})
_ANSWERS: Final = frozenset(
    {EDGE_GATE.id, *(scenario_gate(modality, backend).id for modality in Modality for backend in Backend)}
)
_ANSWERED: Final = (Gateway.G2, Gateway.G3)
"""Gateways under which foreign evidence files what was answered."""
_REFUSALS: Final = 5
"""Failures from which on a server without one good answer refuses everything."""


@dataclass(frozen=True, slots=True)
class Diagnosed:
    """What a comparison said of its cause."""

    family: str
    confidence: float
    sentence: str


@dataclass(frozen=True, slots=True)
class Scene:
    """One run's failures, and what else is known of their targets."""

    failed: tuple[Record, ...]
    passed_gates: Mapping[str, tuple[Record, ...]]
    """Passed records by gate."""
    scopes: Mapping[Hashable, Scope]
    """Of each question that was answered wrongly: where, by where it is answered rightly."""
    hard: frozenset[Hashable]
    """Questions that the ground truth answers wrongly, too."""
    garbage: Mapping[str | None, Record]
    """By target: the first answer that is garbage."""
    numeric: Mapping[str | None, Diagnosed]
    """By target: the surest diagnosis about what is stored or computed."""
    textual: Mapping[str | None, Diagnosed]
    """By target: the surest diagnosis about text and ids."""
    down: frozenset[str | None]
    """Targets whose server did not come up."""
    refusing: frozenset[str | None]
    """Targets whose server came up and gave no good answer."""
    servers: Mapping[str, str]
    """Target id to the name of its server."""


def scene_of(evidence: Evidence) -> Scene:
    """Looks at all records of a run."""
    failed = tuple(record for record in evidence.records if record.outcome.failed)
    passed = tuple(record for record in evidence.records if record.outcome.passed)
    down = frozenset(record.target_id for record in failed if record.gate_id in _UP)
    return Scene(
        failed=failed,
        passed_gates=_by_gate(passed),
        scopes=_scopes(failed, passed),
        hard=frozenset(question_of(record) for record in failed if _is_original_answer(record)),
        garbage={record.target_id: record for record in reversed(failed) if record.garbage and is_answer(record)},
        numeric=_diagnosed(failed, textual=False),
        textual=_diagnosed(failed, textual=True),
        down=down,
        refusing=_refusing(failed, passed) - down,
        servers={engine.target: engine.name for engine in evidence.engines if "server" in engine.name},
    )


def question_of(record: Record) -> Hashable:
    """What was asked, whatever the cell."""
    return record.system, record.turns


def is_answer(record: Record) -> bool:
    """Whether the record judges what was answered to a scenario; a tool that failed has answered nothing."""
    if record.modality is None or not record.turns or record.exit_code:
        return False
    return record.gate_id in _ANSWERS if record.gate_id in GATES else gateway_of(record.gate_id) in _ANSWERED


def is_served(record: Record) -> bool:
    """Whether the record is about a server."""
    return record.gate_id in SERVER_GATES or record.modality is Modality.SERVE


def diagnosis_of(record: Record) -> Diagnosed | None:
    """The probable cause that a comparison wrote into its record."""
    found = record.details.get("probable_cause")
    if not isinstance(found, dict):
        return None
    family, confidence, sentence = found.get("family"), found.get("confidence"), found.get("sentence")
    if not isinstance(family, str) or family not in tuple(Family):
        return None
    sure = float(confidence) if isinstance(confidence, int | float) else 0.0
    return Diagnosed(family, sure, sentence if isinstance(sentence, str) else "")


def _is_original_answer(record: Record) -> bool:
    return record.format is Format.SAFETENSORS and is_answer(record)


def _scopes(failed: Iterable[Record], passed: Iterable[Record]) -> dict[Hashable, Scope]:
    bad, good = _by_question(failed), _by_question(passed)
    return {question: scope_of(members, good.get(question, ())) for question, members in bad.items()}


def _by_question(records: Iterable[Record]) -> dict[Hashable, list[Record]]:
    found: dict[Hashable, list[Record]] = {}
    for record in records:
        if is_answer(record):
            found.setdefault(question_of(record), []).append(record)
    return found


def _by_gate(records: Iterable[Record]) -> dict[str, tuple[Record, ...]]:
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(record.gate_id, []).append(record)
    return {gate_id: tuple(members) for gate_id, members in found.items()}


def _diagnosed(failed: Iterable[Record], *, textual: bool) -> dict[str | None, Diagnosed]:
    """Of equally sure ones the later, which knew more."""
    surest: dict[str | None, Diagnosed] = {}
    for record in failed:
        found = diagnosis_of(record)
        if found is None or found.family == UNKNOWN or (found.family in OF_TEXT) != textual:
            continue
        if record.target_id not in surest or found.confidence >= surest[record.target_id].confidence:
            surest[record.target_id] = found
    return surest


def _refusing(failed: Iterable[Record], passed: Iterable[Record]) -> frozenset[str | None]:
    refused = Counter(record.target_id for record in failed if is_served(record))
    served = {record.target_id for record in passed if is_served(record) and record.gate_id not in _WITHOUT_THE_MODEL}
    return frozenset(target for target, count in refused.items() if count >= _REFUSALS) - served
