"""Judges of streamed answers: framing, the end, and that they say what the answer in one piece says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pytest_aprqa.core import Verdict, corroborated, falsified
from pytest_aprqa.gates.server.exchanges import CHAT, OK, RAW, ask, excerpt, part_answers, stream
from pytest_aprqa.gates.server.service import Service
from pytest_aprqa.gates.server.spoken import Question
from pytest_aprqa.serving.reply import Streamed, finish_of, text_of
from pytest_aprqa.serving.sse import DONE

EVENT_STREAM: Final = "text/event-stream"
_AFTER_END: Final = f"after {DONE}"
"""In the words of a problem that is one of the end."""


def judge_framing(service: Service) -> Verdict:
    """F-HTTP-010."""
    events = 0
    for question in CHAT:
        streamed = stream(service, question)
        if wrong := _malformed(streamed):
            return falsified(f"the stream after {question.name} {wrong}", compared=max(1, len(streamed.events)))
        events += len(streamed.events)
    return corroborated(f"{len(CHAT)} streams of {events} events are well formed", compared=events)


def judge_end(service: Service) -> Verdict:
    """F-HTTP-011, raw prompts too."""
    found = [(question, stream(service, question)) for question in (*CHAT, *RAW)]
    streams = [(question, streamed) for question, streamed in found if streamed.status == OK]
    for question, streamed in streams:
        late = next((problem for problem in streamed.problems if _AFTER_END in problem), "")
        if late or not streamed.done:
            what = f"does not end there: {late}" if late else f"does not end with {DONE}"
            return falsified(f"the stream after {question.name} {what}", compared=len(streams))
    return corroborated(f"{len(streams)} streams end with {DONE}", compared=len(streams))


def judge_same(service: Service) -> Verdict:
    """F-HTTP-022."""
    return _judge_same(service, CHAT)


def judge_raw(service: Service) -> Verdict:
    """F-SERVE-003."""
    for question in RAW:
        streamed = stream(service, question)
        if wrong := _malformed(streamed):
            return falsified(f"the stream after {question.name} {wrong}", compared=max(1, len(streamed.events)))
    return _judge_same(service, RAW)


def _judge_same(service: Service, questions: Sequence[Question]) -> Verdict:
    compared = 0
    ties: list[str] = []
    for question in questions:
        reply, streamed = ask(service, question), stream(service, question)
        text = text_of(reply)
        if reply.status != OK or text is None:
            continue
        compared += 1
        parting = part_answers(service, question, text, streamed.text)
        if parting is not None and not parting.near_tie:
            return falsified(
                f"{question.name} is answered {excerpt(text)}, streamed {excerpt(streamed.text)}: they part "
                f"{parting.words}",
                compared=compared,
            )
        if parting is not None:
            ties.append(f"{question.name} parts {parting.words}")
        elif streamed.finish != finish_of(reply):
            return falsified(
                f"{question.name} is finished by {finish_of(reply)!r}, streamed by {streamed.finish!r}",
                compared=compared,
            )
    note = f"; near ties: {'; '.join(ties)}" if ties else ""
    return corroborated(f"{compared} streams say what the answer in one piece says{note}", compared=compared)


def _malformed(streamed: Streamed) -> str:
    """What is wrong with a stream's form; empty where nothing is."""
    if streamed.status != OK:
        return f"is answered {streamed.status}, should be {OK}"
    said = streamed.headers.get("content-type", "")
    if said.partition(";")[0].strip().lower() != EVENT_STREAM:
        return f"calls itself {said or 'nothing'}, should be {EVENT_STREAM}"
    if problem := next((problem for problem in streamed.problems if _AFTER_END not in problem), ""):
        return f"breaks the rules: {problem}"
    return "" if streamed.events else "has no event"
