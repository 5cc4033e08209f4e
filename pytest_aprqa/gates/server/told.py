"""An answer token by token, as a server tells it when asked for log-probabilities. Pure; asks nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from pytest_aprqa.gates.server.forks import WIDEST, Path, Rival, Step
from pytest_aprqa.gates.server.marks import without_control

LIKELIEST: Final = 5
"""Tokens to ask for at each place; most servers give no more for a raw prompt."""


class _Token(NamedTuple):
    text: str
    logprob: float
    likeliest: tuple[tuple[str, float], ...]


def told_path(body: Any, text: str) -> Path | None:  # noqa: ANN401 - whatever a server sent
    """The answer's tokens; None where the server tells none, or others than the text has.

    Args:
        body: what the server sent.
        text: its text.

    >>> top = [{"token": " is", "logprob": -0.7}, {"token": " was", "logprob": -0.71}]
    >>> tokens = [{"token": "It", "logprob": -0.1, "top_logprobs": []}, {**top[0], "top_logprobs": top}]
    >>> path = told_path({"choices": [{"logprobs": {"content": tokens}}]}, "It is")
    >>> [(rival.text, round(rival.lead, 3)) for rival in path.steps[1].rivals]
    [('It was', 0.01)]
    >>> told_path({"choices": [{"logprobs": {"content": tokens}}]}, "It was") is None
    True
    """
    try:
        tokens = list(_tokens(body["choices"][0]["logprobs"]))
    except (TypeError, KeyError, IndexError, ValueError, AttributeError):
        return None
    before, steps = "", []
    for token in tokens:
        now = before + without_control(token.text)
        rivals = [
            Rival.of(before + without_control(other), lead)
            for other, logprob in token.likeliest
            if other != token.text and (lead := token.logprob - logprob) <= WIDEST
        ]
        steps.append(Step(len(now), tuple(rivals)))
        before = now
    return Path(text, tuple(steps)) if steps and before == text else None


def _tokens(logprobs: Any) -> Iterable[_Token]:  # noqa: ANN401 - whatever a server sent
    """In either of the two shapes, that of chats and that of raw prompts."""
    if "content" in logprobs:
        for item in logprobs["content"]:
            likeliest = tuple((str(one["token"]), float(one["logprob"])) for one in item.get("top_logprobs") or ())
            yield _Token(str(item["token"]), float(item["logprob"]), likeliest)
        return
    for text, logprob, top in zip(
        logprobs["tokens"], logprobs["token_logprobs"], logprobs["top_logprobs"], strict=True
    ):
        yield _Token(str(text), float(logprob), tuple((str(other), float(one)) for other, one in top.items()))
