"""The one measurement of a target's speed, remembered in its `Timing`, and the one more that a close call is worth.

A second measurement is added to the first rather than put in its place: what was measured is never dropped, so that
nothing passes by being tried twice. Knows no verdict.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean, median
from typing import Final

from pytest_aprqa.core import EngineRefused, EngineUnavailable
from pytest_aprqa.engines import EngineFacts, Instruments, Pace
from pytest_aprqa.gates.measured import Unjudgeable, once
from pytest_aprqa.gates.speed.timing import Timing

_FIRST: Final = "measurement"
_BOTH: Final = "measurement, with one more"


@dataclass(frozen=True, slots=True)
class Measurement:
    """What the clock said of each measured answer."""

    facts: EngineFacts
    paces: tuple[Pace, ...]
    """One for each answer, in order; at least one."""
    rounds: int
    """1, or 2 once it was repeated."""

    @property
    def rates(self) -> tuple[float, ...]:
        """Tokens per second of each answer, after its first token."""
        return tuple(1000 * len(pace.token_ms) / math.fsum(pace.token_ms) for pace in self.paces)

    @property
    def prefill_rates(self) -> tuple[float, ...]:
        """Tokens of the prompt per second until the first token of each answer."""
        return tuple(1000 * pace.prompt_tokens / pace.prefill_ms for pace in self.paces)

    @property
    def first_ms(self) -> tuple[float, ...]:
        """Time to the first token of each answer."""
        return tuple(pace.prefill_ms for pace in self.paces)

    @property
    def between_ms(self) -> tuple[float, ...]:
        """Times between tokens of all answers together."""
        return tuple(ms for pace in self.paces for ms in pace.token_ms)

    @property
    def medians_ms(self) -> tuple[float, ...]:
        """Median time between tokens of each answer; positive."""
        # A clock that shows no time between two tokens is coarse, and the mean still tells.
        return tuple(median(pace.token_ms) or fmean(pace.token_ms) for pace in self.paces)

    @property
    def rss_bytes(self) -> tuple[int, ...]:
        """Resident set of the engine's process after each answer."""
        return tuple(pace.rss_bytes for pace in self.paces)

    @property
    def peak_rss_bytes(self) -> int:
        """Largest resident set of the engine's process."""
        return max(pace.peak_rss_bytes for pace in self.paces)

    @property
    def peaks_vram_bytes(self) -> tuple[int, ...]:
        """Largest memory of the device so far, after each answer that tells it."""
        return tuple(pace.peak_vram_bytes for pace in self.paces if pace.peak_vram_bytes is not None)


def measurement(timing: Timing) -> Measurement:
    """All that was measured; measures on first use."""
    if _BOTH in timing.memory:
        return again(timing)
    return once(timing.memory, _FIRST, lambda: Measurement(timing.engine().facts, _answers(timing), 1))


def again(timing: Timing) -> Measurement:
    """The measurement together with one more; a third is never made."""
    first = once(timing.memory, _FIRST, lambda: Measurement(timing.engine().facts, _answers(timing), 1))
    return once(timing.memory, _BOTH, lambda: Measurement(first.facts, (*first.paces, *_answers(timing)), 2))


def paced(timing: Timing, count: int) -> tuple[Pace, ...]:
    """So many further answers under the clock, without a warm-up."""
    row = once(timing.memory, "row", lambda: _row(timing))
    return tuple(_sound(timing.instruments().pace(row, tokens=timing.tokens), timing.tokens) for _ in range(count))


def _answers(timing: Timing) -> tuple[Pace, ...]:
    paced(timing, timing.warmup)
    return paced(timing, timing.measure)


def _row(timing: Timing) -> tuple[int, ...]:
    """Token ids of the prompt, as a user's question where the model has a template."""
    instruments = timing.instruments()
    text = _question(timing, instruments)
    row = instruments.encode([text], special=True)[0]
    if not row:
        raise Unjudgeable("the prompt has no tokens")
    context = timing.engine().facts.context_tokens
    if context is not None and len(row) + timing.tokens > context:
        raise Unjudgeable(
            f"a prompt of {len(row)} tokens and {timing.tokens} tokens of an answer do not fit the model's context of "
            f"{context}; set profile_ci.tokens lower"
        )
    return row


def _question(timing: Timing, instruments: Instruments) -> str:
    if not timing.engine().facts.chat_template:
        return timing.prompt
    try:
        return instruments.render([[{"role": "user", "content": timing.prompt}]])[0]
    except (EngineRefused, EngineUnavailable):
        return timing.prompt


def _sound(pace: Pace, tokens: int) -> Pace:
    """The pace, where it can be what a clock said."""
    times = (pace.prefill_ms, *pace.token_ms)
    if len(times) != tokens:
        raise Unjudgeable(f"{tokens} tokens were asked for, and the engine's clock tells of {len(times)}")
    if not all(math.isfinite(ms) and ms >= 0 for ms in times) or not pace.prefill_ms or not any(pace.token_ms):
        raise Unjudgeable("the engine's clock stood still or ran backwards")
    return pace
