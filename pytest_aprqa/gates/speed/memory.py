"""Judges of memory: its peak against a ceiling, and whether it grows from answer to answer."""

from __future__ import annotations

from typing import Final

from pytest_aprqa.core import Backend, Json, Verdict, corroborated, falsified
from pytest_aprqa.engines import Pace
from pytest_aprqa.gates.measured import Unjudgeable, once
from pytest_aprqa.gates.speed.limits import source_of, threshold_of
from pytest_aprqa.gates.speed.measurement import Measurement, measurement, paced
from pytest_aprqa.gates.speed.numbers import growth
from pytest_aprqa.gates.speed.plain_speed import speed_of
from pytest_aprqa.gates.speed.timing import Timing

_MIB: Final = 1 << 20
_FEWEST_ANSWERS: Final = 8
"""Four in the latter half: with fewer, one sample could make a trend."""
_ALLOWED_REL: Final = 0.05
"""Of the memory after the first answer; the share that the reference allows for a hundred requests."""
_ALLOWED_BYTES: Final = 32 * _MIB
"""What allocators take and keep for a while; half of one arena of glibc's malloc."""


def judge_ceiling(timing: Timing) -> Verdict:
    """The largest memory, on a gpu of the device, against its ceiling; a largest value has no interval."""
    ceiling = threshold_of(timing.thresholds, "max_memory_bytes", "ceiling of memory")
    found = measurement(timing)
    on_device = timing.backend is Backend.GPU
    peak = max(found.peaks_vram_bytes, default=None) if on_device else found.peak_rss_bytes
    if not peak:
        raise Unjudgeable(f"the engine does not tell the largest memory of its {'device' if on_device else 'process'}")
    words = (
        f"largest memory of the {'device' if on_device else 'process'} {_mib(peak)}, ceiling {_mib(ceiling)} "
        f"by {source_of(timing.thresholds, 'max_memory_bytes')}"
    )
    if peak > ceiling:
        return falsified(words, compared=len(found.paces), speed=speed_of(timing, found))
    return corroborated(words, compared=len(found.paces), speed=speed_of(timing, found))


def judge_growth(timing: Timing) -> Verdict:
    """Memory after each answer: more than the allowed growth, and still growing at the end, is a leak.

    Where too few answers were measured, further ones are asked whose times do not count.
    """
    found = measurement(timing)
    series = _series(found, _further(timing, found))
    if not series:
        raise Unjudgeable("the engine does not tell its memory")
    details: dict[str, Json] = {"speed": speed_of(timing, found)}
    told, leaks = [], []
    for name, sizes in series.items():
        grown, allowed = growth(sizes), max(_ALLOWED_REL * sizes[0], _ALLOWED_BYTES)
        words = f"{name} grows by {_mib(grown)} over {len(sizes)} answers, {_mib(allowed)} allowed"
        details[f"{name}_growth_bytes"] = round(grown)
        told.append(words)
        if grown > allowed:
            leaks.append(words)
    if leaks:
        return falsified("; ".join(leaks), compared=len(found.paces), **details)
    return corroborated("; ".join(told), compared=len(found.paces), **details)


def _further(timing: Timing, found: Measurement) -> tuple[Pace, ...]:
    missing = max(0, _FEWEST_ANSWERS - len(found.paces))
    return once(timing.memory, "answers for memory alone", lambda: paced(timing, missing))


def _series(found: Measurement, further: tuple[Pace, ...]) -> dict[str, list[int]]:
    """Memory after each answer, by whose it is; without what the engine does not tell."""
    paces = (*found.paces, *further)
    series = {
        "rss": [pace.rss_bytes for pace in paces],
        "vram": [pace.peak_vram_bytes for pace in paces if pace.peak_vram_bytes is not None],
    }
    return {name: sizes for name, sizes in series.items() if len(sizes) == len(paces) and all(sizes)}


def _mib(size_bytes: float) -> str:
    return f"{size_bytes / _MIB:.1f} MiB"
