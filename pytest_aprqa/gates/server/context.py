"""Judges of what reaches the model beside the question: a system prompt, earlier turns, and text in any script.

What reaches the model is seen in what the server counts as the prompt and, where the model's own engine answers another
thing because of it, in the answer.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from typing import Final

from pytest_aprqa.core import Verdict, corroborated, falsified
from pytest_aprqa.gates.measured import Unjudgeable
from pytest_aprqa.gates.server.exchanges import OK, RAW, ask, body_of, excerpt, part_answers, part_own, request_of
from pytest_aprqa.gates.server.service import Service
from pytest_aprqa.gates.server.spoken import PLAIN, SCRIPTS, Question, Said
from pytest_aprqa.gates.server.ties import tie_of
from pytest_aprqa.serving.reply import Reply, text_of, usage_of

_UTF8: Final = {"content-type": "application/json; charset=utf-8"}


def judge_system(service: Service) -> Verdict:
    """F-HTTP-012."""
    return _judge_context(service, "the system prompt", lambda said: said.system is not None)


def judge_history(service: Service) -> Verdict:
    """F-HTTP-013."""
    return _judge_context(service, "the earlier turn", lambda said: bool(said.earlier))


def _judge_context(service: Service, what: str, chosen: Callable[[Said], bool]) -> Verdict:
    """Each question that came after something, against the same question alone."""
    seen: list[str] = []
    for said in filter(chosen, service.heard.said):
        bare = service.heard.answer(Question(said.question))
        if bare is None:
            continue
        reply, alone = ask(service, said.asked), ask(service, bare.asked)
        if reply.status != OK:
            return falsified(f"{said.asked.name} is answered {reply.status}, should be {OK}", body=body_of(reply))
        read, read_alone = _prompt_tokens(reply), _prompt_tokens(alone)
        # A template may put a system prompt of its own, shorter or longer, where none is given.
        if said.prompt_tokens != bare.prompt_tokens and read is not None and read_alone is not None:
            seen.append(f"{read} prompt tokens instead of {read_alone}")
            if read == read_alone:
                return falsified(
                    f"{said.asked.name} has {read} prompt tokens, with {what} and without: it did not reach the "
                    f"model, whose own engine reads {said.prompt_tokens} and {bare.prompt_tokens}",
                    compared=len(seen),
                )
        if said.plain != bare.plain:
            text = text_of(reply) or ""
            seen.append(f"{excerpt(text)}, alone {excerpt(bare.plain)}")
            # Any other answer is for parity to judge.
            if text == bare.plain and not _near_tie(said, text, tie_of(service)):
                return falsified(
                    f"{said.asked.name} is answered {excerpt(text)}, as the own engine does without {what}; with it "
                    f"it says {excerpt(said.plain)}",
                    compared=len(seen),
                )
    if not seen:
        raise Unjudgeable(f"neither counts nor the own engine's answers change with {what}")
    return corroborated(f"{what} reaches the model: {'; '.join(seen)}", compared=len(seen))


def judge_scripts(service: Service) -> Verdict:
    """F-HTTP-029: sent as UTF-8 and with escapes, counted as the own engine counts, answered without harm."""
    counts = _counts_right(service)
    compared = 0
    for said in service.heard.said:
        if said.question not in SCRIPTS:
            continue
        escaped = ask(service, said.asked)
        if escaped.status != OK:
            continue  # which is another gate's
        utf8 = _ask_utf8(service, said.asked)
        for way, reply in (("with escapes", escaped), ("as UTF-8", utf8)):
            compared += 1
            if wrong := _harmed(reply, said, counts=counts, tie=tie_of(service)):
                return falsified(f"{said.asked.name} sent {way} {wrong}", compared=compared, body=body_of(reply))
        texts = text_of(escaped) or "", text_of(utf8) or ""
        parting = part_answers(service, said.asked, *texts)
        changes = parting is not None and not parting.near_tie
        # Where the same bytes are answered in two ways, the bytes are not to blame.
        if changes and text_of(_ask_escaped(service, said.asked)) == texts[0]:
            return falsified(
                f"{said.asked.name} is answered {excerpt(texts[0])} where it was sent with escapes and "
                f"{excerpt(texts[1])} where it was sent as UTF-8",
                compared=compared,
            )
    return corroborated(f"{compared} requests in many scripts are read and answered without harm", compared=compared)


def _harmed(reply: Reply, said: Said, *, counts: bool, tie: float) -> str:
    """How a reply shows that a text was harmed; empty where it does not."""
    if reply.status != OK:
        return f"is answered {reply.status}, should be {OK}"
    read = _prompt_tokens(reply)
    if counts and read is not None and read != said.prompt_tokens:
        return f"reaches the model as {read} tokens, should be {said.prompt_tokens}"
    text = text_of(reply)
    if text is None:
        return "has no text in its answer"
    parting = part_own(said, text, tie)
    if parting is None or parting.near_tie:
        return ""
    own, found = said.plain[parting.character :][:1], text[parting.character :][:1]
    lost = found == "?" and not own.isascii()
    # Any other answer in scripts that question and answer have is for parity to judge.
    if lost or _scripts(found) - _scripts(said.question + said.plain):
        return f"is answered {excerpt(text)}, should be {excerpt(said.plain)}"
    return ""


def _scripts(text: str) -> set[str]:
    """The scripts of what is not ASCII, by the first words of the characters' names.

    >>> sorted(_scripts("a é ж"))
    ['CYRILLIC', 'LATIN']
    """
    return {unicodedata.name(character, "NAMELESS").partition(" ")[0] for character in text if not character.isascii()}


def _near_tie(said: Said, text: str, tie: float) -> bool:
    parting = part_own(said, text, tie)
    return parting is not None and parting.near_tie


def _counts_right(service: Service) -> bool:
    """Whether the server counts a plain question as the own engine does; where not, usage is another gate's."""
    said = service.heard.answer(Question(PLAIN)) or service.heard.answer(RAW[0])
    return said is not None and _prompt_tokens(ask(service, said.asked)) == said.prompt_tokens


def _ask_escaped(service: Service, question: Question) -> Reply:
    """Once more, whatever was answered before."""
    path, body = request_of(service, question)
    return service.client().post(path, body)


def _ask_utf8(service: Service, question: Question) -> Reply:
    path, body = request_of(service, question)
    return service.client().post(path, json.dumps(body, ensure_ascii=False).encode(), headers=_UTF8)


def _prompt_tokens(reply: Reply) -> int | None:
    return (usage_of(reply) or {}).get("prompt_tokens")
