from __future__ import annotations

import pytest

from pytest_aprqa.core import Modality, Outcome
from pytest_aprqa.evidence import Record
from pytest_aprqa.regression import Change, pair_records
from tests.regression.runs import FAILED, PASSED, SKIPPED, UNJUDGED
from tests.reports.samples import CPU, GGUF, case, record


def changes(before: list[Record], after: list[Record]) -> list[Change]:
    return [pair.change for pair in pair_records(before, after).pairs]


@pytest.mark.parametrize(
    ("then", "now", "change"),
    [
        (PASSED, PASSED, Change.SAME),
        (FAILED, Outcome.CRASHED, Change.SAME),
        (UNJUDGED, SKIPPED, Change.SAME),
        (PASSED, FAILED, Change.BROKE),
        (PASSED, Outcome.TIMEOUT, Change.BROKE),
        (Outcome.CRASHED, PASSED, Change.FIXED),
        (PASSED, SKIPPED, Change.NOW_UNJUDGED),
        (FAILED, UNJUDGED, Change.NOW_UNJUDGED),
        (SKIPPED, FAILED, Change.NOW_JUDGED),
    ],
)
def test_two_outcomes_make_a_change(then: Outcome, now: Outcome, change: Change) -> None:
    assert changes([case("a", Modality.RUN, outcome=then)], [case("a", Modality.RUN, outcome=now)]) == [change]


def test_what_only_one_run_has_is_said() -> None:
    one, two = case("a", Modality.RUN), case("b", Modality.RUN)
    assert changes([one], []) == [Change.ONLY_BEFORE]
    assert changes([], [two]) == [Change.ONLY_AFTER]
    assert set(changes([one], [two])) == {Change.ONLY_BEFORE, Change.ONLY_AFTER}


def test_a_renamed_scenario_is_found_by_what_was_said() -> None:
    then = case("a", Modality.RUN, turns=("Hello",))
    now = case("b", Modality.RUN, outcome=FAILED, turns=("Hello",))
    assert changes([then], [now]) == [Change.BROKE]


def test_a_renamed_case_is_found_by_its_scenario() -> None:
    then = case("a", Modality.RUN, turns=("Hello",))
    now = case("a", Modality.RUN, outcome=FAILED, case_id="other", turns=("Hello",))
    assert changes([then], [now]) == [Change.BROKE]


def test_another_question_under_the_same_name_is_another_case() -> None:
    then, now = case("a", Modality.RUN, turns=("Hello",)), case("a", Modality.RUN, turns=("Bye",))
    assert set(changes([then], [now])) == {Change.ONLY_BEFORE, Change.ONLY_AFTER}


def test_a_gate_that_was_skipped_asked_nothing_and_is_still_the_same_gate() -> None:
    then, now = record("G2-INFER", turns=("Hello",)), record("G2-INFER", outcome=SKIPPED)
    assert changes([then], [now]) == [Change.NOW_UNJUDGED]


def test_the_same_scenario_of_another_target_is_another_case() -> None:
    then = case("a", Modality.RUN, CPU, case_id="x", turns=("Hello",))
    now = case("a", Modality.RUN, GGUF, case_id="y", turns=("Hello",))
    assert Change.SAME not in changes([then], [now])


def test_duplicates_count_once_with_their_worst_outcome_and_are_named() -> None:
    then = [case("a", Modality.RUN) for _ in range(3)]
    now = [case("a", Modality.RUN), case("a", Modality.RUN, outcome=FAILED)]
    found = pair_records(then, now)
    assert [pair.change for pair in found.pairs] == [Change.BROKE]
    (duplicate,) = found.duplicates
    assert (duplicate.before, duplicate.after) == (3, 2)
    assert duplicate.case_id == then[0].case_id


def test_the_order_of_duplicates_does_not_matter() -> None:
    mixed = [case("a", Modality.RUN, outcome=FAILED), case("a", Modality.RUN)]
    assert changes(mixed, mixed[::-1]) == [Change.SAME]


def test_an_ambiguous_name_joins_nothing() -> None:
    then = [case("a", Modality.RUN, turns=("Hello",), case_id=name) for name in ("x", "y")]
    now = [case("a", Modality.RUN, turns=("Hello",), case_id="z")]
    assert sorted(changes(then, now)) == ["only after", "only before", "only before"]
