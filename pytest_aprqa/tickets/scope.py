"""Which formats, quantizations, devices or modalities a failure is confined to. Pure.

A failure is confined to a value, such as ``gguf``, where everything that failed has it and something without it was
tested and passed. What was never tested otherwise is not said to be confined.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from pytest_aprqa.evidence import Record

Axis = Callable[[Record], str | None]

_AXES: Final[tuple[tuple[str, Axis], ...]] = (
    ("format", lambda record: record.format),
    ("quantization", lambda record: record.quantization and f"{record.format}-{record.quantization}"),
    ("backend", lambda record: record.backend),
    ("modality", lambda record: record.modality),
)


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a failure is seen."""

    words: str
    """Such as ``only gguf`` or ``every format``; empty where nothing can be said."""
    hypothesis: str
    """What that points to; empty where it points to nothing."""


_POINTS_TO: Final = {
    "format": "the format's conversion or its engine, not the model",
    "quantization": "the loss of this quantization",
    "backend": "the device's kernels or driver",
    "modality": "how this modality reaches the model: template, state or HTTP",
}


def scope_of(failed: Iterable[Record], passed: Iterable[Record]) -> Scope:
    """What the failed records have in common and the passed ones have not.

    Args:
        failed: one or more records.
        passed: records of the same questions that passed elsewhere.
    """
    bad, good = tuple(failed), tuple(passed)
    confined: list[tuple[int, str, str]] = []
    for axis, read in _AXES:
        values = {read(record) for record in bad}
        if len(values) != 1 or None in values:
            continue
        (value,) = values
        if any(read(record) not in (value, None) for record in good):
            confined.append((sum(read(record) == value for record in good), axis, str(value)))
    if not confined:
        return _unconfined(bad)
    fewest = min(rivals for rivals, _, _ in confined)
    best = [(axis, value) for rivals, axis, value in confined if rivals == fewest]
    words = f"only {' '.join(value for _, value in best)}"
    return Scope(words, " or ".join(_POINTS_TO[axis] for axis, _ in best))


def _unconfined(failed: tuple[Record, ...]) -> Scope:
    formats = {str(record.format) for record in failed if record.format is not None}
    if len(formats) > 1:
        return Scope("several formats", "the model itself, its loader, or what is expected of it")
    return Scope("", "")
