"""The verdict on one completion: garbage first, then each oracle, then one word for all.

Refuted by any is refuted. Corroborated needs an oracle that looked at more than garbage, except where the playbook
asked for no more than garbage. A scenario that names its oracles is inconclusive when one of them could not judge.
"""

from __future__ import annotations

from collections.abc import Sequence

from pytest_aprqa.core import Completion, Json, OracleSpec, Outcome, Verdict, corroborated, falsified, inconclusive
from pytest_aprqa.oracles.choice import GARBAGE
from pytest_aprqa.oracles.question import Question
from pytest_aprqa.oracles.table import judge_one


def judge(specs: Sequence[OracleSpec], question: Question, completion: Completion) -> Verdict:
    """Judges a completion by all the given oracles; with none, only refutes garbage.

    Args:
        specs: as `oracles_for` gives them; ValueError for one that `check_spec` refuses.
        question: what was asked.
        completion: what came back.
    """
    others = [spec for spec in specs if spec.type != "garbage"]
    survives = any(spec.type == "survives" for spec in others)
    if not survives and len(completion.answers) < max(1, len(question.turns)):
        return falsified(f"empty answer: {len(completion.answers)} of {len(question.turns)} turns answered")
    if survives and not completion.answers:
        others = [spec for spec in others if spec.type == "survives"]  # the rest needs an answer
    declared = [spec for spec in specs if spec.type == "garbage"]
    checks = [judge_one(spec, question, completion) for spec in declared or [GARBAGE]]
    refused = [check for check in checks if check.outcome is not Outcome.CORROBORATED]
    if refused and not survives:
        return refused[0]
    verdicts = [(spec.type, judge_one(spec, question, completion)) for spec in others]
    return _refuted(verdicts) or _settled(verdicts, question) or _only_clean(verdicts, checks[0], bool(declared))


def _refuted(verdicts: Sequence[tuple[str, Verdict]]) -> Verdict | None:
    refuted = [(name, verdict) for name, verdict in verdicts if verdict.outcome is Outcome.FALSIFIED]
    if not refuted:
        return None
    reason = "; ".join(f"{name}: {verdict.reason}" for name, verdict in refuted)
    return falsified(reason, compared=sum(verdict.compared for _, verdict in refuted), **_details(verdicts))


def _settled(verdicts: Sequence[tuple[str, Verdict]], question: Question) -> Verdict | None:
    """Inconclusive or corroborated where the oracles themselves settle it, None where only garbage was looked at."""
    unknown = [f"{name}: {verdict.reason}" for name, verdict in verdicts if verdict.outcome is Outcome.INCONCLUSIVE]
    held = [(name, verdict) for name, verdict in verdicts if verdict.outcome is Outcome.CORROBORATED]
    if unknown and question.declared:
        return inconclusive("; ".join(unknown), **_details(verdicts))
    if not held:
        return None
    reason = "; ".join(f"{name}: {verdict.reason}" for name, verdict in held)
    return corroborated(reason, compared=sum(verdict.compared for _, verdict in held), **_details(verdicts))


def _only_clean(verdicts: Sequence[tuple[str, Verdict]], clean: Verdict, declared: bool) -> Verdict:
    """What can be said where no oracle but garbage came to a verdict."""
    unknown = "; ".join(f"{name}: {verdict.reason}" for name, verdict in verdicts)
    tried = f" ({unknown})" if unknown else ""
    if not declared:
        return inconclusive(f"no oracle can judge this prompt; {clean.reason}{tried}", **_details(verdicts))
    reason = f"{clean.reason}; nothing else was checked{tried}"
    return corroborated(reason, compared=clean.compared, **_details(verdicts))


def _details(verdicts: Sequence[tuple[str, Verdict]]) -> dict[str, Json]:
    return {name: dict(verdict.details) for name, verdict in verdicts if verdict.details}
