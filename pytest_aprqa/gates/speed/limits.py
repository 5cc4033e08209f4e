"""Judges of one run: rate, times to and between tokens, against what is asserted; and the control that must fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from pytest_aprqa.core import Outcome, Verdict, corroborated, falsified
from pytest_aprqa.gates.measured import Unjudgeable
from pytest_aprqa.gates.speed.claim import Claim, settle
from pytest_aprqa.gates.speed.measurement import Measurement, measurement
from pytest_aprqa.gates.speed.numbers import mean_of
from pytest_aprqa.gates.speed.plain_speed import between, speed_of
from pytest_aprqa.gates.speed.timing import Thresholds, Timing

Judge = Callable[[Timing], Verdict]

IMPOSSIBLE_TOK_PER_S: Final = 1_000_000.0
"""No model decodes so fast in a single stream; the reference's own negative control has it too."""


def judge_decoding(timing: Timing) -> Verdict:
    """The rate of decoding against its floor."""
    floor = threshold_of(timing.thresholds, "min_throughput", "floor of throughput")
    if floor <= 0:
        raise Unjudgeable("no floor of throughput above 0 is asserted")

    def claims(found: Measurement) -> list[Claim]:
        answers, source = len(found.rates), source_of(timing.thresholds, "min_throughput")
        return [Claim("decoding", mean_of(found.rates), floor, True, "tok/s", f"{answers} answers", answers, source)]

    return settle(timing, claims)


def judge_first(timing: Timing) -> Verdict:
    """The time to the first token against its ceiling."""
    ceiling = threshold_of(timing.thresholds, "max_ttft_ms", "ceiling of the time to the first token")

    def claims(found: Measurement) -> list[Claim]:
        answers, source = len(found.first_ms), source_of(timing.thresholds, "max_ttft_ms")
        time = mean_of(found.first_ms)
        return [Claim("time to the first token", time, ceiling, False, "ms", f"{answers} answers", answers, source)]

    return settle(timing, claims)


def judge_between(name: str, share: float, words: str) -> Judge:
    """A quantile of the times between tokens against its ceiling.

    Args:
        name: the threshold's field.
        share: of the times that lie below the quantile; 0-1.
        words: what the quantile is called.
    """

    def judge(timing: Timing) -> Verdict:
        ceiling = threshold_of(timing.thresholds, name, f"ceiling of the {words} of the time between tokens")

        def claims(found: Measurement) -> list[Claim]:
            count, source = len(found.between_ms), source_of(timing.thresholds, name)
            what, time = f"{words} of the time between tokens", between(found, share)
            return [Claim(what, time, ceiling, False, "ms", f"{count} times", count, source)]

        return settle(timing, claims)

    return judge


def judge_load(timing: Timing) -> Verdict:
    """The time that loading took against its ceiling; it is loaded once, so there is no interval."""
    ceiling = threshold_of(timing.thresholds, "max_load_ms", "ceiling of the time to load")
    found = measurement(timing)
    words = (
        f"loaded in {found.facts.load_ms:.4g} ms, ceiling {ceiling:.4g} ms "
        f"by {source_of(timing.thresholds, 'max_load_ms')}"
    )
    if found.facts.load_ms > ceiling:
        return falsified(words, speed=speed_of(timing, found))
    return corroborated(words, compared=1, speed=speed_of(timing, found))


def judge_control(judge: Judge) -> Judge:
    """Whether a judge of throughput can refuse at all: with a floor that nothing reaches, it must."""

    def control(timing: Timing) -> Verdict:
        thresholds = Thresholds(min_throughput=IMPOSSIBLE_TOK_PER_S, sources={"min_throughput": "negative control"})
        # The copy shares what was measured, so that the control costs nothing.
        verdict = judge(replace(timing, thresholds=thresholds))
        speed = speed_of(timing, measurement(timing))
        if verdict.outcome is Outcome.FALSIFIED:
            return corroborated(f"refused as it must be: {verdict.reason}", compared=verdict.compared, speed=speed)
        return falsified(
            f"a floor of {IMPOSSIBLE_TOK_PER_S:.0f} tok/s came out {verdict.outcome}: {verdict.reason}", speed=speed
        )

    return control


def threshold_of(thresholds: Thresholds, name: str, words: str) -> float:
    """The threshold of a name.

    Raises:
        Unjudgeable: there is none.
    """
    limit: float | None = getattr(thresholds, name)
    if limit is None:
        raise Unjudgeable(f"no {words} is asserted")
    return limit


def source_of(thresholds: Thresholds, name: str) -> str:
    """Where a threshold comes from."""
    return thresholds.sources.get(name, "default")
