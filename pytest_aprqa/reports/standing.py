"""Why a run has the status that it has, in sentences; the status itself comes from the score."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_aprqa.core import Award, Category, Gateway, GatewayState, Outcome, counted, excerpt, visible
from pytest_aprqa.evidence import Evidence, Selection
from pytest_aprqa.scoring import Mqs, Rules, beside_ground_truth


def status_reasons(evidence: Evidence, mqs: Mqs, *, ascii: bool = False) -> tuple[str, ...]:
    """What stands between the run and an award, the gravest first; empty when nothing does."""
    reasons = []
    if mqs.total == 0:
        skipped = mqs.outcomes[Outcome.SKIPPED]
        because = f'{counted(skipped, "case")} skipped, for the reasons under "not judged"' if skipped else "no records"
        reasons.append(f"nothing was judged: {because}")
    reasons += [
        _failed_gateway(gateway, mqs) for gateway, state in mqs.gateways.items() if state is GatewayState.FAILED
    ]
    if mqs.refuted_p0:
        reasons.append(f"a refuted gate of severity P0 blocks: {', '.join(mqs.refuted_p0)}")
    if mqs.too_slow:
        reasons.append(f"decoding below the playbook's floor blocks: {', '.join(mqs.too_slow)}")
    if mqs.total and GatewayState.UNKNOWN in mqs.gateways.values():
        reasons.append(_unknown_gateways(mqs))
    if mqs.missing and mqs.total:
        reasons.append(f"no evidence for {', '.join(mqs.missing)}, which {_the_tier(mqs)} requires")
    if evidence.run.selection is Selection.PARTIAL:
        given = excerpt(evidence.run.selection_reason, limit=200, ascii=ascii)
        reasons.append(f"only a part of the playbook was run{f' ({given})' if given else ''}: no certificate")
    if mqs.incomplete and mqs.total:
        unjudged = ", ".join(_unjudged(mqs, category) for category in mqs.incomplete)
        reasons.append(f"required categories are incomplete: {unjudged}")
    if Rules(mqs.tier.tier).award is Award.NONE:
        reasons.append(f"{_the_tier(mqs)} never awards a status")
    return tuple(reasons)


def differs(gateway: Gateway, by_target: Mapping[str, Mapping[Gateway, GatewayState]]) -> bool:
    """Whether the tested targets disagree about a gateway."""
    return len({states[gateway] for states in by_target.values()}) > 1


def tier_sentence(mqs: Mqs) -> str:
    """Whether the tier was passed, by which score, and why not."""
    tier = mqs.tier
    verdict = "passed" if tier.passed else "not passed"
    why = f": {'; '.join(tier.reasons)}" if tier.reasons else ""
    named = f"tier {visible(tier.tier)}" if tier.tier else "no tier"
    return f"{named}: {verdict}, scoped score {tier.scoped_score} of 1000 (mark {tier.pass_mark}){why}"


def rate_sentence(mqs: Mqs) -> str:
    """How many passed; and what the older pass-rate scale says, where that is not another status than the run's."""
    if mqs.total == 0:
        return "pass rate: nothing was judged"
    rate, interval = mqs.rate, mqs.interval
    counts = f"{mqs.passed} of {mqs.total}, 95 % interval {interval.low:.1%} .. {interval.high:.1%}"
    said = f"pass rate {rate.pass_rate:.1%} ({counts})"
    if rate.status is not mqs.status or not mqs.tier.passed:
        return said
    return f"{said}; on the older {rate.scale} scale, which looks at nothing else, {rate.score}, grade {rate.grade}"


def beside_sentences(evidence: Evidence) -> tuple[str, ...]:
    """What each target answers wrongly that the original answers rightly; none where nothing can be compared."""
    return tuple(f"beside the original: {it.words}" for it in beside_ground_truth(evidence.records))


def outcome_counts(mqs: Mqs) -> str:
    """Every outcome that occurred, with its count.

    Such as ``52 corroborated, 2 falsified, 12 skipped``.
    """
    return ", ".join(f"{count:,} {outcome}" for outcome, count in mqs.outcomes.items() if count) or "no records"


def _the_tier(mqs: Mqs) -> str:
    return f"tier {visible(mqs.tier.tier)}" if mqs.tier.tier else "a playbook without a tier"


def _failed_gateway(gateway: Gateway, mqs: Mqs) -> str:
    blamed = [target for target, states in mqs.target_gateways.items() if states[gateway] is GatewayState.FAILED]
    return f"gateway {gateway} ({gateway.word}) failed on {', '.join(blamed)}"


def _unknown_gateways(mqs: Mqs) -> str:
    unknown = [gateway for gateway, state in mqs.gateways.items() if state is GatewayState.UNKNOWN]
    targets = [
        target
        for target, states in mqs.target_gateways.items()
        if any(states[gateway] is GatewayState.UNKNOWN for gateway in unknown)
    ]
    return f"unknown is not passed: {', '.join(unknown)} on {', '.join(targets)}"


def _unjudged(mqs: Mqs, category: Category) -> str:
    score = mqs.categories[category]
    counts = ((score.skipped, "skipped"), (score.inconclusive, "inconclusive"))
    return f"{category} ({', '.join(f'{count} {word}' for count, word in counts if count)})"
