"""Judges of bad and extreme requests: refused as the client's error or answered, never a fault of the server's.

What a server does with each is measured once, in `trying`, and judged here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pytest_aprqa.core import Verdict, corroborated, falsified
from pytest_aprqa.gates.measured import Unjudgeable
from pytest_aprqa.gates.server.asking import PROBE, QUESTIONS, answered, baseline, voice
from pytest_aprqa.gates.server.service import Service
from pytest_aprqa.gates.server.trying import (
    HUGE,
    MALFORMED,
    NO_MODEL,
    TRIES,
    Tried,
    try_beyond_context,
    try_empty_messages,
    try_malformed,
    try_nesting,
    try_no_messages,
    try_padding,
    try_unknown_model,
    try_wish,
)
from pytest_aprqa.serving.reply import Reply, finish_of, text_of, usage_of

_ENOUGH: Final = 64
"""Tokens in which a short answer ends by itself."""
_CANDIDATES: Final = 4
"""Questions that are tried for an answer that ends by itself."""


def judge_max_tokens_zero(service: Service) -> Verdict:
    """F-HTTP-026: no token, or refused."""
    tried = try_wish(service, PROBE, max_tokens=0)
    if ill := _ill(tried, "max_tokens 0"):
        return ill
    reply = _reply(tried)
    if _refused(reply):
        return corroborated(f"max_tokens 0 is refused with status {reply.status}", compared=1)
    tokens, text = _generated(reply), text_of(reply)
    if tokens == 0 or (tokens is None and text == ""):
        return corroborated("max_tokens 0 gives no token", compared=1)
    return falsified(f"max_tokens 0 gives {_amount(tokens)}: {(text or '')[:80]!r}", status=reply.status)


def judge_max_tokens_one(service: Service) -> Verdict:
    """F-HTTP-027: one token, finished by length."""
    longer = voice(service).ask(PROBE)
    whole = answered(longer)
    if (_generated(longer) or len(whole)) < 3:
        raise Unjudgeable(f"the answer to {PROBE!r} is too short to be cut: {whole!r}")
    tried = try_wish(service, PROBE, max_tokens=1)
    if ill := _ill(tried, "max_tokens 1"):
        return ill
    reply = _reply(tried)
    text, tokens, finish = text_of(reply), _generated(reply), finish_of(reply)
    if reply.status != 200 or text is None:
        return falsified(f"max_tokens 1 is answered with status {reply.status}: {reply.message[:200]}")
    if tokens not in (None, 1) or len(text) >= len(whole):
        return falsified(f"max_tokens 1 gives {_amount(tokens)}: {text[:80]!r}")
    if finish != "length":
        return falsified(f"an answer that was cut by max_tokens 1 has the finish_reason {finish!r}, not 'length'")
    return corroborated("max_tokens 1 gives one token, finished by length", compared=1)


def judge_huge_max_tokens(service: Service) -> Verdict:
    """F-HTTP-018: a million tokens are capped or refused; asked where the answer ends by itself, if one does."""
    question = _ending_question(service)
    tried = try_wish(service, question or PROBE, max_tokens=HUGE)
    if tried.overdue and question is None:
        raise Unjudgeable("no answer of this model's ends by itself, nor does one to max_tokens of a million in time")
    if ill := _ill(tried, f"max_tokens {HUGE}"):
        return ill
    reply = _reply(tried)
    if _refused(reply):
        return corroborated(f"max_tokens {HUGE} is refused with status {reply.status}", compared=1)
    tokens, context = _generated(reply), service.heard.context_tokens
    if text_of(reply) is None:
        return falsified(f"max_tokens {HUGE} is answered with status {reply.status} and no text")
    if tokens is not None and context is not None and tokens > context:
        return falsified(f"{tokens} tokens were generated in a context of {context}")
    return corroborated(f"max_tokens {HUGE} is answered with {_amount(tokens)}", compared=1)


def judge_beyond_context(service: Service) -> Verdict:
    """F-HTTP-028: refused with a message; or cut, and usage says to how many tokens."""
    tried = try_beyond_context(service)
    context = service.heard.context_tokens or 0
    if tried.overdue:
        raise Unjudgeable(f"a prompt beyond the context of {context} tokens: {tried.silence}")
    if ill := _ill(tried, f"a prompt beyond the context of {context} tokens"):
        return ill
    reply = _reply(tried)
    if _refused(reply):
        if not reply.message:
            return falsified(f"a prompt beyond the context is refused with status {reply.status}, without a message")
        return corroborated(f"refused with status {reply.status}: {reply.message[:120]}", compared=1)
    seen = (usage_of(reply) or {}).get("prompt_tokens")
    if seen is None:
        return falsified(
            f"a prompt beyond the context of {context} tokens is answered, and nothing says that it was cut"
        )
    if seen > context:
        return falsified(f"a prompt of {seen} tokens is answered, and the context has {context}", prompt_tokens=seen)
    return corroborated(f"cut to {seen} tokens of a context of {context}", compared=1)


def judge_empty_messages(service: Service) -> Verdict:
    """F-HTTP-015: refused or answered, without a fault of the server's."""
    tried = try_empty_messages(service)
    if ill := _ill(tried, "empty messages"):
        return ill
    reply = _reply(tried)
    if not _refused(reply) and text_of(reply) is None:
        return falsified(f"empty messages are answered with status {reply.status} and no text")
    return corroborated(f"empty messages are answered with status {reply.status}", compared=1)


def judge_no_messages(service: Service) -> Verdict:
    """F-HTTP-025: refused as the client's error."""
    return _judge_refusals({"a request without messages": try_no_messages(service)})


def judge_malformed(service: Service) -> Verdict:
    """F-HTTP-017: every body that is no JSON is refused as the client's error."""
    return _judge_refusals({kind: try_malformed(service, kind) for kind in MALFORMED})


def judge_oversized(service: Service) -> Verdict:
    """F-HTTP-023: answered or turned away in time, whatever the status; alive, and right, afterwards.

    A server may close the connection of a body that it does not want while it is still being sent.
    """
    for name, attempt in (("a body of 8 MiB", try_padding), ("arrays nested 100,000 deep", try_nesting)):
        tried = attempt(service)
        if tried.fatal:
            return falsified(f"{name}: {tried.fatal}")
        if tried.overdue or tried.afterwards:
            return falsified(f"{name}: {tried.silence if tried.overdue else tried.afterwards}")
    return corroborated("an oversized and a deeply nested body neither hang nor kill the server", compared=2)


def judge_unknown_model(service: Service) -> Verdict:
    """F-HTTP-024: refused, or the answer does not claim to be the model's that is not there."""
    tried = try_unknown_model(service)
    if ill := _ill(tried, f"the model {NO_MODEL!r}"):
        return ill
    reply = _reply(tried)
    if _refused(reply):
        return corroborated(f"a model that is not served is refused with status {reply.status}", compared=1)
    named = reply.json.get("model") if isinstance(reply.json, dict) else None
    if not isinstance(named, str) or named == NO_MODEL:
        return falsified(f"{NO_MODEL!r}, which is not served, is answered in the name of {named!r}")
    return corroborated(f"answered in the name of {named!r}", compared=1)


def judge_error_message(service: Service) -> Verdict:
    """F-API-004: every error comes with words that say what is wrong."""
    replies = {name: tried.reply for name, tried in _tries(service) if tried.reply is not None}
    errors = {name: reply for name, reply in replies.items() if reply.status >= 400}
    if not errors:
        raise Unjudgeable("no bad request was refused")
    silent = [f"{name} (status {reply.status})" for name, reply in errors.items() if not reply.message.strip()]
    if silent:
        return falsified(f"{len(silent)} of {len(errors)} errors come without a message: {', '.join(silent)}")
    return corroborated(f"{len(errors)} errors come with messages", compared=len(errors))


def judge_recovery(service: Service) -> Verdict:
    """F-HTTP-035: after each kind of error the same question gets the same answer as before."""
    looked = 0
    for name, tried in _tries(service):
        if wrong := tried.fatal or tried.afterwards:
            return falsified(f"after {name}: {wrong}")
        looked += not tried.overdue
    return corroborated(f"after {looked} kinds of errors the same question gets the same answer", compared=looked)


def _tries(service: Service) -> Iterator[tuple[str, Tried]]:
    """Everything that a server should refuse, one after the other, less what cannot be asked of this model."""
    baseline(service)  # without which nothing can be tried
    for name, attempt in TRIES.items():
        try:
            tried = attempt(service)
        except Unjudgeable:
            continue
        yield name, tried


def _judge_refusals(tries: dict[str, Tried]) -> Verdict:
    """Each must be refused with a status of the client's errors."""
    for name, tried in tries.items():
        if ill := _ill(tried, name):
            return ill
        reply = _reply(tried)
        if not _refused(reply):
            return falsified(f"{name} is answered with status {reply.status}: {(text_of(reply) or '')[:80]!r}")
    statuses = sorted({_reply(tried).status for tried in tries.values()})
    return corroborated(f"refused with {', '.join(map(str, statuses))}: {', '.join(tries)}", compared=len(tries))


def _ill(tried: Tried, name: str) -> Verdict | None:
    """The verdict where the server died, said nothing, or faulted; None where it answered."""
    if tried.fatal:
        return falsified(f"{name}: {tried.fatal}")
    if tried.reply is None:
        return falsified(f"{name}: {tried.silence}")
    if not 200 <= tried.reply.status < 500:
        words = tried.reply.message or tried.reply.body[:80].decode(errors="replace")
        return falsified(f"{name}: status {tried.reply.status}: {words[:200]}", status=tried.reply.status)
    return None


def _reply(tried: Tried) -> Reply:
    assert tried.reply is not None  # `_ill` spoke first
    return tried.reply


def _refused(reply: Reply) -> bool:
    return 400 <= reply.status < 500


def _generated(reply: Reply) -> int | None:
    return (usage_of(reply) or {}).get("completion_tokens")


def _amount(tokens: int | None) -> str:
    return "an unknown number of tokens" if tokens is None else "1 token" if tokens == 1 else f"{tokens} tokens"


def _ending_question(service: Service) -> str | None:
    """A question whose answer the model ends by itself."""
    asking = voice(service)
    for question in QUESTIONS[:_CANDIDATES]:
        if finish_of(asking.ask(question, max_tokens=_ENOUGH)) == "stop":
            return question
    return None
