"""Each artefact beside the ground truth, case by case: what the original answers rightly and it does not.

The score counts a wrong answer wherever it is given. Whether an artefact behaves like its original is another question:
one that the original answers wrongly, too, says nothing of a conversion.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

from pytest_aprqa.core import Backend, Format
from pytest_aprqa.evidence import Record

_Question: TypeAlias = tuple[str, str, str]


class Beside(NamedTuple):
    """Cases of one target that were judged of the ground truth, too, in the same modality."""

    target: str
    lost: int
    """The original passes, the target fails."""
    kept: int
    """Both pass."""
    shared: int
    """Both fail."""
    gained: int
    """The original fails, the target passes."""

    @property
    def words(self) -> str:
        """In one sentence.

        Such as ``gguf-q8_0-cpu fails 9 of 58 cases that the original passes; 3 fail in both, 0 in the original alone``.
        """
        judged = f"{self.lost:,} of {self.lost + self.kept:,} cases that the original passes"
        return f"{self.target} fails {judged}; {self.shared:,} fail in both, {self.gained:,} in the original alone"


def beside_ground_truth(records: Iterable[Record]) -> tuple[Beside, ...]:
    """Every target but the ground truth's own (safetensors on the CPU); none of which nothing can be compared."""
    truth: dict[_Question, bool] = {}
    others: dict[str, dict[_Question, bool]] = {}
    for record in records:
        if record.modality is None or record.target_id is None or not (record.outcome.passed or record.outcome.failed):
            continue
        question = (record.playbook, str(record.modality), record.scenario or record.case_id)
        is_truth = record.format is Format.SAFETENSORS and record.backend is Backend.CPU
        own = truth if is_truth else others.setdefault(record.target_id, {})
        own[question] = record.outcome.passed
    found = (_beside(target, own, truth) for target, own in sorted(others.items()))
    return tuple(it for it in found if it.lost or it.kept or it.shared or it.gained)


def _beside(target: str, own: dict[_Question, bool], truth: dict[_Question, bool]) -> Beside:
    pairs = [(truth[question], passed) for question, passed in own.items() if question in truth]
    return Beside(
        target,
        lost=pairs.count((True, False)),
        kept=pairs.count((True, True)),
        shared=pairs.count((False, False)),
        gained=pairs.count((False, True)),
    )
