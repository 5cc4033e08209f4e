"""The score of a whole run: the records of its evidence under the rules that the evidence names. Pure."""

from __future__ import annotations

from pytest_aprqa.evidence import Evidence, Selection
from pytest_aprqa.scoring.mqs import Mqs, score
from pytest_aprqa.scoring.status import Rules


def score_evidence(evidence: Evidence, *, tier: str | None = None) -> Mqs:
    """Scores a run; one whose selection is partial is scored as such.

    Args:
        evidence: the run.
        tier: scored by this tier; default the one that the evidence names.
    """
    partial = evidence.run.selection is Selection.PARTIAL
    return score(evidence.records, Rules(tier or evidence.playbook.tier, partial_selection=partial))
