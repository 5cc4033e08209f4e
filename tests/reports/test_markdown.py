from __future__ import annotations

import re

import pytest

from pytest_aprqa.core import Modality, Outcome
from pytest_aprqa.evidence import Evidence
from pytest_aprqa.reports import render_step_summary
from pytest_aprqa.reports.markdown import markdown_text
from pytest_aprqa.reports.unjudged import unjudged_groups
from pytest_aprqa.scoring import Rules, score
from tests.reports.samples import (
    CPU,
    HOSTILE,
    blocked,
    case,
    empty,
    eventful,
    evidence,
    good,
    hostile_fields,
    record,
    weights_missing,
)
from tests.reports.snapshot import check_snapshot

GITHUB_LIMIT_BYTES = 1_048_576

SAMPLES = {
    "good": good(),
    "eventful": eventful(),
    "blocked": blocked(),
    "weights_missing": weights_missing(),
    "empty": empty(),
}


def render(made: Evidence) -> str:
    return render_step_summary(made, score(made.records, Rules(made.playbook.tier)))


@pytest.mark.parametrize("name", SAMPLES)
def test_the_summary_is_the_one_that_was_reviewed(name: str) -> None:
    check_snapshot(f"summary-{name}.md", render(SAMPLES[name]))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, 2+2=4", "plain text, 2+2=4"),
        ("a|b", "a\\|b"),
        ("`code` *bold* _it_", "\\`code\\` \\*bold\\* \\_it\\_"),
        ("<b>&", "&lt;b&gt;&amp;"),
        ("[a](b) #1 @x", "\\[a\\](b) \\#1 &#64;x"),
        ("two\nlines", "two\\\\nlines"),
        ("$x$", "\\$x\\$"),
    ],
)
def test_markdown_shows_the_text_itself(text: str, shown: str) -> None:
    assert markdown_text(text) == shown


def test_hostile_texts_stay_in_their_cell() -> None:
    text = render(
        evidence(
            case("x", Modality.RUN, CPU, outcome, case_id=HOSTILE, answer=HOSTILE, **hostile_fields())
            for outcome in Outcome
        )
    )
    tables = [line for line in text.splitlines() if line.startswith("|")]
    failures = tables[-3:]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in failures} == {7}
    assert "<b>" not in text
    assert all(line.isprintable() for line in text.split("\n"))
    text.encode()


def test_the_worst_run_is_cut_at_a_line_and_fits_a_step_summary() -> None:
    worst = ("\U000e0041" * 300 + "\n") * 40
    records = [
        case(f"c{number}", Modality.RUN, CPU, outcome, answer=worst, turns=(worst,), reason=f"{number}{worst}")
        for outcome in (Outcome.FALSIFIED, Outcome.SKIPPED, Outcome.INCONCLUSIVE)
        for number in range(60)
    ]
    text = render(evidence(records))
    assert len(text.encode()) < GITHUB_LIMIT_BYTES
    assert text.endswith("\n\n(cut here: the whole would be too long)\n")
    assert len(text.encode()) > GITHUB_LIMIT_BYTES // 2


def test_fifty_failures_are_shown_and_all_are_counted() -> None:
    text = render(evidence(case(f"c{number}", Modality.RUN, CPU, Outcome.FALSIFIED) for number in range(60)))
    assert "### Failures (50 of 60)" in text
    assert text.count("| run\\[safetensors-cpu-c") == 50


def test_a_gate_that_kept_others_from_being_checked_without_being_selected_is_explained() -> None:
    note = "F-LAYOUT-002 was not selected: it was looked at for these alone, and has no record in this run"
    waits = record(
        "F-LOGIT-NMSE-001",
        outcome=Outcome.INCONCLUSIVE,
        reason="not checked: F-LAYOUT-002 is falsified: transposed",
        details={"not_checked": "F-LAYOUT-002"},
    )
    assert unjudged_groups([waits], limit=1)[0].reason[1:] == (note,)
    ground = record("F-LAYOUT-002", outcome=Outcome.FALSIFIED)
    assert unjudged_groups([ground, waits], limit=1)[0].reason[1:] == ()
