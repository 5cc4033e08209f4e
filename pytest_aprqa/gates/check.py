"""What a check is: a gate, the formats it is about, the judge, and the gates that must stand before it.

A check is judged on a subject of its kind: a pair of models, a model at work, a stopwatch, a server. Judging runs its
ground first, and turns whatever goes wrong on the way into a verdict. Knows no subject in particular.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from pytest_aprqa.core import (
    AprqaError,
    EngineOutOfMemory,
    EngineUnavailable,
    Format,
    Outcome,
    Verdict,
    falsified,
    inconclusive,
)
from pytest_aprqa.gates.measured import Unjudgeable


class Kind(StrEnum):
    """What a check rests on; a pytest mark, and the name of the suite's function."""

    CONTRACT = "contract"
    """The files, and the contract's five invariants."""
    PARITY = "parity"
    """What the engines compute from the same text and the same ids."""
    CONVERSION = "conversion"
    """Further conversions, made in a scratch folder."""
    STATE = "state"
    """What an engine computes again, later, together with other rows, or elsewhere."""
    PROFILE = "profile"
    """Clock and memory, measured alone."""
    SERVER = "server"
    """A server that holds the model, by what its clients see."""


class Subject(Protocol):
    """What a check is judged on."""

    @property
    def format(self) -> Format:
        """Format of the artefact."""
        ...

    @property
    def verdicts(self) -> dict[str, Verdict]:
        """Verdicts by gate id; each gate is judged once."""
        ...


S = TypeVar("S", bound=Subject)


@dataclass(frozen=True, slots=True)
class Check(Generic[S]):
    """One gate's judge."""

    gate_id: str
    kind: Kind
    formats: frozenset[Format]
    """Formats of the artefact that the gate is about."""
    judge: Callable[[S], Verdict]
    after: tuple[str, ...] = ()
    """Gates without which this one would only repeat their news: when one is falsified, this one is not checked."""
    from_files: bool = False
    """Whether the files alone decide: no engine is asked, and nothing is converted."""


@dataclass(frozen=True, slots=True)
class Judging(Generic[S]):
    """How the checks of one kind of subject are judged."""

    checks: Mapping[str, Check[S]]
    """Every check of the kind by its gate's id, for those that others rest on."""
    explain: Callable[[str, Verdict, S], Verdict] = lambda _gate_id, verdict, _subject: verdict
    """Adds to a falsified verdict what is known of its cause."""

    def judge(self, check: Check[S], subject: S, *, alone: bool = False) -> Verdict:
        """The verdict on a check, which need not be one of `checks`; remembered in the subject.

        Args:
            check: what is judged.
            subject: on what.
            alone: judge it whatever became of the gates that it rests on.
        """
        known = subject.verdicts.get(check.gate_id)
        if known is not None and not (alone and "not_checked" in known.details):
            return known
        failed = "" if alone else self._failed_ground(check, subject)
        if failed:
            why = subject.verdicts[failed].reason.partition("\n")[0]
            verdict = inconclusive(f"not checked: {failed} is falsified: {why}", not_checked=failed)
        else:
            verdict = _judged(check, subject)
        if verdict.outcome is Outcome.FALSIFIED:
            verdict = self.explain(check.gate_id, verdict, subject)
        subject.verdicts[check.gate_id] = verdict
        return verdict

    def _failed_ground(self, check: Check[S], subject: S) -> str:
        """The first gate that a check rests on and that is falsified; empty when there is none."""
        for gate_id in check.after:
            ground = self.checks[gate_id]
            if subject.format not in ground.formats:
                continue
            verdict = self.judge(ground, subject)
            if verdict.outcome is Outcome.FALSIFIED:
                return gate_id
            if root := verdict.details.get("not_checked"):
                return str(root)
        return ""


def by_gate(checks: Iterable[Check[S]]) -> dict[str, Check[S]]:
    """Checks by their gates' ids."""
    return {check.gate_id: check for check in checks}


def _judged(check: Check[S], subject: S) -> Verdict:
    """What the judge says; an error of an artefact or of its engine refutes it, what is missing here does not."""
    if subject.format not in check.formats:
        return inconclusive(f"the gate is not about {subject.format}")
    try:
        return check.judge(subject)
    except Unjudgeable as exc:
        return inconclusive(str(exc))
    except (EngineUnavailable, EngineOutOfMemory) as exc:
        return inconclusive(str(exc))
    except AprqaError as exc:
        return falsified(str(exc), error=type(exc).__name__)
