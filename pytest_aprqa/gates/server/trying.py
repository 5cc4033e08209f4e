"""Bad and extreme requests, each sent once, and what became of the server: its answer, its life, its next answer.

Whatever a request did, the same plain question is asked before and after it. Judges nothing.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from pytest_aprqa.core import EngineError, EngineTimeout, Json
from pytest_aprqa.gates.measured import Unjudgeable, once
from pytest_aprqa.gates.server.asking import PROBE, Voice, baseline, difference, voice
from pytest_aprqa.gates.server.service import Service
from pytest_aprqa.serving.reply import Reply, text_of
from pytest_aprqa.serving.server import Server

NO_MODEL: Final = "aprqa/no-such-model"
"""A model that nobody serves."""
HUGE: Final = 1_000_000
"""More tokens than any context that we know of holds."""
PADDING_BYTES: Final = 8 * 2**20
"""Size of a field that no tokenizer has to read: parsed in well under a second."""
DEPTH: Final = 100_000
"""Nested arrays: far beyond what a recursive parser's stack holds."""
BEYOND: Final = 1.5
"""Length of a prompt that is too long, as a share of the context."""
MAX_CONTEXT: Final = 16_384
"""Longer contexts are not overrun: a server that takes the prompt after all computes for minutes."""
WORD: Final = "word "
_NOT_ANSWERED: Final = "a plain question is then not answered"
_DYING_S: Final = 2.0
"""How long a process whose connection broke may take to be seen dead."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One request and what came of it."""

    reply: Reply | None
    """None where there was no answer."""
    silence: str = ""
    """Why there was none."""
    overdue: bool = False
    """Whether the deadline passed; the server was then stopped, since it may never come back."""
    fatal: str = ""
    """How the server died of it; empty where it lives."""
    afterwards: str = ""
    """What was wrong with the answer to the next plain question; empty where nothing was, and where none was asked."""


MALFORMED: Final[Mapping[str, bytes]] = {
    "JSON that breaks off": b'{"model": "m", "messages": [{"role": "user"',
    "a text that is no JSON": b"What is 2+2?",
    "names without quotes": b'{model: "m", messages: []}',
    "bytes that are no UTF-8": b'{"model": "m", "messages": [{"role": "user", "content": "\xff\xfe"}]}',
    "an empty body": b"",
}
"""Bodies that are no JSON, by what is wrong with them."""


def try_malformed(service: Service, kind: str) -> Tried:
    """Sends one of `MALFORMED`."""
    return _tried(service, kind, lambda asking: asking.client.post(asking.path, MALFORMED[kind]))


def try_wish(service: Service, question: str, **wish: Json) -> Tried:
    """Sends a question with other wishes than usual."""
    return _tried(service, f"{question} {wish}", lambda asking: asking.ask(question, **wish))


def try_empty_messages(service: Service) -> Tried:
    """Sends a conversation without a turn; only a chat has any."""
    if not service.heard.chat_template:
        raise Unjudgeable("the model has no chat template")
    return try_wish(service, PROBE, messages=[])


def try_no_messages(service: Service) -> Tried:
    """Sends a request without its messages, or its prompt."""

    def send(asking: Voice) -> Reply:
        body = asking.body(PROBE)
        del body["messages" if asking.chat else "prompt"]
        return asking.client.post(asking.path, body)

    return _tried(service, "no messages", send)


def try_unknown_path(service: Service) -> Tried:
    """Asks for a path that no server has."""
    return _tried(service, "unknown path", lambda asking: asking.client.get("/v1/aprqa-no-such-path"))


def try_unknown_model(service: Service) -> Tried:
    """Asks a model that is not served."""
    return try_wish(service, PROBE, model=NO_MODEL)


def try_padding(service: Service) -> Tried:
    """Sends a large field that the API does not know."""
    return _tried(service, "padding", lambda asking: asking.ask(PROBE, padding="x" * PADDING_BYTES))


def try_nesting(service: Service) -> Tried:
    """Sends deeply nested arrays."""
    body = b'{"padding": ' + b"[" * DEPTH + b"]" * DEPTH + b"}"
    return _tried(service, "nesting", lambda asking: asking.client.post(asking.path, body))


def try_beyond_context(service: Service) -> Tried:
    """Sends a prompt that is half as long again as the context."""
    heard = service.heard
    if heard.context_tokens is None:
        raise Unjudgeable("the model's context is not known")
    if heard.context_tokens > MAX_CONTEXT:
        raise Unjudgeable(f"the context has {heard.context_tokens} tokens; only up to {MAX_CONTEXT} are overrun")
    # Without a tokenizer at hand a word is taken for one token: no tokenizer of ours makes less of it.
    tokens_per_word = heard.counts.get(WORD * 100, 100) / 100
    words = math.ceil(BEYOND * heard.context_tokens / tokens_per_word)
    return _tried(service, "beyond context", lambda asking: asking.ask(WORD * words))


TRIES: Final[Mapping[str, Callable[[Service], Tried]]] = {
    **{kind: partial(try_malformed, kind=kind) for kind in MALFORMED},
    "no messages": try_no_messages,
    "an unknown path": try_unknown_path,
    "an unknown model": try_unknown_model,
    "empty messages": try_empty_messages,
    "a prompt beyond the context": try_beyond_context,
}
"""What a server should refuse, by name; and what some servers take."""


def _tried(service: Service, name: str, send: Callable[[Voice], Reply]) -> Tried:
    return once(service.memory, f"tried {name}", lambda: _try(service, send))


def _try(service: Service, send: Callable[[Voice], Reply]) -> Tried:
    before = baseline(service)
    server = service.server()
    reply, silence = None, ""
    try:
        reply = send(voice(service))
    except EngineTimeout as exc:
        server.stop()
        return Tried(None, str(exc), overdue=True)
    except EngineError as exc:
        silence = str(exc)
    if _dead(server, patience_s=_DYING_S if silence else 0):
        return Tried(reply, silence, fatal=_death(server))
    try:
        after = voice(service).ask(PROBE)
    except EngineTimeout as exc:
        server.stop()
        return Tried(reply, silence, afterwards=f"{_NOT_ANSWERED}: {exc}")
    except EngineError as exc:
        fatal = _death(server) if _dead(server, patience_s=_DYING_S) else ""
        return Tried(reply, silence, fatal=fatal, afterwards=f"{_NOT_ANSWERED}: {exc}")
    return Tried(reply, silence, afterwards=_changed(service, before, after))


def _changed(service: Service, before: str, after: Reply) -> str:
    """What is wrong with the answer to the plain question; empty where it is the one given before."""
    text = text_of(after) if after.status == 200 else None
    if text is None:
        return f"a plain question is then answered with status {after.status}: {after.message or after.body[:80]!r}"
    return difference(service, PROBE, before, text)


def _dead(server: Server, *, patience_s: float) -> bool:
    """Whether the server died; one that seems to be dying gets some time to."""
    deadline = time.monotonic() + patience_s
    while server.alive:
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.05)
    return True


def _death(server: Server) -> str:
    last = server.log_tail.strip().splitlines()[-1:]
    return f"the server died{f' ({last[0][:200]})' if last else ''}"
