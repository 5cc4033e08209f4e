"""The score: its points, interval, penalties, status and verdict, and the laws that hold for any evidence."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aprqa.core import GATES, Category, GatewayState, Outcome
from pytest_aprqa.evidence import Evidence, Record
from pytest_aprqa.scoring import Mqs, Rules, Status, score
from tests.evidence.samples import a_record, an_evidence
from tests.scoring.test_gateways import GOOD

GATE_OF = {
    Category.QUAL: "F-A1-001",
    Category.PERF: "F-PERF-001",
    Category.STAB: "G3-STABLE",
    Category.COMP: "F-COMP-001",
    Category.EDGE: "F-EDGE-001",
    Category.REGR: "F-REGR-001",
}
FULL = (*GOOD, *(a_record(gate_id, index=20 + n) for n, gate_id in enumerate(GATE_OF.values())))
DEEP, MVP, SMOKE = Rules("deep"), Rules("mvp"), Rules("smoke")


def many(category: Category, passed: int, failed: int, outcome: Outcome = Outcome.FALSIFIED) -> list[Record]:
    gate_id = GATE_OF[category]
    return [a_record(gate_id, Outcome.CORROBORATED if n < passed else outcome) for n in range(passed + failed)]


def test_nothing_scores_nothing() -> None:
    mqs = score([], DEEP)
    assert (mqs.mqs, mqs.mqs_ceiling, mqs.grade, mqs.cert_grade) == (0, 1000, "F", "F")
    assert (mqs.status, mqs.tier.passed, mqs.qualifies) == (Status.PENDING, False, False)
    assert set(mqs.gateways.values()) == {GatewayState.UNKNOWN}


def test_perfect_deep_evidence_is_certified() -> None:
    mqs = score(FULL, DEEP)
    assert (mqs.mqs, mqs.mqs_ceiling, mqs.grade, mqs.cert_grade) == (1000, 1000, "A+", "A+")
    assert (mqs.status, mqs.tier.passed, mqs.qualifies, mqs.production_ready) == (Status.CERTIFIED, True, True, True)


def test_untested_categories_count_nothing_below_and_everything_above() -> None:
    mqs = score(GOOD, SMOKE)
    assert (mqs.mqs, mqs.mqs_ceiling) == (200, 1000)
    assert mqs.missing == (Category.QUAL,)
    assert mqs.status is Status.PARTIAL


def test_smoke_passes_on_two_categories_and_awards_nothing() -> None:
    mqs = score([*GOOD, *many(Category.QUAL, 3, 1)], SMOKE)
    assert (mqs.tier.passed, mqs.tier.scoped_score, mqs.status) == (True, 875, Status.PENDING)
    kept = score([*GOOD, *many(Category.QUAL, 3, 1)], Rules("smoke", previous=Status.CERTIFIED))
    assert kept.status is Status.CERTIFIED


def test_the_report_says_when_the_interval_reaches_below_the_mark() -> None:
    few = score([*GOOD, *many(Category.QUAL, 3, 0)], SMOKE).tier
    assert (few.passed, few.confident) == (True, False)
    assert "95 % interval" in few.reasons[0]
    lots = score([*GOOD, *many(Category.QUAL, 300, 0), *many(Category.STAB, 300, 0)], SMOKE).tier
    assert (lots.passed, lots.confident, lots.reasons) == (True, True, ())


def test_smoke_fails_below_its_mark() -> None:
    verdict = score([*GOOD, *many(Category.QUAL, 1, 4)], SMOKE).tier
    assert (verdict.passed, verdict.scoped_score) == (False, 600)
    assert verdict.reasons == ("the scoped score 600 is below 700",)


def test_deep_needs_900_to_pass_and_to_certify() -> None:
    mqs = score([*FULL, *many(Category.COMP, 0, 3)], DEEP)
    assert (mqs.mqs, mqs.tier.passed, mqs.status) == (888, False, Status.PROVISIONAL)


def test_mvp_awards_at_most_provisional() -> None:
    assert score(FULL, MVP).status is Status.PROVISIONAL


def test_a_low_score_is_blocked() -> None:
    failing = [record for category in GATE_OF if category is not Category.STAB for record in many(category, 0, 1)]
    mqs = score([*FULL, *failing], MVP)
    assert (mqs.mqs, mqs.status, mqs.tier.passed) == (600, Status.BLOCKED, False)


def test_qualifies_and_production_ready_read_the_normalized_score() -> None:
    lower = score([*FULL, *many(Category.QUAL, 0, 3), *many(Category.PERF, 0, 1)], DEEP)
    assert (lower.mqs, lower.qualifies, lower.production_ready) == (775, True, True)
    lowest = score([*FULL, *many(Category.QUAL, 0, 3), *many(Category.PERF, 0, 2)], DEEP)
    assert (lowest.mqs, lowest.qualifies, lowest.production_ready) == (750, True, False)


@pytest.mark.parametrize("tier", ["smoke", "mvp", "quick", "standard", "deep", None])
def test_a_failed_gateway_blocks_and_scores_zero_in_every_tier(tier: str | None) -> None:
    mqs = score([*FULL, a_record("G2-INFER", Outcome.FALSIFIED)], Rules(tier))
    assert (mqs.mqs, mqs.mqs_ceiling, mqs.status, mqs.tier.passed) == (0, 0, Status.BLOCKED, False)
    assert (mqs.rate.status, mqs.penalties[-1].code) == (Status.BLOCKED, "GATEWAY")
    assert mqs.categories[Category.QUAL].points == 200


def test_an_unknown_gateway_is_no_award() -> None:
    known = [record for record in FULL if record.gate_id != "G4-QUALITY"]
    mqs = score(known, DEEP)
    assert (mqs.status, mqs.tier.passed, mqs.qualifies) == (Status.PARTIAL, False, False)
    assert mqs.mqs == 1000


def test_a_partial_selection_is_never_a_certificate() -> None:
    mqs = score(FULL, Rules("deep", partial_selection=True))
    assert (mqs.status, mqs.tier.passed) == (Status.PARTIAL, False)


@pytest.mark.parametrize("outcome", [Outcome.SKIPPED, Outcome.INCONCLUSIVE])
def test_skipped_and_inconclusive_are_no_evidence(outcome: Outcome) -> None:
    without = [record for record in FULL if record.gate_id != "F-COMP-001"]
    mqs = score([*without, *many(Category.COMP, 0, 5, outcome)], DEEP)
    assert (mqs.missing, mqs.status) == ((Category.COMP,), Status.PARTIAL)
    assert mqs.incomplete == (Category.COMP,)
    assert mqs.total == score(without, DEEP).total
    assert mqs.outcomes[outcome] == 5


def test_only_skips_are_pending_whatever_was_before() -> None:
    skipped = [record.model_copy(update={"outcome": Outcome.SKIPPED}) for record in FULL]
    assert score(skipped, Rules("deep", previous=Status.CERTIFIED)).status is Status.PENDING


def test_hostile_crashes_cost_20_and_timeouts_10() -> None:
    crash = a_record("F-EDGE-001", Outcome.CRASHED)
    slow = a_record("F-EDGE-001", Outcome.TIMEOUT)
    mqs = score([*FULL, crash, slow], DEEP)
    assert [(penalty.code, penalty.points) for penalty in mqs.penalties] == [("CRASH", 20), ("TIMEOUT", 10)]
    assert (mqs.categories[Category.EDGE].points, mqs.mqs) == (50, 870)


def test_pass_rate_scale_stands_beside_the_score() -> None:
    mqs = score([*FULL, *many(Category.QUAL, 0, 4)], DEEP)
    assert (mqs.rate.pass_rate, mqs.rate.status) == (11 / 15, Status.BLOCKED)
    assert mqs.status is Status.PROVISIONAL


def test_the_score_travels_in_the_evidence() -> None:
    mqs = score(FULL, DEEP)
    evidence = an_evidence(*FULL).model_copy(update={"mqs": mqs.to_json()})
    again = Evidence.from_json(json.loads(json.dumps(evidence.to_json())))
    assert again.mqs == mqs.to_json()
    assert isinstance(again.mqs, dict)
    assert again.mqs["mqs"] == 1000


OUTCOMES = st.sampled_from(list(Outcome))
IDS = st.sampled_from([*GATES, *GATE_OF.values(), "F-CONV-RT-001", "X"])
RECORDS = st.lists(st.tuples(IDS, OUTCOMES).map(lambda pair: a_record(*pair)), max_size=30)
RULES = st.builds(Rules, st.sampled_from(["smoke", "mvp", "quick", "standard", "deep", None]), st.booleans())


@given(RECORDS, RULES)
def test_scores_stay_in_their_bounds(records: list[Record], rules: Rules) -> None:
    mqs = score(records, rules)
    assert 0 <= mqs.mqs <= mqs.mqs_ceiling <= 1000
    assert 0.0 <= mqs.normalized_score <= 100.0
    assert 0.0 <= mqs.interval.low <= mqs.interval.high <= 1.0
    assert 0 <= mqs.tier.scoped_low <= mqs.tier.scoped_score <= 1000
    assert sum(mqs.outcomes.values()) == len(records)
    assert not (mqs.status in (Status.CERTIFIED, Status.PROVISIONAL) and not mqs.gateways_passed)
    assert not (mqs.tier.passed and (mqs.missing or rules.partial_selection or not mqs.gateways_passed))


@given(RECORDS, RULES, st.randoms(use_true_random=False))
def test_the_order_of_records_does_not_matter(records: list[Record], rules: Rules, chance: random.Random) -> None:
    shuffled = records[:]
    chance.shuffle(shuffled)
    assert score(shuffled, rules) == score(records, rules)


@given(RECORDS, st.sampled_from(list(GATE_OF)))
def test_a_pass_more_never_lowers_its_category(records: list[Record], category: Category) -> None:
    def points(mqs: Mqs) -> int:
        return mqs.categories[category].points

    more = [*records, a_record(GATE_OF[category])]
    assert points(score(more, DEEP)) >= points(score(records, DEEP))


@given(RECORDS, IDS)
def test_a_refutation_more_never_raises_the_certain_score(records: list[Record], gate_id: str) -> None:
    more = [*records, a_record(gate_id, Outcome.FALSIFIED)]
    assert score(more, DEEP).mqs <= score(records, DEEP).mqs


def test_a_refuted_p0_gate_blocks_whatever_the_average_says() -> None:
    good = [*FULL, *many(Category.COMP, 99, 0)]
    spoilt = score([*good, a_record("F-LAYOUT-002", Outcome.FALSIFIED)], DEEP)
    assert score(good, DEEP).status is Status.CERTIFIED
    assert spoilt.mqs > 900
    assert (spoilt.status, spoilt.refuted_p0, spoilt.tier.passed) == (Status.BLOCKED, ("F-LAYOUT-002",), False)
    assert spoilt.tier.reasons[0] == "refuted at severity P0: F-LAYOUT-002"


def test_a_refuted_p1_gate_only_costs_points() -> None:
    mqs = score([*FULL, a_record("F-A1-001", Outcome.FALSIFIED)], MVP)
    assert (mqs.status, mqs.refuted_p0) == (Status.PROVISIONAL, ())
