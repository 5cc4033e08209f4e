"""The fixed questions put to the server, each once: its replies, its streams, and where two texts part.

What one gate learned, the next does not ask again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from pytest_aprqa.core import Json, Prompting
from pytest_aprqa.gates.measured import Unjudgeable, once
from pytest_aprqa.gates.server.service import Service
from pytest_aprqa.gates.server.spoken import ASKS, MAX_TOKENS, Question, Said
from pytest_aprqa.serving.reply import Reply, Streamed, text_of

NEAR_TIE: Final = 0.15
"""Tokens whose probabilities are closer than this may change places: a prompt cache, other batches and another order of
summing move them a little. The own engine and both bundled servers, with a real model of 135 million weights, were seen
to part at 0.0002 to 0.0019 in eight bits and at 0.0236 in four. Quantized weights over a cache or in another batch were
measured to differ by a KL divergence of up to 0.0086, which moves two probabilities by at most 0.13 (Pinsker)."""
OK: Final = 200
CHAT_PATH: Final = "/v1/chat/completions"
COMPLETIONS_PATH: Final = "/v1/completions"
_SHOWN: Final = 60

CHAT: Final = tuple(
    Question(ask.turns[0])
    for ask in ASKS
    if len(ask.turns) == 1 and ask.prompting is Prompting.TEMPLATE and not ask.system
)
"""Single questions through the chat template."""
RAW: Final = tuple(Question(ask.turns[0], Prompting.RAW) for ask in ASKS if ask.prompting is Prompting.RAW)
"""Prompts that are continued as they are."""


class Asked(NamedTuple):
    """A question and the server's reply."""

    question: Question
    reply: Reply


class Answered(NamedTuple):
    """A question and the text of the server's answer."""

    question: Question
    text: str
    reply: Reply


class Heard(NamedTuple):
    """A question and the server's streamed reply."""

    question: Question
    stream: Streamed


class Parting(NamedTuple):
    """Where two texts part."""

    character: int
    token: int | None
    """Number of the model's own token there; None where unknown."""
    margin: float | None
    """By how much the model's own engine preferred that token: 0.0–1.0; None where unknown."""

    @property
    def near_tie(self) -> bool:
        """Whether the model itself was undecided there."""
        return self.margin is not None and self.margin < NEAR_TIE

    @property
    def words(self) -> str:
        """Such as ``at character 7 (token 3, margin 0.0112)``."""
        if self.margin is None:
            return f"at character {self.character} (margin unknown)"
        return f"at character {self.character} (token {self.token}, margin {self.margin:.4f})"


def ask(service: Service, question: Question) -> Reply:
    """The server's reply to a question, greedily; the same one to every gate."""
    return once(service.memory, f"asked {question}", lambda: ask_again(service, question))


def ask_again(service: Service, question: Question, more: Mapping[str, Json] | None = None) -> Reply:
    """A new reply to a question, greedily; `more` goes into the request as it is."""
    path, body = request_of(service, question)
    return service.client().post(path, body | dict(more or {}))


def request_of(service: Service, question: Question) -> tuple[str, dict[str, Json]]:
    """Where a question is asked, and the body of the request."""
    _need_template(service, question)
    wish: dict[str, Json] = {"model": service.client().model, "max_tokens": MAX_TOKENS, "temperature": 0.0}
    if question.prompting is Prompting.RAW:
        return COMPLETIONS_PATH, {**wish, "prompt": question.text}
    return CHAT_PATH, {**wish, "messages": [dict(message) for message in question.messages]}


def stream(service: Service, question: Question) -> Streamed:
    """The server's streamed reply to a question, greedily and with usage asked for; the same one to every gate."""

    def listen_to_it() -> Streamed:
        _need_template(service, question)
        client = service.client()
        if question.prompting is Prompting.RAW:
            return client.complete_stream(question.text, max_tokens=MAX_TOKENS)
        return client.chat_stream(question.messages, max_tokens=MAX_TOKENS)

    return once(service.memory, f"streamed {question}", listen_to_it)


def answers(service: Service, questions: Sequence[Question]) -> list[Answered]:
    """The texts of the server's answers; questions that it did not answer are left out."""
    found: list[Answered] = []
    for question in questions:
        reply = ask(service, question)
        text = text_of(reply)
        if reply.status == OK and text is not None:
            found.append(Answered(question, text, reply))
    return found


def said_of(service: Service, question: Question) -> Said | None:
    """What the model's own engine answered; None where nobody knows."""
    try:
        return service.heard.answer(question)
    except Unjudgeable:
        return None


def part(one: str, other: str, said: Said | None) -> Parting | None:
    """Where two texts part, and how sure the model's own engine was there; None where they do not.

    The margin is known where the own engine's text is one of the two up to there.
    """
    if one == other:
        return None
    pairs = enumerate(zip(one, other, strict=False))
    character = next((place for place, (left, right) in pairs if left != right), min(len(one), len(other)))
    if said is None or not said.margins or len(said.ends) != len(said.margins):
        return Parting(character, None, None)
    if said.text[:character] != one[:character]:
        return Parting(character, None, None)
    token = next((place for place, end in enumerate(said.ends) if end > character), len(said.ends) - 1)
    # Tokens before it that added no text hold the first bytes of its character, and decided it too.
    starts, first = (0, *said.ends), token
    while first > 0 and starts[first] == starts[first - 1]:
        first -= 1
    token = min(range(first, token + 1), key=said.margins.__getitem__)
    return Parting(character, token, said.margins[token])


def excerpt(text: str) -> str:
    """The beginning of a text, quoted."""
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")


def body_of(reply: Reply) -> str:
    """The beginning of what was answered, quoted."""
    return excerpt(reply.body.decode("utf-8", "replace"))


def _need_template(service: Service, question: Question) -> None:
    if question.prompting is Prompting.RAW:
        return
    try:
        template = service.heard.chat_template
    except Unjudgeable:
        return
    if not template:
        raise Unjudgeable("the model brings no chat template")
