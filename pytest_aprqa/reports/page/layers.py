"""How far each layer's output is from the ground truth's, target by target: one minus the cosine, layer by layer.

Reads what the gate on the layers' direction left in its details; foreign evidence has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from markupsafe import Markup

from pytest_aprqa.core import excerpt
from pytest_aprqa.evidence import Evidence
from pytest_aprqa.reports.details import mapping, real, short_number
from pytest_aprqa.reports.page.axes import LogAxis, axis_of
from pytest_aprqa.reports.page.svg import drawing, line, text
from pytest_aprqa.reports.page.texts import SHORT

_GATE: Final = "F-TRACE-DIFF-001"
_MOST_LINES: Final = 6
"""Lines that can be told apart by color and dash."""
_MOST_LAYERS: Final = 400
_MOST_TARGETS: Final = 60
_WIDTH, _HEIGHT = 1060.0, 300.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 66.0, 20.0, 12.0, 54.0
_LABELS: Final = 12


@dataclass(frozen=True, slots=True)
class Course:
    """The layers of one target."""

    target: str
    names: tuple[str, ...]
    """Embedding, layers by number, final norm."""
    distances: tuple[float, ...]
    """One minus the cosine with the ground truth's output, 0.0-2.0; one for each name."""
    limit: float | None
    """Largest distance that is allowed; None where the record does not say."""
    outcome: str

    @property
    def worst(self) -> int:
        """The place of the farthest layer."""
        return max(range(len(self.distances)), key=lambda place: self.distances[place])

    @property
    def cells(self) -> tuple[str, ...]:
        """As the table shows it: target, layers, the farthest, its distance, the limit."""
        farthest = self.worst
        numbers = (short_number(self.distances[farthest]), short_number(self.limit))
        return self.target, str(len(self.names)), self.names[farthest], *numbers


def courses_of(evidence: Evidence) -> tuple[Course, ...]:
    """One for each target whose layers were compared."""
    courses = []
    for record in evidence.records:
        if record.gate_id != _GATE or record.target_id is None:
            continue
        cosines = islice(mapping(record.details.get("cosines")).items(), _MOST_LAYERS)
        known = [(excerpt(name, limit=SHORT), cosine) for name, value in cosines if (cosine := real(value)) is not None]
        if not known:
            continue
        limit = real(record.details.get("limit"))
        courses.append(
            Course(
                target=record.target_id,
                names=tuple(name for name, _ in known),
                distances=tuple(min(2.0, max(0.0, 1 - cosine)) for _, cosine in known),
                limit=None if limit is None else max(0.0, 1 - limit),
                outcome=record.outcome,
            )
        )
    return tuple(courses[:_MOST_TARGETS])


def drawn(courses: Sequence[Course]) -> tuple[Course, ...]:
    """Those that the plot shows: the farthest from the ground truth, in their own order."""
    if len(courses) <= _MOST_LINES:
        return tuple(courses)
    chosen = sorted(courses, key=lambda course: -course.distances[course.worst])[:_MOST_LINES]
    return tuple(course for course in courses if course in chosen)


def layer_plot(courses: Sequence[Course]) -> Markup | None:
    """A line for each of `drawn`, and its limit in the same color; None without."""
    shown = drawn(courses)
    if not shown:
        return None
    numbers = [distance for course in shown for distance in course.distances]
    axis = axis_of([*numbers, *(course.limit for course in shown if course.limit is not None)])
    longest = max(shown, key=lambda course: len(course.names))
    parts = [*_grid(axis, longest)]
    for place, course in enumerate(shown):
        parts += _line(axis, course, place, len(longest.names))
    label = f"distance of the layers' outputs from the ground truth, {len(shown)} targets; the table has the numbers"
    return drawing(_WIDTH, _HEIGHT, label, parts, css="chart plot")


def _x(place: int, of: int) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (place / max(1, of - 1))


def _y(axis: LogAxis, distance: float) -> float:
    return _HEIGHT - _BOTTOM - (_HEIGHT - _BOTTOM - _TOP) * axis.place(distance)


def _grid(axis: LogAxis, course: Course) -> list[Markup]:
    parts, floor = [], _HEIGHT - _BOTTOM
    for share, label in axis.ticks:
        y = floor - (floor - _TOP) * share
        parts += [line(_LEFT, y, _WIDTH - _RIGHT, y, css="grid"), text(_LEFT - 8, y + 4, label, anchor="end")]
    count = len(course.names)
    step = max(1, -(-count // _LABELS))
    for place in range(0, count, step):
        parts.append(text(_x(place, count), floor + 18, _short_name(course.names[place])))
    words = "one minus cosine, logarithmic; from the embedding to the final norm"
    return [*parts, text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 8, words, css="axis")]


def _line(axis: LogAxis, course: Course, place: int, count: int) -> list[Markup]:
    css = f"s{place}"
    points = " ".join(f"{_x(at, count):.1f},{_y(axis, distance):.1f}" for at, distance in enumerate(course.distances))
    parts = [Markup('<polyline points="{}" class="course {}"/>').format(points, css)]
    if course.limit is not None:
        y = _y(axis, course.limit)
        parts.append(line(_LEFT, y, _WIDTH - _RIGHT, y, css=f"course-limit {css}"))
    farthest = course.worst
    form = Markup('<circle cx="{:.1f}" cy="{:.1f}" r="4" class="farthest {}"/>')
    parts.append(form.format(_x(farthest, count), _y(axis, course.distances[farthest]), css))
    return parts


def _short_name(name: str) -> str:
    """A layer's number, or the first letters of another output's name.

    >>> _short_name("layer.12"), _short_name("embedding"), _short_name("final_norm")
    ('12', 'emb', 'norm')
    """
    if name.startswith("layer."):
        return name.removeprefix("layer.")[:4]
    return name.removeprefix("final_")[: 3 if name == "embedding" else 4]
