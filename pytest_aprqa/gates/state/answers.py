"""Greedy answers through the engine's front door: requests in, texts and token ids out."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_aprqa.core import Answer, Completion, EngineError, Prompting, Request
from pytest_aprqa.gates.state.rows import ANSWER_TOKENS
from pytest_aprqa.gates.state.work import Work


def requests(
    work: Work,
    prompts: Sequence[str],
    prompting: Prompting,
    *,
    max_tokens: int = ANSWER_TOKENS,
    temperature: float = 0.0,
    seed: int = 0,
) -> list[Request]:
    """One request for each prompt."""
    return [
        Request(
            id=f"{prompting}-{number}",
            turns=(prompt,),
            prompting=prompting,
            max_tokens=max_tokens,
            temperature=temperature,
            seed=seed,
            timeout_ms=work.timeout_ms,
        )
        for number, prompt in enumerate(prompts)
    ]


def completions(work: Work, asked: Sequence[Request]) -> tuple[Completion, ...]:
    """What comes back.

    Raises:
        EngineError: the first that came back in the place of an answer.
    """
    found = []
    for result in work.engine().generate(asked):
        if isinstance(result, EngineError):
            raise result
        found.append(result)
    return tuple(found)


def answer(completion: Completion) -> Answer:
    """The only answer of a request of one turn."""
    return completion.answers[-1]


def same(one: Answer, other: Answer) -> bool:
    """The same ids, and the same text of them."""
    return one.token_ids == other.token_ids and one.text == other.text


def parting(one: Answer, other: Answer) -> str:
    """Both answers, for a reason."""
    return f"{one.text[:60]!r} and then {other.text[:60]!r}"


def count(answers: Sequence[Answer]) -> int:
    """Things that were compared: tokens, or texts where an engine tells no ids."""
    return sum(len(one.token_ids) or bool(one.text) for one in answers)
