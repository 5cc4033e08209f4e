from __future__ import annotations

import re
import time

import pytest
from rich.cells import cell_len

from pytest_aprqa.core import Modality, Outcome
from pytest_aprqa.evidence import Evidence, RunInfo, Selection
from pytest_aprqa.reports import render_summary
from pytest_aprqa.scoring import score_evidence
from tests.reports.samples import (
    CPU,
    HOSTILE,
    blocked,
    case,
    empty,
    eventful,
    evidence,
    gateways,
    good,
    hostile_fields,
    weights_missing,
)
from tests.reports.snapshot import check_snapshot

FILES = ["certifications/aprqa--aprqa-tiny/evidence.json", "certifications/aprqa--aprqa-tiny/summary.md"]
SAMPLES = {
    "good": good(),
    "eventful": eventful(),
    "blocked": blocked(),
    "weights_missing": weights_missing(),
    "empty": empty(),
}


def render(made: Evidence, *, width: int = 80, color: bool = False, ascii: bool = False) -> str:
    return render_summary(made, score_evidence(made), width=width, color=color, ascii=ascii, files=FILES)


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_summary_is_the_one_that_was_reviewed(name: str, width: int) -> None:
    check_snapshot(f"terminal-{name}-{width}.txt", render(SAMPLES[name], width=width))


def test_colors_are_only_there_on_demand() -> None:
    check_snapshot("terminal-eventful-color.txt", render(eventful(), color=True))
    assert "\x1b" not in render(eventful())


def test_ascii_is_ascii() -> None:
    text = render(evidence([case("x", Modality.RUN, CPU, Outcome.FALSIFIED, answer="déjà 你好 " * 90)]), ascii=True)
    assert text.isascii()
    check_snapshot("terminal-eventful-ascii.txt", render(eventful(), ascii=True))


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("width", [60, 79, 100, 200])
def test_only_what_is_to_be_copied_may_be_wider_than_the_terminal(name: str, width: int) -> None:
    lines = render(SAMPLES[name], width=width).splitlines()
    assert all(cell_len(line) <= width or line.lstrip().startswith(("again ", "certif")) for line in lines)
    assert all(line == line.rstrip() for line in lines)


def test_hostile_texts_cannot_leave_their_place() -> None:
    records = [
        case("x", Modality.RUN, CPU, outcome, case_id=HOSTILE, answer=HOSTILE, **hostile_fields())
        for outcome in Outcome
    ]
    text = render(evidence(records))
    assert all(line.isprintable() for line in text.split("\n"))
    assert "[bold]<b>&|" in text


def test_ten_megabytes_are_shortened_at_once() -> None:
    huge = "x" * 10_000_000
    made = evidence([case("x", Modality.RUN, CPU, Outcome.FALSIFIED, answer=huge, reason=huge, turns=(huge,))])
    started = time.perf_counter()
    text = render(made)
    assert time.perf_counter() - started < 2
    assert len(text) < 10_000
    assert "(10,000,000 characters)" in " ".join(text.split())


def test_missing_weights_are_pending_and_say_how_to_get_them() -> None:
    text = render(weights_missing())
    assert "status PENDING" in text
    assert "12 cases skipped: weights of aprqa/aprqa-tiny are not on this machine" in text
    assert "- --aprqa-model-cache DIR, where DIR holds the model" in text


def test_a_partial_selection_says_so() -> None:
    run = RunInfo(selection=Selection.PARTIAL, selection_reason="-k chat")
    text = render(good().model_copy(update={"run": run}))
    assert "status PARTIAL" in text
    assert "only a part of the playbook was run (-k chat): no certificate" in " ".join(text.split())


def test_a_tier_that_never_awards_says_so() -> None:
    made = good()
    smoke = made.model_copy(update={"playbook": made.playbook.model_copy(update={"tier": "smoke"})})
    assert "tier smoke never awards a status" in render(smoke)
    assert "never awards" not in render(good())


def test_an_untested_category_has_no_evidence_and_no_interval() -> None:
    lines = render(eventful()).splitlines()
    assert any(re.search(r"PERF .* 0/150 {2}no evidence$", line) for line in lines)
    assert not any("no evidence" in line for line in render(good()).splitlines())


def test_gateways_name_the_targets_only_where_they_differ() -> None:
    assert "G0  integrity  failed on gguf-q4_k_m-cpu; passed on safetensors-cpu" in render(blocked())
    assert "passed on" not in render(eventful())


def test_gateway_failures_come_first_and_crashes_before_the_rest() -> None:
    cases = [
        case("wrong", Modality.RUN, CPU, Outcome.FALSIFIED),
        case("slow", Modality.RUN, CPU, Outcome.TIMEOUT, answer=None),
        case("dead", Modality.RUN, CPU, Outcome.CRASHED, answer=None),
        *gateways(CPU, failed=None)[:1],
        gateways(CPU)[1].model_copy(update={"outcome": Outcome.FALSIFIED}),
    ]
    heads = re.findall(r"^  \S+  \S+ P\d (\w+)$", render(evidence(cases), width=120), re.MULTILINE)
    assert heads == ["falsified", "crashed", "timeout", "falsified"]


def test_at_most_five_failures_are_shown_and_all_are_counted() -> None:
    text = render(evidence(case(f"c{number}", Modality.RUN, CPU, Outcome.FALSIFIED) for number in range(9)))
    assert "worst failures  5 of 9" in text
    assert text.count("    again   pytest ") == 5


def test_an_empty_answer_is_shown_as_empty_and_a_missing_one_not_at_all() -> None:
    empty_answer = render(evidence([case("x", Modality.RUN, CPU, Outcome.FALSIFIED, answer="")]))
    no_answer = render(evidence([case("x", Modality.RUN, CPU, Outcome.TIMEOUT, answer=None)]))
    assert "answer  (empty)" in empty_answer
    assert "answer" not in no_answer


def test_a_conversation_shows_the_turn_that_was_answered_last() -> None:
    turns = ("My name is Ada.", "What is my name?", "Thanks.")
    record = case("x", Modality.CHAT, CPU, Outcome.FALSIFIED, answer="Hello.", turns=turns)
    assert "prompt  (turn 1 of 3) My name is Ada." in render(evidence([record]))
