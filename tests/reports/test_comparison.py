from __future__ import annotations

import pytest

from pytest_aprqa.core import Modality, Outcome
from pytest_aprqa.evidence import Evidence
from pytest_aprqa.regression import compare
from pytest_aprqa.reports.comparison import render_comparison, render_comparison_markdown
from pytest_aprqa.reports.markdown import MAX_BYTES
from tests.regression.runs import FAILED, PASSED, SKIPPED, measured, run, timed
from tests.reports.samples import HOSTILE, case, evidence, hostile_fields
from tests.reports.snapshot import check_snapshot


def before() -> Evidence:
    more = [
        case("kept", Modality.CHAT),
        case("mended", Modality.CHAT, outcome=FAILED, reason="expected 4, found 7"),
        case("gone", Modality.CHAT),
        measured("F-KL-MEAN-001", 0.01, (0.009, 0.011)),
        timed(100.0),
    ]
    return run(PASSED, PASSED, PASSED, PASSED, more=more)


def after() -> Evidence:
    more = [
        case("kept", Modality.CHAT, outcome=SKIPPED, answer=None, reason="gpu: no CUDA device"),
        case("mended", Modality.CHAT),
        case("new", Modality.CHAT, outcome=FAILED, reason="garbage: <b>|x|</b>"),
        measured("F-KL-MEAN-001", 0.05, (0.04, 0.06)),
        timed(70.0),
    ]
    return run(PASSED, FAILED, FAILED, PASSED, more=more)


def test_a_regression_as_a_terminal_shows_it() -> None:
    text = render_comparison(compare(before(), after()), width=80, color=False)
    assert max(map(len, text.splitlines())) <= 80
    check_snapshot("comparison.txt", text)


def test_a_regression_as_markdown() -> None:
    check_snapshot("comparison.md", render_comparison_markdown(compare(before(), after())))


def test_everything_lists_every_change() -> None:
    found = compare(run(*[PASSED] * 60), run(*[SKIPPED] * 60))
    assert "60 cases became unjudged, skipped" in render_comparison(found, width=200, color=False)
    whole = render_comparison(found, width=200, color=False, everything=True)
    assert whole.count("became unjudged: run[safetensors-cpu-sum_") == 60


def test_nothing_compared_is_said_first() -> None:
    nothing = evidence([])
    assert render_comparison(compare(nothing, nothing), width=80, color=False).startswith("nothing compared\n")
    assert "nothing compared" in render_comparison_markdown(compare(nothing, nothing)).splitlines()[0]


@pytest.mark.parametrize("width", [1, 40, 80, 300])
@pytest.mark.parametrize("color", [True, False])
def test_hostile_text_is_made_printable(width: int, color: bool) -> None:
    bad = [case(f"h{n}", Modality.CHAT, outcome=Outcome.CRASHED, answer=HOSTILE, **hostile_fields()) for n in range(3)]
    found = compare(run(PASSED), run(FAILED, more=bad))
    text = render_comparison(found, width=width, color=color, ascii=True, everything=True)
    assert "\x1b]" not in text
    assert "\x07" not in text
    assert text.isascii()
    markdown = render_comparison_markdown(found, everything=True)
    assert "<b>" not in markdown
    assert "\x1b" not in markdown


def test_markdown_stays_below_what_github_takes() -> None:
    many = [case(f"{'x' * 150}{n}", Modality.RUN, outcome=FAILED, reason="r" * 5000) for n in range(2500)]
    text = render_comparison_markdown(compare(run(PASSED), run(PASSED, more=many)), everything=True)
    assert len(text.encode()) <= MAX_BYTES
    assert "cut here" in text[-60:]
