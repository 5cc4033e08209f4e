"""Short greedy questions to a server, asked alone or among others, and whether an answer is the one given before.

Two answers to one question may part where two tokens are nearly equally likely: computed with other rows beside it, or
over a cache, the same question gives slightly other numbers. Where a server tells log-probabilities such a parting is
forgiven; where it tells none the answers must be equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pytest_aprqa.core import EngineError, Json
from pytest_aprqa.gates.measured import Unjudgeable, once
from pytest_aprqa.gates.server.forks import Path, part
from pytest_aprqa.gates.server.service import Service
from pytest_aprqa.gates.server.ties import tie_of
from pytest_aprqa.gates.server.told import LIKELIEST, told_path
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
    parting = part(before, now, _told(service, question), tie=tie_of(service))
    if parting is None or parting.near_tie:
        return ""
    lead = "" if parting.token is None else f"; they part {parting.words}"
    return f"{question!r} was answered {before[:80]!r}, and now {now[:80]!r}{lead}"


def _told(service: Service, question: str) -> Path | None:
    """The server's answer, token by token; None where it does not tell."""
    asking = voice(service)
    wish: dict[str, Json] = {"logprobs": True, "top_logprobs": LIKELIEST} if asking.chat else {"logprobs": LIKELIEST}
    try:
        reply = asking.ask(question, **wish)
    except EngineError:
        return None
    return told_path(reply.json, text_of(reply) or "") if reply.status == 200 else None
