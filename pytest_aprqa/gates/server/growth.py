"""Judge of growth: requests that are answered leave no memory and no descriptor behind."""

from __future__ import annotations

from typing import Final, NamedTuple

from pytest_aprqa.core import Verdict, corroborated, falsified
from pytest_aprqa.gates.measured import Unjudgeable
from pytest_aprqa.gates.server.asking import QUESTIONS, Voice, answered, voice
from pytest_aprqa.gates.server.service import Service
from pytest_aprqa.serving.server import Server

REQUESTS: Final = 40
"""Requests between two looks."""
_WARM_UP: Final = 12
"""Requests before the first look: caches, pools and threads come with them."""
_ROUNDS: Final = 3
"""Looks after the first, at most: what only settles later does not grow each time."""
GROWTH_SHARE: Final = 0.05
GROWTH_BYTES: Final = 32 * 2**20
"""Growth of the resident set from look to look that is no leak: the larger of this and that share of it."""
GROWTH_DESCRIPTORS: Final = 8
_TOKENS: Final = 4


class Held(NamedTuple):
    """What a server holds at one moment."""

    rss_bytes: int
    descriptors: int | None


def judge_growth(service: Service) -> Verdict:
    """F-SERVE-006: from look to look the server holds no more; falsified where it grows every time."""
    server = service.server()
    if server.pid is None or server.rss_bytes() is None:
        raise Unjudgeable("the server's processes cannot be looked at")
    asking = voice(service)
    _ask(asking, _WARM_UP)
    looks, why = [_held(server)], ""
    while len(looks) <= _ROUNDS:
        _ask(asking, REQUESTS)
        looks.append(_held(server))
        if not (why := grown(looks[-2], looks[-1])):
            return corroborated(
                f"{REQUESTS} requests: {_change(looks[-2], looks[-1])}",
                compared=REQUESTS,
                rss_bytes=looks[-1].rss_bytes,
            )
    return falsified(
        f"each of {_ROUNDS} times {REQUESTS} requests leave something behind, at last {why}", compared=REQUESTS
    )


def grown(before: Held, after: Held) -> str:
    """What grew beyond its limit; empty where nothing did.

    >>> grown(Held(2**30, 20), Held(2**30 + 2**25, 21))
    ''
    >>> grown(Held(2**30, 20), Held(2**30, 40))
    '20 descriptors'
    """
    more_bytes = after.rss_bytes - before.rss_bytes
    if more_bytes > max(GROWTH_BYTES, GROWTH_SHARE * before.rss_bytes):
        return f"{more_bytes / 2**20:.0f} MiB"
    if before.descriptors is None or after.descriptors is None:
        return ""
    more = after.descriptors - before.descriptors
    return f"{more} descriptors" if more > GROWTH_DESCRIPTORS else ""


def _held(server: Server) -> Held:
    rss_bytes = server.rss_bytes()
    if rss_bytes is None:
        raise Unjudgeable("the server's processes are gone")
    return Held(rss_bytes, server.descriptors())


def _ask(asking: Voice, count: int) -> None:
    for place in range(count):
        answered(asking.ask(QUESTIONS[place % len(QUESTIONS)], max_tokens=_TOKENS))


def _change(before: Held, after: Held) -> str:
    words = f"{(after.rss_bytes - before.rss_bytes) / 2**20:+.1f} MiB"
    if before.descriptors is not None and after.descriptors is not None:
        words += f", {after.descriptors - before.descriptors:+d} descriptors"
    return words
