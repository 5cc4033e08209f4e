"""The fixed questions put to the server, each once: its replies, its streams, and where two texts part.

What one gate learned, the next does not ask again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from pytest_aprqa.core import EngineError, Json, Prompting
from pytest_aprqa.gates.measured import Unjudgeable, once
from pytest_aprqa.gates.server.forks import Parting, Path, part
from pytest_aprqa.gates.server.service import Service
from pytest_aprqa.gates.server.spoken import ASKS, MAX_TOKENS, Question, Said
from pytest_aprqa.gates.server.ties import tie_of
from pytest_aprqa.gates.server.told import LIKELIEST, told_path
from pytest_aprqa.serving.reply import Reply, Streamed, text_of

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


def part_own(said: Said, text: str, tie: float) -> Parting | None:
    """Where a text parts from what the model's own engine says; None where it does not."""
    return part(said.plain, text, said.path, tie=tie)


def part_answers(service: Service, question: Question, one: str, other: str) -> Parting | None:
    """Where two answers to a question part, and how sure the model was there; None where they do not.

    What the own engine knows counts; of answers that both left what it says before they part, what the server tells.
    """
    if one == other:
        return None
    tie, said = tie_of(service), said_of(service, question)
    parting = part(one, other, None if said is None else said.path, tie=tie)
    if parting is None or parting.token is not None:
        return parting
    return part(one, other, _told(service, question), tie=tie)


def _told(service: Service, question: Question) -> Path | None:
    """The server's answer, token by token; None where it does not tell."""
    chat = question.prompting is Prompting.TEMPLATE
    more: dict[str, Json] = {"logprobs": True, "top_logprobs": LIKELIEST} if chat else {"logprobs": LIKELIEST}
    try:
        reply = ask_again(service, question, more)
    except EngineError:
        return None
    return told_path(reply.json, text_of(reply) or "") if reply.status == OK else None


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
