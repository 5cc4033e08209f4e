"""Two evidence objects in, one `Comparison` out. Pure; either may be foreign."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pytest_aprqa.core import Gateway, GatewayState
from pytest_aprqa.evidence import Evidence, Selection
from pytest_aprqa.regression.circumstances import differences
from pytest_aprqa.regression.comparison import Comparison, GatewayChange, Limits, Side
from pytest_aprqa.regression.flips import changed_answers, flips_of
from pytest_aprqa.regression.measures import measure_deltas
from pytest_aprqa.regression.pairing import pair_records
from pytest_aprqa.regression.speeds import speed_deltas
from pytest_aprqa.regression.tally import by_category, by_target, exact_test, tally_of
from pytest_aprqa.regression.verdict import Findings, reasons_of, warnings_of
from pytest_aprqa.scoring import Mqs, Status, headline, score_evidence


def compare(before: Evidence, after: Evidence, *, limits: Limits | None = None) -> Comparison:
    """Compares a later run with an earlier one.

    Args:
        before: the earlier run.
        after: the later one, which is on trial.
        limits: from where on a change is a regression; default `Limits`.
    """
    held = limits or Limits()
    pairing = pair_records(before.records, after.records)
    scores = [score_evidence(run) for run in (before, after)]
    tally = tally_of(pairing.pairs)
    found = Findings(
        limits=held,
        blocked=scores[1].status is Status.BLOCKED and scores[0].status is not Status.BLOCKED,
        complete=after.run.selection is Selection.COMPLETE,
        tally=tally,
        targets=by_target(pairing.pairs),
        flips=flips_of(pairing.pairs),
        duplicates=pairing.duplicates,
        measures=measure_deltas(pairing.pairs),
        speeds=speed_deltas(before, after),
        gateways=tuple(_gateways(*scores)),
        differences=differences(before, after),
    )
    return Comparison(
        before=_side(before, scores[0]),
        after=_side(after, scores[1]),
        limits=held,
        tally=tally,
        test=exact_test(tally),
        by_target=found.targets,
        by_category=by_category(pairing.pairs),
        flips=found.flips,
        answers_changed=changed_answers(pairing.pairs),
        duplicates=found.duplicates,
        measures=found.measures,
        speeds=found.speeds,
        gateways=found.gateways,
        differences=found.differences,
        warnings=warnings_of(found),
        reasons=reasons_of(found),
    )


def _side(evidence: Evidence, mqs: Mqs) -> Side:
    return Side(
        model=evidence.playbook.model,
        playbook=evidence.playbook.name,
        tier=evidence.playbook.tier,
        dialect=evidence.dialect,
        run_id=evidence.run.id,
        started_at=evidence.run.started_at,
        aprqa_version=evidence.run.aprqa_version,
        selection=evidence.run.selection,
        records=len(evidence.records),
        mqs=mqs.mqs,
        mqs_ceiling=mqs.mqs_ceiling,
        status=mqs.status,
        headline=headline(mqs),
        passed=mqs.passed,
        total=mqs.total,
        interval=mqs.interval,
        gateways=mqs.gateways,
    )


def _gateways(before: Mqs, after: Mqs) -> Iterator[GatewayChange]:
    """What changed: of the model, then of each target that both runs tested."""
    yield from _changes(None, before.gateways, after.gateways)
    for target_id, states in before.target_gateways.items():
        if target_id in after.target_gateways:
            yield from _changes(target_id, states, after.target_gateways[target_id])


def _changes(
    target_id: str | None, before: Mapping[Gateway, GatewayState], after: Mapping[Gateway, GatewayState]
) -> Iterator[GatewayChange]:
    for gateway in Gateway:
        if before[gateway] is not after[gateway]:
            yield GatewayChange(gateway, target_id, before[gateway], after[gateway])
