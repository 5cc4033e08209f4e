from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pytest_aprqa.registry import Award, Origin, Row, standing
from tests.registry.samples import NOW

MEASURED = Award(origin=Origin.MEASURED, status="CERTIFIED", at="2026-05-31T12:00:00Z")
CERTIFIED = Row("a/b", status="CERTIFIED", mqs_score=950, last_certified="2026-05-31T12:00:00Z")


def aged(days: float, status: str = "CERTIFIED") -> tuple[Row, Award]:
    at = f"{NOW - timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}"
    return replace(CERTIFIED, status=status, last_certified=at), MEASURED.model_copy(
        update={"status": status, "at": at}
    )


def test_a_measured_status_stands_as_it_is() -> None:
    stands = standing(CERTIFIED, MEASURED, now=NOW)
    assert (stands.text, stands.holds, stands.verified) == ("CERTIFIED", True, True)


@pytest.mark.parametrize(
    ("days", "text"),
    [(90, "CERTIFIED"), (90.1, "CERTIFIED (stale, 90 days)"), (93, "CERTIFIED (stale, 93 days)")],
)
def test_an_award_is_stale_after_90_days(days: float, text: str) -> None:
    row, award = aged(days)
    assert standing(row, award, now=NOW).text == text


@pytest.mark.parametrize("status", ["BLOCKED", "PARTIAL", "PENDING"])
def test_what_is_no_award_does_not_go_stale(status: str) -> None:
    row, award = aged(1000, status)
    assert standing(row, award, now=NOW).text == status


def test_an_imported_status_is_unverified() -> None:
    row = Row("a/b", status="PARTIAL")
    award = Award(origin=Origin.IMPORTED, status="PARTIAL")
    stands = standing(row, award, now=NOW)
    assert (stands.text, stands.holds, stands.verified) == ("PARTIAL (imported, unverified)", False, False)


def test_a_status_without_a_record_is_unverified_but_pending_needs_none() -> None:
    assert standing(CERTIFIED, None, now=NOW).text == "CERTIFIED (no evidence recorded, unverified)"
    assert standing(Row("a/b"), None, now=NOW).text == "PENDING"


def test_a_status_that_its_record_does_not_say_is_unverified() -> None:
    stands = standing(CERTIFIED, MEASURED.model_copy(update={"status": "BLOCKED"}), now=NOW)
    assert stands.text == "CERTIFIED (its record says BLOCKED, unverified)"


def test_an_award_without_a_date_is_undated() -> None:
    assert standing(replace(CERTIFIED, last_certified="once"), MEASURED, now=NOW).text == "CERTIFIED (undated)"


@pytest.mark.parametrize(("at", "told"), [("2026-06-01T00:00:00Z", True), ("2026-05-01T00:00:00Z", False)])
def test_a_later_run_that_was_blocked_is_told_although_it_leaves_the_status(at: str, told: bool) -> None:
    smoke = Award(origin=Origin.MEASURED, tier="smoke", status="BLOCKED", at=at)
    text = standing(CERTIFIED, MEASURED, now=NOW, runs={"smoke": smoke}).text
    assert text == ("CERTIFIED (blocked in a later smoke run)" if told else "CERTIFIED")
