"""The Model Qualification Score: records in, one frozen `Mqs` out. Pure.

The score is an interval: `mqs` counts what was not tested as 0, `mqs_ceiling` as full marks. Every verdict uses `mqs`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from pytest_aprqa.core import Category, Format, Gateway, GatewayState, Json, Outcome, Severity
from pytest_aprqa.evidence import Record, plain_json
from pytest_aprqa.scoring.gate_ids import FLOOR_GATE, severity_of_gate
from pytest_aprqa.scoring.gateways import fold_by_target, fold_targets
from pytest_aprqa.scoring.grades import cert_grade, grade
from pytest_aprqa.scoring.intervals import Interval, wilson
from pytest_aprqa.scoring.points import normalized
from pytest_aprqa.scoring.status import Findings, Rules, Status, status_of
from pytest_aprqa.scoring.tally import CategoryScore, Penalty, count_outcomes, penalties, tally
from pytest_aprqa.scoring.tier import TierVerdict, tier_verdict
from pytest_aprqa.scoring.tier_scale import TierScale, grade_from_tier, score_from_tier, status_from_tier

_QUALIFIES_FROM = 70
_PRODUCTION_FROM = 90


@dataclass(frozen=True, slots=True)
class RateVerdict:
    """What the older pass-rate scale says; shown beside the MQS, never instead of it."""

    scale: TierScale
    pass_rate: float
    """Corroborated over judged records, 0.0-1.0; 0.0 when nothing was judged."""
    score: int
    status: Status
    grade: str


@dataclass(frozen=True, slots=True)
class Mqs:
    """The score of one model, with everything that it rests on."""

    mqs: int
    """0-1000; what was not tested counts 0; 0 when a gateway failed."""
    mqs_ceiling: int
    """0-1000; the same with full marks for what was not tested."""
    normalized_score: float
    """0-100, of `mqs`."""
    grade: str
    """One of thirteen letters, of `normalized_score`."""
    cert_grade: str
    """A+, A, B+, B, C or F, of `mqs`."""
    qualifies: bool
    """All gateways passed and `normalized_score` at least 70."""
    production_ready: bool
    """All gateways passed and `normalized_score` at least 90."""
    status: Status
    tier: TierVerdict
    rate: RateVerdict
    gateways: Mapping[Gateway, GatewayState]
    """For the model: all five, in order."""
    target_gateways: Mapping[str, Mapping[Gateway, GatewayState]]
    """For each tested target, by target id."""
    categories: Mapping[Category, CategoryScore]
    """All six; their points stand even when a gateway failed."""
    missing: tuple[Category, ...]
    """Categories that the tier requires and that have no evidence."""
    incomplete: tuple[Category, ...]
    """Categories that the tier requires and of which something was skipped or inconclusive."""
    refuted_p0: tuple[str, ...]
    """Gates of severity P0 that were refuted, each once, sorted; one is enough to block."""
    too_slow: tuple[str, ...]
    """Targets that decode below the playbook's floor, sorted; one is enough to block. Safetensors, the ground truth,
    may be slow."""
    penalties: tuple[Penalty, ...]
    outcomes: Mapping[Outcome, int]
    """Records by outcome; all six."""
    passed: int
    """Corroborated records."""
    total: int
    """Judged records: neither skipped nor inconclusive."""
    interval: Interval
    """95 % interval of the pass rate."""

    @property
    def gateways_passed(self) -> bool:
        """True when all five are passed; unknown is not passed."""
        return all(state is GatewayState.PASSED for state in self.gateways.values())

    def to_json(self) -> dict[str, Json]:
        """Plain JSON, for ``Evidence.mqs``."""
        plain = plain_json(asdict(self))
        assert isinstance(plain, dict)
        return plain


def score(records: Iterable[Record], rules: Rules) -> Mqs:
    """Scores the records of one model.

    Args:
        records: in any order.
        rules: tier, selection, and what the registry says so far.
    """
    known = tuple(records)
    by_target = fold_by_target(known)
    gateways = fold_targets(by_target)
    categories = tally(known)
    outcomes = count_outcomes(known)
    failed = [gateway for gateway, state in gateways.items() if state is GatewayState.FAILED]
    taken_off = penalties(outcomes[Outcome.CRASHED], outcomes[Outcome.TIMEOUT], failed)
    penalty = sum(one.points for one in taken_off)
    mqs = max(0, sum(category.points for category in categories.values()) - penalty)
    passed, total = _passed_total(categories)
    missing = tuple(category for category in rules.required if categories[category].total == 0)
    all_passed = all(state is GatewayState.PASSED for state in gateways.values())
    refuted_p0, too_slow = _refuted_p0(known), _too_slow(known)
    normalized_score = normalized(mqs)
    return Mqs(
        mqs=mqs,
        mqs_ceiling=max(0, sum(category.ceiling for category in categories.values()) - penalty),
        normalized_score=normalized_score,
        grade=grade(normalized_score),
        cert_grade=cert_grade(mqs),
        qualifies=all_passed and normalized_score >= _QUALIFIES_FROM,
        production_ready=all_passed and normalized_score >= _PRODUCTION_FROM,
        status=status_of(Findings(total, tuple(gateways.values()), missing, mqs, refuted_p0, too_slow), rules),
        tier=tier_verdict(
            categories, tuple(gateways.values()), rules, penalty=penalty, refuted_p0=refuted_p0, too_slow=too_slow
        ),
        rate=_rate_verdict(passed, total, rules, p0=bool(failed)),
        gateways=gateways,
        target_gateways=by_target,
        categories=categories,
        missing=missing,
        incomplete=tuple(category for category in rules.required if _is_incomplete(categories[category])),
        refuted_p0=refuted_p0,
        too_slow=too_slow,
        penalties=taken_off,
        outcomes=outcomes,
        passed=passed,
        total=total,
        interval=wilson(passed, total),
    )


def _refuted_p0(records: Sequence[Record]) -> tuple[str, ...]:
    failed = {record.gate_id for record in records if record.outcome.failed}
    return tuple(sorted(gate_id for gate_id in failed if severity_of_gate(gate_id) is Severity.P0))


def _too_slow(records: Sequence[Record]) -> tuple[str, ...]:
    shipped = (record for record in records if record.format is not Format.SAFETENSORS)
    slow = (record for record in shipped if record.gate_id == FLOOR_GATE and record.outcome.failed)
    return tuple(sorted({record.target_id or record.case_id for record in slow}))


def _passed_total(categories: Mapping[Category, CategoryScore]) -> tuple[int, int]:
    values = categories.values()
    return sum(category.passed for category in values), sum(category.total for category in values)


def _is_incomplete(category: CategoryScore) -> bool:
    return bool(category.skipped or category.inconclusive)


def _rate_verdict(passed: int, total: int, rules: Rules, *, p0: bool) -> RateVerdict:
    scale = TierScale.of(rules.tier)
    rate = passed / total if total else 0.0
    return RateVerdict(
        scale=scale,
        pass_rate=rate,
        score=score_from_tier(scale, rate, p0=p0),
        status=status_from_tier(scale, rate, p0=p0),
        grade=grade_from_tier(scale, rate, p0=p0),
    )
