from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pytest_aprqa.core import Backend, Category, Format, Json, Outcome, Quantization, Target
from pytest_aprqa.evidence import Dialect, Evidence, Selection
from pytest_aprqa.registry import Row, settle
from pytest_aprqa.scoring import Status, headline, score_evidence
from tests.registry.samples import NOW, RUN_AT, a_run, with_failure
from tests.reports.samples import MODEL, record

Q8 = Target(MODEL, Format.GGUF, Quantization.Q8_0, Backend.CPU)
KNOWN = Row(MODEL, "aprqa", "2M", "tiny")
CERTIFIED = replace(KNOWN, status="CERTIFIED", mqs_score=990, grade="A+", certified_tier="deep")


def settled(made: Evidence, row: Row | None = KNOWN) -> Row:
    return settle(row, made, score_evidence(made), now=NOW)


def without(made: Evidence, category: Category) -> Evidence:
    kept = tuple(it for it in made.records if not it.gate_id.startswith(f"F-{category}"))
    return made.model_copy(update={"records": kept})


def weaker(made: Evidence) -> Evidence:
    """The same with a quarter of all points lost, and no gateway."""
    records = tuple(
        it.model_copy(update={"outcome": Outcome.FALSIFIED}) if it.gate_id.startswith(("F-PERF", "F-EDGE")) else it
        for it in made.records
    )
    return made.model_copy(update={"records": records})


@pytest.mark.parametrize(
    ("tier", "status", "certified_tier"), [("mvp", "PROVISIONAL", "mvp"), ("deep", "CERTIFIED", "deep")]
)
def test_a_perfect_run_awards_what_its_tier_may(tier: str, status: str, certified_tier: str) -> None:
    row = settled(a_run(tier))
    assert (row.status, row.certified_tier, row.mqs_score, row.grade) == (status, certified_tier, 1000, "A+")
    assert row.last_certified == f"{RUN_AT:%Y-%m-%dT%H:%M:%SZ}"
    assert (row.family, row.parameters, row.size_category) == ("aprqa", "2M", "tiny")


@pytest.mark.parametrize("tier", ["smoke", "quick", "standard", None])
@pytest.mark.parametrize("before", [KNOWN, CERTIFIED], ids=["pending", "certified"])
@pytest.mark.parametrize("failed", ["", "G2-BASIC"], ids=["passed", "failed"])
def test_a_tier_without_an_award_leaves_the_row(tier: str | None, before: Row, failed: str) -> None:
    made = a_run(tier)
    assert settled(with_failure(made, failed) if failed else made, before) == before


def test_a_failed_gateway_blocks_and_clears_the_award() -> None:
    row = settled(with_failure(a_run("deep"), "G2-BASIC"), CERTIFIED)
    assert (row.status, row.certified_tier, row.mqs_score, row.grade) == ("BLOCKED", "none", 0, "F")


@pytest.mark.parametrize("gate", ["G1", "G2", "G3", "G4"])
def test_gateways_are_not_shifted(gate: str) -> None:
    row = settled(with_failure(a_run(), f"{gate}-LATE"))
    assert row.gates == {name: name != gate.lower() for name in ("g1", "g2", "g3", "g4")}


def test_a_failed_g0_blocks_although_the_csv_has_no_column_for_it() -> None:
    row = settled(with_failure(a_run(), "G0-VALIDATE-001"))
    assert row.status == "BLOCKED"
    assert all(row.gates.values())


def test_a_failed_throughput_floor_blocks_whatever_the_score_and_the_run_says_the_same() -> None:
    slow = with_failure(a_run("deep"), "F-PROFILE-CI-001", Q8)
    row, mqs = settled(slow, CERTIFIED), score_evidence(slow)
    assert (row.status, row.certified_tier) == ("BLOCKED", "none")
    assert (mqs.status, mqs.tier.passed) == (Status.BLOCKED, False)
    assert headline(mqs).startswith("BLOCKED by F-PROFILE-CI-001 on gguf-q8_0-cpu; MQS of the rest ")
    assert row.mqs_score is not None
    assert row.mqs_score > 900


def test_the_ground_truth_may_decode_slowly() -> None:
    assert settled(with_failure(a_run("deep"), "F-PROFILE-CI-001")).status == "CERTIFIED"


def test_a_refuted_p0_gate_of_a_partial_run_blocks_the_row() -> None:
    made = with_failure(a_run("deep", selection=Selection.PARTIAL), "F-LAYOUT-002", Q8)
    assert settled(made, CERTIFIED).status == "BLOCKED"


def test_a_low_score_moves_a_certified_row_down_and_a_better_run_up_again() -> None:
    down = settled(weaker(a_run("deep")), CERTIFIED)
    assert (down.status, down.mqs_score, down.grade) == ("PROVISIONAL", 700, "C")
    assert settled(a_run("deep"), down).status == "CERTIFIED"


def test_missing_evidence_is_partial_and_no_award() -> None:
    row = settled(without(a_run("deep"), Category.PERF), CERTIFIED)
    assert (row.status, row.certified_tier, row.mqs_score) == ("PARTIAL", "none", 850)


def test_a_partial_run_can_refute_an_award_but_give_none() -> None:
    partial = a_run("deep", selection=Selection.PARTIAL)
    assert settled(partial, KNOWN) == KNOWN
    assert settled(partial, CERTIFIED) == CERTIFIED
    assert settled(with_failure(partial, "G3-STABLE"), CERTIFIED).status == "BLOCKED"


def test_a_run_without_weights_leaves_the_row() -> None:
    made = a_run("deep")
    skipped = tuple(it.model_copy(update={"outcome": Outcome.SKIPPED}) for it in made.records)
    assert settled(made.model_copy(update={"records": skipped}), CERTIFIED) == CERTIFIED


def test_foreign_evidence_awards_nothing() -> None:
    assert settled(a_run("deep", dialect=Dialect.ARRAY), KNOWN) == KNOWN


def test_an_unknown_model_gets_a_row_with_the_facts_that_are_given() -> None:
    made = a_run()
    row = settle(None, made, score_evidence(made), family="llama", parameters="135M", now=NOW)
    assert (row.model_id, row.family, row.size_category, row.status) == (MODEL, "llama", "tiny", "PROVISIONAL")
    assert settle(None, made, score_evidence(made), now=NOW).size_category == ""


def test_a_run_cannot_have_ended_in_the_future() -> None:
    assert settled(a_run(at=NOW + timedelta(days=400))).last_certified == f"{NOW:%Y-%m-%dT%H:%M:%SZ}"


def test_speeds_are_those_of_the_run_and_not_of_an_earlier_one() -> None:
    speed: dict[str, Json] = {"speed": {"answers": 3, "decode_tok_per_s": {"value": 12.34}}}
    made = a_run()
    fast = made.model_copy(update={"records": (*made.records, record("F-PROFILE-CI-002", index=999, details=speed))})
    row = settled(fast)
    assert row.tps["tps_st_cpu"] == 12.3
    assert settled(made, row).tps["tps_st_cpu"] is None
