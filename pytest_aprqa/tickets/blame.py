"""What each failure is blamed on: rules of one shape, the first that knows something decides. Pure.

Two failures with the same blame are one ticket. What has a diagnosis of its own, or a plain cause of death, is blamed
on that; then a wrong answer is blamed on what is known to be wrong with its target, unless the original answers as
wrongly; what is left is told by where it happens, and at last by its gate alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pytest_aprqa.core import Category, Gateway, Outcome
from pytest_aprqa.evidence import Record
from pytest_aprqa.gates import COMPARISONS, STATE_CHECKS
from pytest_aprqa.parity import Family
from pytest_aprqa.scoring import category_of, gateway_of
from pytest_aprqa.tickets import causes
from pytest_aprqa.tickets.scene import (
    SERVER_GATES,
    Diagnosed,
    Scene,
    diagnosis_of,
    is_answer,
    is_served,
    question_of,
)
from pytest_aprqa.tickets.scope import Scope
from pytest_aprqa.tickets.words import cause_of_death, cause_of_words, death_of_record

_STATE_GATES: Final = frozenset(check.gate_id for check in STATE_CHECKS)
_COMPARED_GATES: Final = frozenset(check.gate_id for check in COMPARISONS) | {"F-HF-PARITY-001"}
_NOWHERE: Final = Scope("", "")


@dataclass(frozen=True, slots=True)
class Blame:
    """What a failure is blamed on."""

    cause: str
    """Key of the table of causes."""
    detail: str
    """What makes two failures of one cause two tickets, such as a format; the same from run to run."""
    scope: Scope = _NOWHERE
    sentence: str = ""
    """What a diagnosis says, with its numbers; empty where there is none."""
    confidence: float | None = None
    """0.0-1.0, of the diagnosis."""


Rule = Callable[[Record, Scene], "Blame | None"]

_INTEGRITY: Final = {
    "G0-INTEGRITY-CONFIG": Family.CONFIG_MISMATCH,
    "G0-INTEGRITY-SHARDS": Family.TRUNCATED_FILE,
    "G0-INTEGRITY-LAYERS": Family.CONFIG_MISMATCH,
    "G0-INTEGRITY-HIDDEN": Family.CONFIG_MISMATCH,
    "G0-INTEGRITY-VOCAB": Family.CONFIG_MISMATCH,
    "G0-INTEGRITY-DTYPE": Family.DTYPE_MISREAD,
    "G0-INTEGRITY-TIED": Family.TIED_HEAD,
    "G0-INTEGRITY-TOKENIZER": Family.TOKENIZER_VOCABULARY,
    "G0-TENSOR-001": Family.MISSING_TENSOR,
    "G0-VALIDATE-001": Family.ZEROED,
}
"""What a gate on files refutes, where its words say no more."""


def blame_of(record: Record, scene: Scene) -> Blame:
    """What a failed record is blamed on."""
    for rule in _RULES:
        if (found := rule(record, scene)) is not None:
            return found
    return Blame(causes.UNKNOWN, f"{record.gate_id} {record.format or ''}".strip())


def server_rule(record: Record, scene: Scene) -> Blame | None:
    """A server that is not there, or answers nothing, is one cause for all that was asked of it."""
    if not is_served(record):
        return None
    name = _server(record, scene)
    if record.target_id in scene.down:
        return Blame(causes.SERVER_DOWN, name)
    return Blame(causes.SERVER_REFUSES, name) if record.target_id in scene.refusing else None


def death_rule(record: Record, scene: Scene) -> Blame | None:  # noqa: ARG001 - the shape of a rule
    """An engine that died or did not answer."""
    where = f"{record.format or ''} {record.backend or ''}".strip()
    if record.outcome is Outcome.CRASHED:
        cause = cause_of_death(record)
        return Blame(cause, f"{death_of_record(record)} {where}".strip() if cause == causes.CRASH else where)
    return Blame(causes.NO_ANSWER, where) if record.outcome is Outcome.TIMEOUT else None


def file_rule(record: Record, scene: Scene) -> Blame | None:  # noqa: ARG001 - the shape of a rule
    """A gate on files, of the integrity gateway."""
    if record.gate_id not in _INTEGRITY:
        return None
    named = cause_of_words(record) if record.gate_id in ("G0-VALIDATE-001", "G0-INTEGRITY-CONFIG") else None
    return Blame(named or _INTEGRITY[record.gate_id], str(record.format or ""))


def diagnosis_rule(record: Record, scene: Scene) -> Blame | None:
    """A comparison that was diagnosed; of one target the surest diagnosis of its kind stands for all."""
    found = diagnosis_of(record)
    if found is None:
        return None
    textual, numeric = scene.textual.get(record.target_id), scene.numeric.get(record.target_id)
    settled = (textual if found.family in causes.OF_TEXT else numeric) or numeric or textual
    if settled is None:
        return Blame(causes.UNKNOWN, f"conversion {record.format}", sentence=found.sentence)
    return _diagnosed(record, settled)


def words_rule(record: Record, scene: Scene) -> Blame | None:  # noqa: ARG001 - the shape of a rule
    """An error that names its cause; never the words of a model's answer."""
    speaks = (
        gateway_of(record.gate_id) is Gateway.G1
        or "error" in record.details
        or bool(record.exit_code)
        or record.compared is None
    )
    cause = cause_of_words(record) if speaks else None
    return None if cause is None else Blame(cause, "by its words")


def consequence_rule(record: Record, scene: Scene) -> Blame | None:
    """What a known defect of the target explains, unless the original fails as well."""
    touched = is_answer(record) or record.gate_id in _COMPARED_GATES or gateway_of(record.gate_id) is not None
    known = scene.numeric.get(record.target_id) or scene.textual.get(record.target_id)
    if not touched or known is None or is_served(record) or (is_answer(record) and question_of(record) in scene.hard):
        return None
    return _diagnosed(record, known)


def own_gate_rule(record: Record, scene: Scene) -> Blame | None:
    """Gates whose refutation is the cause as far as it is known: server, state, speed."""
    if record.gate_id in SERVER_GATES:
        return Blame(causes.SERVER_BEHAVIOR, f"{record.gate_id} {_server(record, scene)}")
    if record.gate_id in _STATE_GATES:
        return Blame(causes.STATE, f"{record.gate_id} {record.format}")
    if category_of(record.gate_id) is Category.PERF:
        return Blame(causes.SPEED, record.gate_id)
    return None


def answer_rule(record: Record, scene: Scene) -> Blame | None:
    """A wrong answer, by where else the same question is answered rightly."""
    if gateway_of(record.gate_id) is Gateway.G4:
        return _garbage(record, scene)
    if not is_answer(record):
        return None
    scope = scene.scopes[question_of(record)]
    return Blame(causes.WRONG_ANSWERS, scope.words, scope)


def comparison_rule(record: Record, scene: Scene) -> Blame | None:  # noqa: ARG001 - the shape of a rule
    """Comparisons that nobody diagnosed: one ticket for each format."""
    if record.gate_id not in _COMPARED_GATES:
        return None
    return Blame(causes.UNKNOWN, f"conversion {record.format}")


_RULES: Final[tuple[Rule, ...]] = (
    server_rule,
    death_rule,
    file_rule,
    diagnosis_rule,
    own_gate_rule,
    words_rule,
    consequence_rule,
    answer_rule,
    comparison_rule,
)


def _garbage(record: Record, scene: Scene) -> Blame:
    """The gateway on quality fails by the answers: theirs is the blame."""
    answer = scene.garbage.get(record.target_id)
    if answer is not None:
        return blame_of(answer, scene)
    return Blame(causes.WRONG_ANSWERS, f"only {record.format}", Scope(f"only {record.target_id}", ""))


def _diagnosed(record: Record, known: Diagnosed) -> Blame:
    return Blame(known.family, str(record.format or ""), sentence=known.sentence, confidence=known.confidence)


def _server(record: Record, scene: Scene) -> str:
    return scene.servers.get(record.target_id or "", str(record.format or ""))
