"""The KL divergences of each target from the ground truth, as a plot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

from pytest_aprqa.reports.distances import MOST, Distance
from pytest_aprqa.reports.page.axes import LogAxis, axis_of
from pytest_aprqa.reports.page.svg import drawing, line, rect, text

_KL: Final = {"F-KL-MEAN-001": "mean", "F-KL-TAIL-001": "99th percentile", "F-KL-MAX-001": "largest"}
_TARGETS: Final = MOST // 10
_LEFT, _RIGHT, _TOP, _ROW = 170.0, 24.0, 12.0, 44.0
_WIDTH: Final = 1060.0


def kl_plot(distances: Sequence[Distance]) -> Markup | None:
    """One row for each target: mean, 99th percentile and largest KL divergence, each with its limit; None without."""
    rows: dict[str, list[Distance]] = {}
    for distance in distances:
        if distance.gate_id in _KL:
            rows.setdefault(distance.target, []).append(distance)
    if not rows:
        return None
    shown = dict(list(rows.items())[:_TARGETS])
    axis = axis_of(number for row in shown.values() for one in row for number in (one.value, one.limit))
    bottom = _TOP + _ROW * len(shown)
    parts = [*_grid(axis, bottom)]
    for number, (target, row) in enumerate(shown.items()):
        parts += _row(axis, target, row, _TOP + _ROW * number)
    label = f"KL divergence of {len(shown)} targets from the ground truth; the table below has the numbers"
    return drawing(_WIDTH, bottom + 44, label, parts, css="chart plot")


def _x(axis: LogAxis, distance: float) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * axis.place(distance)


def _grid(axis: LogAxis, bottom: float) -> list[Markup]:
    parts = []
    for share, label in axis.ticks:
        x = _LEFT + (_WIDTH - _LEFT - _RIGHT) * share
        parts += [line(x, _TOP, x, bottom, css="grid"), text(x, bottom + 18, label)]
    return [*parts, text((_LEFT + _WIDTH - _RIGHT) / 2, bottom + 38, "KL divergence in nats, logarithmic", css="axis")]


def _row(axis: LogAxis, target: str, row: Sequence[Distance], top: float) -> list[Markup]:
    middle = top + _ROW / 2
    parts = [
        text(_LEFT - 12, middle + 4, target, css="label", anchor="end"),
        line(_LEFT, top + _ROW, _WIDTH - _RIGHT, top + _ROW, css="grid"),
    ]
    for distance in row:
        y = middle + 12 * (list(_KL).index(distance.gate_id) - 1)
        x, limit = _x(axis, distance.value), _x(axis, distance.limit)
        if distance.low is not None and distance.high is not None:
            parts.append(line(_x(axis, distance.low), y, _x(axis, distance.high), y, css="whisker"))
        parts.append(line(limit, y - 6, limit, y + 6, css="limit"))
        parts.append(_mark(_KL[distance.gate_id], x, y, over=distance.value > distance.limit))
    return parts


def _mark(word: str, x: float, y: float, *, over: bool) -> Markup:
    css = "point over" if over else "point"
    match word:
        case "mean":
            return Markup('<circle cx="{:.2f}" cy="{:.2f}" r="4.5" class="{}"/>').format(x, y, css)
        case "largest":
            form = Markup('<path d="M{:.2f} {:.2f}l5 9h-10z" class="{}"/>')
            return form.format(x, y - 5, css)
        case _:
            return rect(x - 4, y - 4, 8, 8, css=css)
