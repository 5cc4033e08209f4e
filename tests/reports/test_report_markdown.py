from __future__ import annotations

import random
import re

import pytest

from pytest_aprqa.core import GATES, Modality, Outcome
from pytest_aprqa.evidence import Evidence
from pytest_aprqa.reports import render_report_markdown
from pytest_aprqa.reports.report_markdown import code_block
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
    weights_missing,
)
from tests.reports.snapshot import check_snapshot

SAMPLES = {
    "good": good(),
    "eventful": eventful(),
    "blocked": blocked(),
    "weights_missing": weights_missing(),
    "empty": empty(),
}


def render(made: Evidence) -> str:
    return render_report_markdown(made, score(made.records, Rules(made.playbook.tier)))


@pytest.mark.parametrize("name", ["eventful", "empty"])
def test_the_report_is_the_one_that_was_reviewed(name: str) -> None:
    check_snapshot(f"report-{name}.md", render(SAMPLES[name]))


@pytest.mark.parametrize("name", SAMPLES)
def test_the_order_of_the_records_does_not_matter(name: str) -> None:
    made = SAMPLES[name]
    shuffled = list(made.records)
    random.Random(1).shuffle(shuffled)
    again = Evidence.from_json({**made.to_json(), "records": [one.to_json() for one in shuffled]})
    assert render(again) == render(made)


def test_every_gate_and_every_case_is_named() -> None:
    made = eventful()
    text = render(made).replace("\\", "")
    assert all(one.case_id in text for one in made.records)
    assert all(GATES[one.gate_id].title in text for one in made.records)


def test_a_failure_tells_question_answer_reason_and_the_way_to_see_it_again() -> None:
    text = render(eventful())
    failure = text.partition("run\\[safetensors-cpu-hello\\]: falsified")[2].partition("### ")[0]
    assert "reason: expected 4, found 7" in failure
    assert "```text\nWhat is 2+2? (hello)\n```" in failure
    assert "```text\n7\n```" in failure
    assert "again: pytest playbooks/models/" in failure


def test_headings_are_unique_and_below_one_title() -> None:
    headings = re.findall(r"^#+ .*$", render(eventful()), re.MULTILINE)
    assert [heading for heading in headings if heading.startswith("# ")] == headings[:1]
    assert len(headings) == len(set(headings))


@pytest.mark.parametrize("text", ["```", "a\n````text\nb", "`" * 50, "~~~"])
def test_no_text_ends_its_code_block(text: str) -> None:
    block = code_block(text).split("\n")
    fence = block[-1]
    assert set(fence) == {"`"}
    assert block[0] == f"{fence}text"
    assert not [line for line in block[1:-1] if line.strip().startswith(fence)]


def test_hostile_texts_stay_in_their_place() -> None:
    made = evidence(
        case("x", Modality.RUN, CPU, outcome, case_id=HOSTILE, answer=HOSTILE, **hostile_fields())
        for outcome in Outcome
    )
    text = render(made)
    text.encode()
    assert all(line.isprintable() for line in text.split("\n"))
    outside = re.sub(r"^(`{3,})text\n.*?\n\1$", "", text, flags=re.MULTILINE | re.DOTALL)
    assert "<b>" not in outside
    columns = [len(re.findall(r"(?<!\\)\|", line)) for line in outside.split("\n") if line.startswith("| ")]
    assert set(columns) <= {5, 6, 7}


def test_many_failures_are_counted_and_the_first_are_told() -> None:
    text = render(evidence(case(f"c{number}", Modality.RUN, CPU, Outcome.FALSIFIED) for number in range(250)))
    assert "## Failures (200 of 250)" in text
    assert len(re.findall(r"^### \d+\. ", text, re.MULTILINE)) == 200


def test_texts_of_megabytes_are_shown_in_part() -> None:
    made = evidence(
        case(f"c{number}", Modality.RUN, CPU, Outcome.FALSIFIED, answer="y" * 10**6, reason="z" * 10**6)
        for number in range(20)
    )
    assert len(render(made)) < 200_000
