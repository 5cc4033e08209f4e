"""The charts and what they are drawn from."""

from __future__ import annotations

import re
from itertools import product

import pytest

from pytest_aprqa.core import Category, Json, Outcome
from pytest_aprqa.reports.distances import distances_of
from pytest_aprqa.reports.page.axes import axis_of
from pytest_aprqa.reports.page.kl_plot import kl_plot
from pytest_aprqa.reports.page.layers import Course, courses_of, drawn, layer_plot
from pytest_aprqa.reports.page.render import _asset
from pytest_aprqa.reports.page.svg import rate_bar, score_bar
from pytest_aprqa.scoring import Rules, score
from tests.reports.page_samples import measured
from tests.reports.samples import GGUF, evidence, good, record

INKS_ON = {
    "ink": ("bg", "card", "sunk", "skip-bg", "heat1", "heat2", "heat3", "heat4", "heat5"),
    "muted": ("bg", "card", "sunk"),
    "link": ("bg", "card", "sunk"),
    "pass-ink": ("pass-bg",),
    "fail-ink": ("fail-bg",),
    "time-ink": ("time-bg",),
    "crash-ink": ("crash-bg",),
    "open-ink": ("open-bg",),
    "skip-ink": ("skip-bg",),
    "card": ("ink",),
}
"""Which color text has on which ground."""


def theme(place: int) -> dict[str, str]:
    pairs = re.findall(r"--([a-z0-9-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", _asset("page.css"))
    return {name: colors[place] for name, *colors in pairs}


def luminance(color: str) -> float:
    """WCAG 2.2, relative luminance."""
    shares = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("place", [0, 1], ids=["light", "dark"])
def test_text_stands_out_from_its_ground(place: int) -> None:
    colors = theme(place)
    weak = {
        (ink, ground): round(contrast(colors[ink], colors[ground]), 2)
        for ink, grounds in INKS_ON.items()
        for ground in grounds
        if contrast(colors[ink], colors[ground]) < 4.5
    }
    assert weak == {}


@pytest.mark.parametrize("place", [0, 1], ids=["light", "dark"])
def test_focus_lines_and_marks_stand_out_from_their_ground(place: int) -> None:
    colors = theme(place)
    marks = ("focus", "accent", "fail", "s0", "s1", "s2", "s3", "s4", "s5")
    weak = [pair for pair in product(marks, ("bg", "card")) if contrast(*(colors[name] for name in pair)) < 3]
    assert weak == []


def test_every_color_of_the_style_sheet_is_defined() -> None:
    style = _asset("page.css")
    assert set(re.findall(r"var\(--([a-z0-9-]+)\)", style)) <= set(re.findall(r"--([a-z0-9-]+):", style))


def test_a_divergence_beyond_its_limit_is_marked() -> None:
    within, beyond = (kl_plot(distances_of(evidence(measured(kl)))) for kl in (0.004, 0.05))
    assert within is not None
    assert beyond is not None
    assert within.count("point over") == 0
    assert beyond.count("point over") == 3
    assert beyond.count('class="limit"') == 3
    assert "gguf-q4_k_m-cpu" in beyond


@pytest.mark.parametrize("value", [None, True, "NaN", "inf", [1], {}, "x" * 100, 10**400, ""])
def test_details_that_are_no_numbers_draw_nothing(value: Json) -> None:
    details: dict[str, Json] = {"quantity": "mean", "value": value, "limit": 1.0, "cosines": {"layer.0": value}}
    made = evidence([record("F-KL-MEAN-001", GGUF, details=details), record("F-TRACE-DIFF-001", GGUF, details=details)])
    assert distances_of(made) == ()
    assert courses_of(made) == ()
    assert kl_plot(()) is None
    assert layer_plot(()) is None


def test_the_checks_of_a_golden_corpus_are_distances_too() -> None:
    check: dict[str, Json] = {"quantity": "golden_kl", "value": 2e-8, "low": 1e-8, "high": 3e-8, "limit": 2e-4}
    (found,) = distances_of(evidence([record("F-HF-PARITY-001", GGUF, details={"checks": [check, "no check"]})]))
    assert found.cells == ("gguf-q4_k_m-cpu", "golden_kl", "2e-08", "1e-08 to 3e-08", "0.0002", "")


def test_the_farthest_layer_is_named() -> None:
    (course,) = courses_of(evidence(measured(cosine=0.9)))
    assert course.cells == ("gguf-q4_k_m-cpu", "4", "layer.0", "0.1", "0.001")
    plot = layer_plot([course])
    assert plot is not None
    assert plot.count("<polyline") == plot.count("course-limit") == plot.count("farthest") == 1


def test_of_many_targets_the_farthest_are_drawn() -> None:
    courses = [Course(f"t{n}", ("embedding",), (n / 100,), None, Outcome.CORROBORATED) for n in range(20)]
    assert [course.target for course in drawn(courses)] == [f"t{n}" for n in range(14, 20)]


def test_zero_has_a_place_of_its_own_on_a_logarithmic_axis() -> None:
    axis = axis_of([0.0, 1e-4, 0.5])
    assert axis.place(0.0) == 0.0 < axis.place(1e-4) < axis.place(1e-3) < axis.place(0.5) <= 1.0
    assert axis.place(1e9) == 1.0
    assert axis_of([1e-300, 1e300]).place(1e300) == 1.0


def test_the_score_shows_what_is_untested() -> None:
    mqs = score(good().records, Rules("mvp"))
    assert 'class="open"' not in score_bar(mqs)
    partial = score([made for made in good().records if not made.gate_id.startswith("F-PERF")], Rules("mvp"))
    assert f"score {partial.mqs} of 1000, up to {partial.mqs_ceiling}" in score_bar(partial)


def test_a_category_without_evidence_has_no_bar() -> None:
    untested, tested = (rate_bar(score(records, Rules()).categories[Category.QUAL]) for records in ((), good().records))
    assert "earned" not in untested
    assert "earned" in tested
    assert tested.count("whisker") == 3
