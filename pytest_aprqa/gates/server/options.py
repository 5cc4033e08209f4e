"""Judges of what a request may ask for: the same answer again, a stop sequence, log-probabilities."""

from __future__ import annotations

import math
from typing import Final

from pytest_aprqa.core import Finish, Json, Verdict, corroborated, falsified, inconclusive
from pytest_aprqa.gates.server.exchanges import (
    CHAT,
    OK,
    RAW,
    Answered,
    answers,
    ask_again,
    body_of,
    excerpt,
    part_answers,
)
from pytest_aprqa.gates.server.marks import without_control
from pytest_aprqa.gates.server.service import Service
from pytest_aprqa.serving.reply import Reply, finish_of, text_of

TOP: Final = 3
"""Alternatives that are asked for at each token."""
_ROUNDING: Final = 1e-3
"""How far above zero rounding may lift the logarithm of a probability near one."""
_FEWEST_WORDS: Final = 2


def judge_repeat(service: Service) -> Verdict:
    """F-HTTP-016: where the model itself is undecided, a cache may tip it."""
    ties: list[str] = []
    found = answers(service, (*CHAT[:3], *RAW[:2]))
    for one in found:
        again = text_of(ask_again(service, one.question)) or ""
        parting = part_answers(service, one.question, one.text, again)
        if parting is None:
            continue
        if not parting.near_tie:
            return falsified(
                f"{one.question.name} is answered {excerpt(one.text)}, and again {excerpt(again)}: they part "
                f"{parting.words}",
                compared=len(found),
            )
        ties.append(f"{one.question.name} parts {parting.words}")
    note = f"; near ties: {'; '.join(ties)}" if ties else ""
    return corroborated(f"{len(found)} greedy requests are answered twice the same way{note}", compared=len(found))


def judge_stop(service: Service) -> Verdict:
    """F-HTTP-030: the answer is what it was, up to the sequence, finished by ``stop``."""
    compared, ties = 0, 0
    for questions in (CHAT, RAW):
        one = max(answers(service, questions), key=lambda found: len(found.text.split()), default=None)
        if one is None or len(one.text.split()) < _FEWEST_WORDS:
            continue
        words = one.text.split()
        stop = words[len(words) // 2]
        reply = ask_again(service, one.question, {"stop": [stop]})
        if _parts_at_near_tie(service, one, text_of(reply) or "", stop):
            ties += 1
            continue
        compared += 1
        if wrong := _stopped_wrong(one, stop, reply):
            return falsified(wrong, compared=compared)
    if not compared and ties:
        return inconclusive("asked again, the server gives other answers, which part at near ties before the sequence")
    if not compared:
        return inconclusive("no answer is long enough to be stopped within")
    return corroborated(f"{compared} answers end before the stop sequence, finished by it", compared=compared)


def _wanted(one: Answered, stop: str) -> str:
    return one.text[: one.text.index(stop)].rstrip()


def _parts_at_near_tie(service: Service, one: Answered, text: str, stop: str) -> bool:
    """Whether it is another answer, of which nobody knows where it should have ended."""
    wanted, found = _wanted(one, stop), text.rstrip()
    if stop in text or one.text.startswith(found) or found.startswith(wanted):
        return False
    parting = part_answers(service, one.question, one.text, text)
    return parting is not None and parting.near_tie


def _stopped_wrong(one: Answered, stop: str, reply: Reply) -> str:
    wanted = _wanted(one, stop)
    lead = f"{one.question.name} with the stop sequence {stop!r}"
    if reply.status != OK:
        return f"{lead} is answered {reply.status}, should be {OK}: {body_of(reply)}"
    text = text_of(reply)
    if text is None:
        return f"{lead} has no text: {body_of(reply)}"
    if stop in text:
        return f"{lead} is answered {excerpt(text)}, which holds it, should be {excerpt(wanted)}"
    if text.rstrip() != wanted:
        return f"{lead} is answered {excerpt(text)}, should be {excerpt(wanted)}"
    finish = finish_of(reply)
    if finish_of(one.reply) not in set(Finish):
        return ""  # that it tells no finish at all is another gate's
    return "" if finish == "stop" else f"{lead} is finished by {finish!r}, should be 'stop'"


def judge_logprobs(service: Service) -> Verdict:
    """F-HTTP-031, for chats."""
    question = CHAT[1]
    reply = ask_again(service, question, {"logprobs": True, "top_logprobs": TOP})
    if reply.status != OK:
        return falsified(f"asked for log-probabilities, the server answers {reply.status}: {body_of(reply)}")
    content = _content(reply.json)
    if content is None:
        return falsified("the first choice has no list logprobs.content, though it was asked for")
    for place, item in enumerate(content):
        if wrong := _item_wrong(item):
            return falsified(f"token {place} of logprobs.content {wrong}", compared=len(content), item=item)
    told, text = without_control(_joined(content)), without_control(text_of(reply) or "")
    if not content or told != text:
        return falsified(
            f"the tokens of logprobs.content say {excerpt(told)}, the message says {excerpt(text)}",
            compared=len(content),
        )
    return corroborated(f"{len(content)} tokens have log-probabilities in the API's shape", compared=len(content))


def _content(body: Json) -> list[Json] | None:
    choices = body.get("choices") if isinstance(body, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    logprobs = first.get("logprobs") if isinstance(first, dict) else None
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    return content if isinstance(content, list) else None


def _item_wrong(item: Json) -> str:
    if wrong := _token_wrong(item):
        return wrong
    top = item.get("top_logprobs") if isinstance(item, dict) else None
    if not isinstance(top, list):
        return "has no list top_logprobs"
    if len(top) > TOP:
        return f"has {len(top)} alternatives, {TOP} were asked for"
    for other in top:
        if wrong := _token_wrong(other):
            return f"has an alternative that {wrong}"
    values = [_number(other) for other in top]
    return "" if values == sorted(values, reverse=True) else "has alternatives that are not sorted, likeliest first"


def _token_wrong(item: Json) -> str:
    if not isinstance(item, dict) or not isinstance(item.get("token"), str):
        return "has no text under 'token'"
    logprob = item.get("logprob")
    if isinstance(logprob, bool) or not isinstance(logprob, (int, float)) or not math.isfinite(logprob):
        return f"has {logprob!r} for a logprob, which is no finite number"
    if logprob > _ROUNDING:
        return f"has a logprob of {logprob}, above 0"
    spelled = item.get("bytes")
    if spelled is not None and not _is_bytes(spelled):
        return f"has {spelled!r} for bytes"
    return ""


def _is_bytes(value: Json) -> bool:
    return isinstance(value, list) and all(type(one) is int and 0 <= one < 256 for one in value)


def _number(item: Json) -> float:
    logprob = item.get("logprob") if isinstance(item, dict) else None
    return float(logprob) if isinstance(logprob, (int, float)) else math.nan


def _joined(content: list[Json]) -> str:
    """The text of the tokens, by their bytes where all have them: one character may be several tokens."""
    tokens = [item for item in content if isinstance(item, dict)]
    spelled = [item.get("bytes") for item in tokens]
    if all(isinstance(one, list) for one in spelled):
        flat = bytes(byte for one in spelled if isinstance(one, list) for byte in one if isinstance(byte, int))
        return flat.decode("utf-8", "replace")
    return "".join(str(item.get("token")) for item in tokens)
