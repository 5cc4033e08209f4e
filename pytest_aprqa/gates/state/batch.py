"""F-STATE-BATCH-001: does a row get in a batch what it gets alone?

Padding that leaks into attention, positions that count it, and caches that mix sequences show in the shortest rows.
"""

from __future__ import annotations

from collections.abc import Sequence

from pytest_aprqa.core import Answer, EngineUnavailable, Json, Prompting, Verdict, corroborated, falsified
from pytest_aprqa.gates.measured import Unjudgeable
from pytest_aprqa.gates.state.answers import answer, completions, count, parting, requests, same
from pytest_aprqa.gates.state.closeness import Closeness, closeness_of
from pytest_aprqa.gates.state.distance import Distance, distance, worst_of
from pytest_aprqa.gates.state.rows import PROMPTS, encoded, unequal_rows
from pytest_aprqa.gates.state.work import Work
from pytest_aprqa.parity import compare_greedy, log_softmax


def judge_batch(work: Work) -> Verdict:
    """Falsified by a row with other logits, or by another answer where the model was not undecided."""
    limits = closeness_of(work)
    try:
        rows = unequal_rows(work)
        distances, without = _distances(work, rows), ""
    except EngineUnavailable as exc:
        rows, distances, without = (), [], str(exc)
    for row, one in zip(rows, distances, strict=True):
        if problem := _problem(one, limits):
            lengths = sorted(map(len, rows))
            return falsified(
                f"beside rows of {lengths[0]} to {lengths[-1]} tokens, a row of {len(row)} {problem}; {limits}",
                compared=len(distances),
                tokens=len(row),
                **one.details,
            )
    return _answers(work, limits, distances, without)


def _distances(work: Work, rows: Sequence[tuple[int, ...]]) -> list[Distance]:
    instruments = work.instruments()
    together = instruments.together(rows)
    alone = [instruments.logits([row], last_only=True)[0] for row in rows]
    return [distance(one, other) for one, other in zip(alone, together, strict=True)]


def _problem(one: Distance, limits: Closeness) -> str:
    if not one.within(limits):
        return f"has other logits than alone: {one.sentence}"
    first, other = int(one.reference.argmax()), int(one.other.argmax())
    chances = log_softmax(one.reference[0])
    margin = float(chances[first] - chances[other])
    if margin > limits.tie:
        return f"is continued with token {other}, alone with {first}, against a margin of {margin:.3g} nats"
    return ""


def _answers(work: Work, limits: Closeness, distances: list[Distance], without: str) -> Verdict:
    """The same question of whole answers, which is all that can be asked of an engine without the instrument."""
    asked = requests(work, PROMPTS, Prompting.RAW)
    batch = completions(work, asked)
    size = max(completion.metrics.batch_size for completion in batch)
    seen, details = [], dict[str, Json]()
    if distances:
        worst = worst_of(distances)
        seen.append(
            f"{len(distances)} rows have in one batch the logits that they have alone: {worst.sentence}; {limits}"
        )
        details = worst.details
    if size == 1:
        if not seen:
            raise Unjudgeable(f"the engine computes one request at a time; {without}")
        return corroborated(f"{seen[0]}; requests are answered one by one", compared=len(distances), **details)
    alone = [answer(completions(work, [request])[0]) for request in asked]
    for prompt, one, other in zip(PROMPTS, alone, map(answer, batch), strict=True):
        if not same(one, other) and not _undecided(work, prompt, one, other, limits):
            return falsified(
                f"{prompt!r} is answered with {parting(one, other)}, alone and in a batch of {size}",
                compared=len(alone),
                prompt=prompt,
            )
    seen.append(f"{len(alone)} answers are the same alone and in a batch of {size}")
    return corroborated("; ".join(seen), compared=len(distances) + count(alone), **details)


def _undecided(work: Work, prompt: str, one: Answer, other: Answer, limits: Closeness) -> bool:
    """Both answers part where the model, alone, holds both tokens nearly equally likely."""
    row = encoded(work, prompt)
    if len(row) != one.prompt_tokens or not one.token_ids:
        return False
    chosen = work.instruments().logits([(*row, *one.token_ids[:-1])])[0][len(row) - 1 :]
    return compare_greedy(one.token_ids, other.token_ids, logits=chosen).nearly_undecided(limits.tie)
