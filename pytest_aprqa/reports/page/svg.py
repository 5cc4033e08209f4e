"""The small charts: the score's interval, a pass rate with its interval, the outcomes as one bar.

Every chart is an SVG whose colors come from the style sheet by class, so that it follows the theme; what it shows is
said in words beside it or in its label.
"""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from pytest_aprqa.core import Outcome
from pytest_aprqa.scoring import CategoryScore, Mqs

_SCORE_WIDTH, _SCORE_HEIGHT = 400, 62
_SCORE_TICKS = (0, 700, 900, 1000)
_UNNAMED = 900
"""A tick too near to its neighbors for a number of its own."""
_RATE_WIDTH, _RATE_HEIGHT = 240, 22
_OUTCOMES_WIDTH = 600
_HATCH = Markup(
    '<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<line x1="0" y1="0" x2="0" y2="6" class="hatch"/></pattern></defs>'
)
"""What is untested is hatched; every chart of the page may refer to it."""


def rect(x: float, y: float, width: float, height: float, *, css: str, round: float = 0) -> Markup:
    """A rectangle; nothing wider than nothing is drawn."""
    if width <= 0:
        return Markup("")
    corner = Markup(' rx="{}"').format(round) if round else Markup("")
    form = Markup('<rect x="{:.2f}" y="{:.2f}" width="{:.2f}" height="{:.2f}" class="{}"{}/>')
    return form.format(x, y, width, height, css, corner)


def line(x1: float, y1: float, x2: float, y2: float, *, css: str) -> Markup:
    """A straight line."""
    form = Markup('<line x1="{:.2f}" y1="{:.2f}" x2="{:.2f}" y2="{:.2f}" class="{}"/>')
    return form.format(x1, y1, x2, y2, css)


def text(x: float, y: float, words: str, *, css: str = "tick", anchor: str = "middle") -> Markup:
    """One line of text; `words` are escaped."""
    form = Markup('<text x="{:.2f}" y="{:.2f}" text-anchor="{}" class="{}">{}</text>')
    return form.format(x, y, anchor, css, words)


def drawing(width: float, height: float, label: str, parts: list[Markup], *, css: str, stretch: bool = False) -> Markup:
    """The whole SVG; `label` is what a screen reader says of it, empty where the words stand beside it."""
    role = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
    fit = Markup(' preserveAspectRatio="none"') if stretch else Markup("")
    form = Markup('<svg class="{}" viewBox="0 0 {:g} {:g}" {}{}>{}</svg>')
    return form.format(css, width, height, role, fit, Markup("").join(parts))


def score_bar(mqs: Mqs) -> Markup:
    """From 0 to 1000: what was earned, what is untested, and the marks of the awards."""
    left, width, top, height = 8.0, _SCORE_WIDTH - 16.0, 12.0, 18.0

    def at(points: float) -> float:
        return left + width * min(1000.0, max(0.0, points)) / 1000

    parts = [
        _HATCH,
        rect(left, top, width, height, css="track", round=4),
        rect(left, top, at(mqs.mqs) - left, height, css="earned", round=4),
        rect(at(mqs.mqs), top, at(mqs.mqs_ceiling) - at(mqs.mqs), height, css="open", round=4),
    ]
    for mark in _SCORE_TICKS:
        parts.append(line(at(mark), top - 4, at(mark), top + height + 4, css="mark"))
        if mark != _UNNAMED:
            anchor = {0: "start", 1000: "end"}.get(mark, "middle")
            parts.append(text(at(mark), top + height + 20, str(mark), anchor=anchor))
    parts.append(line(at(mqs.mqs), top - 8, at(mqs.mqs), top + height + 8, css="value"))
    label = f"score {mqs.mqs} of 1000, up to {mqs.mqs_ceiling} if what is untested were perfect"
    return drawing(_SCORE_WIDTH, _SCORE_HEIGHT, label, parts, css="chart score-bar")


def rate_bar(score: CategoryScore) -> Markup:
    """A pass rate with its 95 % interval; the numbers stand beside it."""
    top, height = 5.0, 12.0
    parts = [rect(0, top, _RATE_WIDTH, height, css="track" if score.total else "track open", round=3)]
    if score.total:
        low, high = (_RATE_WIDTH * end for end in score.interval)
        middle = top + height / 2
        parts += [
            rect(0, top, _RATE_WIDTH * score.passed / score.total, height, css="earned", round=3),
            line(low, middle, high, middle, css="whisker"),
            line(low, middle - 5, low, middle + 5, css="whisker"),
            line(high, middle - 5, high, middle + 5, css="whisker"),
        ]
    return drawing(_RATE_WIDTH, _RATE_HEIGHT, "", parts, css="chart rate-bar")


def outcomes_bar(outcomes: Mapping[Outcome, int]) -> Markup:
    """All records in one bar, by outcome; the numbers stand beside it."""
    total = sum(outcomes.values())
    x, parts = 0.0, []
    for outcome, count in outcomes.items():
        width = _OUTCOMES_WIDTH * count / total if total else 0.0
        parts.append(rect(x, 0, max(0.0, width - (1 if width > 2 else 0)), 10, css=f"o-{outcome}"))
        x += width
    return drawing(_OUTCOMES_WIDTH, 10, "", parts, css="chart outcomes-bar", stretch=True)
