"""F-STATE-REPEAT-001 and F-RUN-005: the same request twice, greedy and drawn with the same seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from pytest_aprqa.core import Prompting, Verdict, corroborated, falsified, inconclusive
from pytest_aprqa.gates.state.answers import answer, completions, count, parting, requests, same
from pytest_aprqa.gates.state.rows import PROMPTS, encoded
from pytest_aprqa.gates.state.work import Work

SEED: Final = 42
_OTHER_SEEDS: Final = (1, 2, 3)
_TEMPERATURES: Final = (1.0, 4.0, 16.0)
"""In this order, until other seeds draw other tokens: a model that is sure of itself needs a high one."""
_DRAWN_TOKENS: Final = 8
_PROMPT: Final = PROMPTS[-1]

Draw = Callable[[Work, float, int], tuple[int, ...]]


def judge_repeat(work: Work) -> Verdict:
    """F-STATE-REPEAT-001: greedy, all prompts raw and through the template, twice."""
    modes = (Prompting.RAW, Prompting.TEMPLATE) if work.engine().facts.chat_template else (Prompting.RAW,)
    asked = [request for prompting in modes for request in requests(work, PROMPTS, prompting)]
    first, second = ([answer(one) for one in completions(work, asked)] for _ in range(2))
    for request, one, other in zip(asked, first, second, strict=True):
        if not same(one, other):
            return falsified(
                f"{request.turns[0]!r} ({request.prompting}) is answered with {parting(one, other)}",
                compared=len(asked),
                tokens=[[*one.token_ids], [*other.token_ids]],
            )
    return corroborated(f"{len(asked)} greedy answers are the same twice, token by token", compared=count(first))


def judge_seed(work: Work) -> Verdict:
    """F-RUN-005: the same seed draws the same tokens again after other seeds, which draw others."""
    compared, temperatures = 0, []
    for what, draw in _WAYS.items():
        for temperature in _TEMPERATURES:
            drawn = draw(work, temperature, SEED)
            others = [draw(work, temperature, seed) for seed in _OTHER_SEEDS]
            again = draw(work, temperature, SEED)
            if drawn != again:
                return falsified(
                    f"{what} of {_PROMPT!r} with seed {SEED} at temperature {temperature:g} is drawn as {[*drawn]} and "
                    f"then as {[*again]}",
                    compared=max(len(drawn), 1),
                    temperature=temperature,
                )
            compared += len(drawn)
            # Where two seeds draw the same, so may the same seed by chance.
            if len({drawn, *others}) == 1 + len(others):
                temperatures.append(temperature)
                break
        else:
            return inconclusive(
                f"{what} of {_PROMPT!r} is not another one with each of {len(_OTHER_SEEDS) + 1} seeds, up to "
                f"temperature {_TEMPERATURES[-1]:g}: nothing is drawn, or the seed is not heard"
            )
    return corroborated(
        f"{compared} tokens drawn with seed {SEED} are the same twice, and others with each other seed, at temperature "
        f"{max(temperatures):g}",
        compared=compared,
    )


def _answered(work: Work, temperature: float, seed: int) -> tuple[int, ...]:
    asked = requests(work, [_PROMPT], Prompting.RAW, max_tokens=_DRAWN_TOKENS, temperature=temperature, seed=seed)
    return answer(completions(work, asked)[0]).token_ids


def _sampled(work: Work, temperature: float, seed: int) -> tuple[int, ...]:
    row = encoded(work, _PROMPT)
    return work.instruments().sample(row, max_tokens=_DRAWN_TOKENS, temperature=temperature, seed=seed)


_WAYS: Final[Mapping[str, Draw]] = {"an answer": _answered, "a continuation": _sampled}
"""By the front door, and by the instrument."""
