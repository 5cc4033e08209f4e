"""Short greedy questions to a server, asked alone or among others, and whether an answer is the one given before.

Two answers to one question may part where two tokens are nearly equally likely: computed with other rows beside it, or
over a cache, the same question gives slightly other numbers. Where a server tells log-probabilities such a parting is
forgiven; where it tells none the answers must be equal.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pytest_aprqa.core import EngineError, Json
from pytest_aprqa.gates.measured import Unjudgeable, once
from pytest_aprqa.gates.server.exchanges import NEAR_TIE
from pytest_aprqa.gates.server.service import Service
from pytest_aprqa.serving.client import Client
from pytest_aprqa.serving.reply import Reply, Streamed, text_of

QUESTIONS: Final = (
    "What is 2+2?",
    "List 3 colors",
    "What is the capital of France?",
    "Count from 1 to 10.",
    "Who are you?",
    "List 3 animals",
    "What is Python?",
    "How many days are in a week?",
    "List 3 fruits",
    "What color is the sky?",
    "What is the opposite of hot?",
    "Write hello world in Python",
    "What is 100/4?",
    "Good morning!",
    "Explain recursion",
    "List 3 cities",
)
"""Questions to which most models give different answers."""
PROBE: Final = QUESTIONS[3]
"""Asked before and after whatever may harm a server: its answer is a few tokens long."""
LONG: Final = "Explain the difference between a stack and a queue."
"""Asked where an answer should take its time."""
TOKENS: Final = 16
"""Limit of every answer."""

CHAT: Final = "/v1/chat/completions"
COMPLETIONS: Final = "/v1/completions"


@dataclass(frozen=True, slots=True)
class Voice:
    """One client that asks a server: through the chat template where the model has one, else as raw prompts."""

    client: Client
    chat: bool

    @property
    def path(self) -> str:
        """Where it asks."""
        return CHAT if self.chat else COMPLETIONS

    def body(self, question: str, **more: Json) -> dict[str, Json]:
        """A well-formed request, greedy and short; `more` replaces and adds."""
        asked: dict[str, Json] = {"messages": [{"role": "user", "content": question}]} if self.chat else {}
        if not self.chat:
            asked["prompt"] = question
        return {"model": self.client.model, **asked, "max_tokens": TOKENS, "temperature": 0.0, **more}

    def ask(self, question: str, **more: Json) -> Reply:
        """The answer in one piece."""
        return self.client.post(self.path, self.body(question, **more))

    def listen(
        self,
        question: str,
        *,
        timeout_ms: int | None = None,
        leave_after: int | None = None,
        pause_ms: float = 0,
        **more: Json,
    ) -> Streamed:
        """The streamed answer; `leave_after` and `pause_ms` are the client's."""
        body = self.body(question, stream=True, **more)
        return self.client.stream(self.path, body, timeout_ms=timeout_ms, leave_after=leave_after, pause_ms=pause_ms)


def voice(service: Service, *, timeout_ms: int | None = None) -> Voice:
    """A new client of the running server; starts the server where it does not run."""
    return Voice(service.client(timeout_ms), service.heard.chat_template)


def answered(reply: Reply) -> str:
    """The text of an answer.

    Raises:
        Unjudgeable: there is none; that well-formed requests are answered is another gate's.
    """
    text = text_of(reply) if reply.status == 200 else None
    if text is None:
        raise Unjudgeable(f"a plain question is answered with status {reply.status} and {reply.body[:200]!r}")
    return text


def baseline(service: Service) -> str:
    """What the server answers to `PROBE` before it is harmed: asked twice, and remembered."""

    def measure() -> str:
        asking = voice(service)
        first, second = (answered(asking.ask(PROBE)) for _ in range(2))
        if why := difference(service, PROBE, first, second):
            raise Unjudgeable(f"the server does not answer the same way twice: {why}")
        return first

    return once(service.memory, "baseline", measure)


def alone(service: Service) -> Mapping[str, str]:
    """What the server answers to each of `QUESTIONS` when nobody else asks; remembered."""

    def measure() -> dict[str, str]:
        asking = voice(service)
        return {question: answered(asking.ask(question)) for question in QUESTIONS}

    return once(service.memory, "alone", measure)


def difference(service: Service, question: str, before: str, now: str) -> str:
    """How an answer differs from the one before; empty where it does not, or parts from it at a near tie."""
    if now == before:
        return ""
    margin = _margin(service, question, before, now)
    if margin is not None and margin < NEAR_TIE:
        return ""
    lead = "" if margin is None else f", though where they part one token leads by {margin:.2f}"
    return f"{question!r} was answered {before[:80]!r}, and now {now[:80]!r}{lead}"


def _margin(service: Service, question: str, before: str, now: str) -> float | None:
    """Probability of the likeliest token less that of the second where `now` leaves `before`; None where unknown."""
    asking = voice(service)
    wish: dict[str, Json] = {"logprobs": True, "top_logprobs": 2} if asking.chat else {"logprobs": 2}
    try:
        reply = asking.ask(question, **wish)
    except EngineError:
        return None
    if reply.status != 200 or text_of(reply) != before:
        return None
    shared = next((at for at, (one, other) in enumerate(zip(before, now, strict=False)) if one != other), None)
    if shared is None:
        shared = min(len(before), len(now))
    return margin_at(_logprobs(reply.json), shared)


def margin_at(tokens: Sequence[Mapping[str, Any]], place: int) -> float | None:
    """The margin at the token that holds the character at `place`, of tokens in the chat's shape.

    >>> tie = [{"logprob": -0.7}, {"logprob": -0.71}]
    >>> tokens = [{"token": "It", "top_logprobs": []}, {"token": " is", "top_logprobs": tie}]
    >>> round(margin_at(tokens, 3), 3), margin_at(tokens, 9)
    (0.005, None)
    """
    end = 0
    for token in tokens:
        end += len(str(token.get("token", "")))
        if end > place:
            best = sorted((math.exp(float(one["logprob"])) for one in token.get("top_logprobs") or ()), reverse=True)
            return best[0] - best[1] if len(best) > 1 else None
    return None


def _logprobs(body: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - whatever a server sent
    """The tokens of an answer in the chat's shape, whichever of the two shapes it has; empty where it has none."""
    try:
        found = body["choices"][0]["logprobs"]
        if "content" in found:
            return [token for token in found["content"] if isinstance(token, dict)]
        rows = zip(found["tokens"], found["top_logprobs"], strict=True)
        return [{"token": token, "top_logprobs": [{"logprob": p} for p in top.values()]} for token, top in rows]
    except (TypeError, KeyError, IndexError, ValueError, AttributeError):
        return []
