"""A stand-in's server as a `Service`, and what the stand-in's own "engine" says to the fixed questions."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from pytest_aprqa.core import Backend, Finish, Format, Prompting
from pytest_aprqa.gates.server.service import Service
from pytest_aprqa.gates.server.spoken import ASKS, COUNTED, MAX_TOKENS, Ask, Said, Spoken
from tests.serving import standin_model as model
from tests.serving.standin_server import StandinServer


@contextmanager
def served(*faults: str, timeout_ms: int = 10_000, ours: bool = False) -> Iterator[Service]:
    """A server with these faults, as it is judged; a new one starts where the last was stopped or died.

    It calls itself ours by having a process id.
    """
    servers: list[StandinServer] = []

    def server() -> StandinServer:
        if not servers or not servers[-1].alive:
            servers.append(StandinServer(*faults))
            servers[-1].pid = os.getpid() if ours else None
        return servers[-1]

    try:
        yield Service(Format.GGUF, Backend.CPU, server, standin_spoken, timeout_ms)
    finally:
        for one in servers:
            one.stop()


def standin_spoken() -> Spoken:
    """What the stand-in's model says when no server is in between."""
    said = [one for ask in ASKS for one in _said(ask)]
    counts = {text: len(model.encode(text)) for text in COUNTED}
    return Spoken(tuple(said), counts, model.CONTEXT_TOKENS, chat_template=True)


def _said(ask: Ask) -> list[Said]:
    found: list[Said] = []
    for turn in ask.turns:
        earlier = tuple((one.question, one.text) for one in found)
        bare = Said(turn, ask.prompting, "", (), 0, Finish.STOP, system=ask.system, earlier=earlier)
        raw = ask.prompting is Prompting.RAW
        heard = (
            model.complete(turn, max_tokens=MAX_TOKENS)
            if raw
            else model.chat(bare.asked.messages, max_tokens=MAX_TOKENS)
        )
        found.append(
            Said(
                turn,
                ask.prompting,
                heard.text,
                heard.ids,
                heard.prompt_tokens,
                heard.finish,
                system=ask.system,
                earlier=earlier,
            )
        )
    return found
