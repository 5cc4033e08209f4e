"""F-STATE-TIMING-001: are tokens over a cache computed as tokens are that are there at once?

A cache that is advanced too early, too late or twice, a wrong position, or a mask that is one off shows in the logits
of the first token that is computed after it.
"""

from __future__ import annotations

from pytest_aprqa.core import Verdict, corroborated, falsified
from pytest_aprqa.gates.state.closeness import Closeness, closeness_of
from pytest_aprqa.gates.state.distance import Distance, distance, worst_of
from pytest_aprqa.gates.state.rows import Walk, walks
from pytest_aprqa.gates.state.work import Work


def judge_steps(work: Work) -> Verdict:
    """Falsified at the first token whose logits differ; it is named."""
    limits, instruments = closeness_of(work), work.instruments()
    found: list[Distance] = []
    for walk in walks(work):
        at_once = instruments.logits([walk.row])[0][walk.given :]
        one = distance(at_once, instruments.stepwise(walk.row, given=walk.given))
        if not one.within(limits):
            return _parted(work, walk, one, limits)
        found.append(one)
    positions, worst = sum(len(one.reference) for one in found), worst_of(found)
    return corroborated(
        f"{positions} tokens of {len(found)} rows, computed one by one over the cache, have the logits that they have "
        f"at once: {worst.sentence}; {limits}",
        compared=positions,
        **worst.details,
    )


def _parted(work: Work, walk: Walk, one: Distance, limits: Closeness) -> Verdict:
    step = one.first_beyond(limits)
    place = walk.given + step
    (text,) = work.instruments().decode([[walk.row[place]]])
    return falsified(
        f"computed one by one over the cache, token {place} ({text!r}, {step + 1} after {walk.given} given at once) "
        f"is the first that parts from its logits at once: {one.at(step).sentence}; {limits}",
        compared=step + 1,
        first_token=place,
        given=walk.given,
        **one.details,
    )
