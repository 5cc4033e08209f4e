"""Judges of single answers: status, JSON, shape, and what a text must not show."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from pytest_aprqa.core import Json, Verdict, corroborated, falsified, inconclusive
from pytest_aprqa.gates.server import marks
from pytest_aprqa.gates.server.exchanges import (
    CHAT,
    OK,
    RAW,
    Answered,
    Asked,
    answers,
    ask,
    body_of,
    excerpt,
    said_of,
)
from pytest_aprqa.gates.server.service import Service
from pytest_aprqa.serving.reply import Reply, text_of

JSON_TYPE: Final = "application/json"


def judge_status(service: Service) -> Verdict:
    """F-HTTP-005."""
    asked = _asked(service)
    wrong = [one for one in asked if one.reply.status != OK]
    if wrong:
        reply = wrong[0].reply
        return falsified(
            f"{len(wrong)} of {len(asked)} chat requests fail: {wrong[0].question.name} is answered "
            f"{reply.status}, should be {OK}{f' ({reply.message[:120]})' if reply.message else ''}",
            compared=len(asked),
            body=body_of(reply),
        )
    return corroborated(f"{len(asked)} chat requests are answered {OK}", compared=len(asked))


def judge_json(service: Service) -> Verdict:
    """F-HTTP-007."""
    asked = _asked(service)
    for question, reply in asked:
        if not reply.is_json:
            return falsified(f"the answer to {question.name} is no JSON: {body_of(reply)}", compared=len(asked))
        said = reply.headers.get("content-type", "")
        if said.partition(";")[0].strip().lower() != JSON_TYPE:
            return falsified(
                f"the answer to {question.name} calls itself {said or 'nothing'}, should be {JSON_TYPE}",
                compared=len(asked),
            )
    return corroborated(f"{len(asked)} answers are JSON and say so", compared=len(asked))


def judge_choices(service: Service) -> Verdict:
    """F-HTTP-006."""
    asked = _asked(service)
    for question, reply in asked:
        if lacking := _lacking(reply.json):
            return falsified(
                f"the answer to {question.name} has no {lacking}", compared=len(asked), body=body_of(reply)
            )
    return corroborated(f"{len(asked)} answers hold a choice with a message", compared=len(asked))


def judge_content(service: Service) -> Verdict:
    """F-HTTP-008: a question to which the model's own engine says nothing either is left out."""
    found = [one for one in answers(service, CHAT) if not _silent(service, one)]
    empty = [one for one in found if not one.text.strip()]
    if empty:
        return falsified(f"the message to {empty[0].question.name} is empty", compared=len(found))
    return corroborated(f"{len(found)} messages are not empty", compared=len(found))


def judge_marks(marked: re.Pattern[str], word: str) -> Callable[[Service], Verdict]:
    """A judge of what no text may show; what the model's own engine says to the same question too is the model's.

    Args:
        marked: what is looked for.
        word: what it is called, in the plural.
    """

    def judge(service: Service) -> Verdict:
        texts = answers(service, (*CHAT, *RAW))
        if not texts:
            return inconclusive("there is no text to look at")
        for one in texts:
            text = marks.without_cut(one.text) if _cut(one.reply) else one.text
            own = said_of(service, one.question)
            known = one.question.text + ("" if own is None else own.text)
            if found := next((found for found in marked.finditer(text) if found[0] not in known), None):
                return falsified(
                    f"the answer to {one.question.name} shows {word}: {found[0]!r} in {excerpt(one.text)}",
                    compared=len(texts),
                )
        return corroborated(f"{len(texts)} answers show no {word}", compared=len(texts))

    return judge


judge_token_numbers = judge_marks(marks.NUMBERS, "token numbers")
"""F-HTTP-009."""
judge_byte_marks = judge_marks(marks.BYTE_MARKS, "byte-level markers")
"""F-HTTP-009b."""
judge_replacements = judge_marks(marks.REPLACEMENT, "replacement characters")
"""F-HTTP-020."""


def judge_control(service: Service) -> Verdict:
    """F-API-002: a server hides them, also where the model's own engine shows that it said them."""
    texts = answers(service, (*CHAT, *RAW))
    for one in texts:
        if found := next(
            (found for found in marks.CONTROL.finditer(one.text) if found[0] not in one.question.text), None
        ):
            return falsified(
                f"the answer to {one.question.name} shows the control token {found[0]!r} in {excerpt(one.text)}",
                compared=len(texts),
            )
    return corroborated(f"{len(texts)} answers show no control token", compared=len(texts))


def judge_completion(service: Service) -> Verdict:
    """F-SERVE-002."""
    filled = 0
    for question in RAW:
        reply = ask(service, question)
        if reply.status != OK:
            return falsified(
                f"{question.name} is answered {reply.status}, should be {OK}", compared=len(RAW), body=body_of(reply)
            )
        if not reply.is_json:
            return falsified(f"the answer to {question.name} is no JSON: {body_of(reply)}", compared=len(RAW))
        text = text_of(reply)
        if text is None:
            return falsified(f"the answer to {question.name} has no text", compared=len(RAW), body=body_of(reply))
        own = said_of(service, question)
        if not text and own is not None and own.plain:
            return falsified(
                f"the answer to {question.name} is empty, should be {excerpt(own.plain)}", compared=len(RAW)
            )
        filled += bool(text)
    return corroborated(
        f"{filled} of {len(RAW)} raw prompts are continued, all answers are JSON with a text", compared=filled
    )


def _asked(service: Service) -> list[Asked]:
    return [Asked(question, ask(service, question)) for question in CHAT]


def _lacking(body: Json) -> str:
    """What a chat answer lacks of its shape; empty where nothing."""
    choices = body.get("choices") if isinstance(body, dict) else None
    if not isinstance(choices, list) or not choices:
        return "choices"
    message = choices[0].get("message") if isinstance(choices[0], dict) else None
    if not isinstance(message, dict):
        return "message in its first choice"
    return "" if isinstance(message.get("content"), str) else "text in its message"


def _silent(service: Service, one: Answered) -> bool:
    own = said_of(service, one.question)
    return own is not None and not own.plain.strip()


def _cut(reply: Reply) -> bool:
    body = reply.json
    choices = body.get("choices") if isinstance(body, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    return isinstance(first, dict) and first.get("finish_reason") == "length"
