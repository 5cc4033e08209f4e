"""Judges of several clients at once, of clients that leave, and of clients that read slowly.

What each client is owed is what the server answers to it when nobody else asks, so no ground truth is needed here.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Final, NamedTuple, TypeVar

from pytest_aprqa.core import EngineError, EngineTimeout, Verdict, corroborated, falsified
from pytest_aprqa.gates.measured import Unjudgeable, once
from pytest_aprqa.gates.server.asking import (
    LONG,
    PROBE,
    QUESTIONS,
    Voice,
    alone,
    answered,
    baseline,
    difference,
    voice,
)
from pytest_aprqa.gates.server.service import Service
from pytest_aprqa.serving.reply import Reply, Streamed, text_of
from pytest_aprqa.serving.server import Server

T = TypeVar("T")

CLIENTS: Final = 10
"""Clients at once; more than a small server has slots, so that some wait."""
_DISTINCT: Final = 4
"""So many different answers it takes to see whether answers are mixed up."""
_CLEAR_SHARE: Final = 0.5
"""Of the answers; where fewer can be judged, none are."""
LEAVERS: Final = 12
"""Clients that leave, one after the other; more than a small server has slots, so that a stuck one is missed."""
_LEFT_AFTER: Final = 2
"""Events that a leaving client reads."""
_LEFT_TOKENS: Final = 256
"""What a leaving client asked for: the server is still at it when the client leaves."""
SPARE_DESCRIPTORS: Final = 8
"""A server may keep so many descriptors more than before: pools, files opened late."""
_SETTLING_S: Final = 5.0
"""How long a server may take to close what a client left behind."""
_PAUSES_MS: Final = (60.0, 300.0)
"""Waits of a slow reader between two reads of a few bytes; the second only where the first says nothing clear."""
_BESIDE: Final = 3
"""Questions asked beside a slow reader."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What one of several clients heard."""

    question: str
    streamed: bool
    text: str = ""
    failure: str = ""
    """Why there is no text."""


def judge_ten_clients(service: Service) -> Verdict:
    """F-HTTP-019: everyone is answered, in one piece and streamed."""
    heard = _crowd(service)
    failed = [one for one in heard if one.failure]
    if failed:
        first = failed[0]
        return falsified(
            f"{len(failed)} of {len(heard)} requests of {CLIENTS} clients at once failed;"
            f" {first.question!r}{' streamed' if first.streamed else ''}: {first.failure}",
            compared=len(heard),
        )
    return corroborated(f"{len(heard)} requests of {CLIENTS} clients at once are answered", compared=len(heard))


def judge_own_answers(service: Service) -> Verdict:
    """F-HTTP-032: everyone gets what it gets alone, or parts from it at a near tie; nobody another's answer."""
    owed = alone(service)
    if len(set(owed.values())) < _DISTINCT:
        raise Unjudgeable(f"only {len(set(owed.values()))} different answers to {len(owed)} questions")
    heard = [one for one in _crowd(service) if not one.failure]
    unclear: list[Unjudgeable] = []
    for one in heard:
        try:
            wrong = _wrong(service, one, owed)
        except Unjudgeable as exc:
            unclear.append(exc)
            continue
        if wrong:
            return falsified(wrong, compared=len(heard) - len(unclear))
    compared = len(heard) - len(unclear)
    if unclear and compared < _CLEAR_SHARE * len(heard):
        raise unclear[0]
    rest = f"; {len(unclear)} are left out: {unclear[0]}" if unclear else ""
    return corroborated(
        f"{compared} answers of {CLIENTS} clients at once are those given alone{rest}", compared=compared
    )


def judge_disconnect(service: Service) -> Verdict:
    """F-HTTP-033: after clients left in mid-stream the server answers as before, and closed what they left open."""
    before = baseline(service)
    server = service.server()
    descriptors = server.descriptors()
    when = f"after {LEAVERS} clients left in mid-stream"
    try:
        reply = _leave(service)
    except EngineTimeout as exc:
        server.stop()  # it may hang for good; whoever asks next gets another one
        return falsified(f"{when}: {exc}")
    if not server.alive:
        return falsified(f"the server died {when}")
    if wrong := difference(service, PROBE, before, text_of(reply) or f"status {reply.status}"):
        return falsified(f"{when}: {wrong}")
    left = _left_open(server, descriptors)
    if left is None:
        return corroborated(f"{when} the next is answered as before", compared=1)
    if left > SPARE_DESCRIPTORS:
        return falsified(f"{left} descriptors stay open {when}", descriptors=left)
    return corroborated(f"{when} the next is answered as before, descriptors {left:+d}", compared=2)


def judge_slow_reader(service: Service) -> Verdict:
    """F-HTTP-034: a slow reader gets its whole answer, and those who ask meanwhile need not wait until it has."""
    owed, beside_owed = _streamed_alone(service), alone(service)
    held_up, slow_answered_ms = "", 0.0
    for pause_ms in _PAUSES_MS:
        beside = _ask_beside(service, pause_ms)
        slow, slow_ms = beside.slow, beside.slow.duration_ms
        if why := broken(slow):
            return falsified(f"a slow reader's stream: {why}")
        if wrong := difference(service, PROBE, owed, slow.text):
            return falsified(f"a slow reader: {wrong}")
        for one in beside.others:
            if wrong := _wrong(service, one, beside_owed):
                return falsified(f"beside a slow reader: {wrong}")
        others = f"{len(beside.others)} questions asked meanwhile are answered after {beside.answered_ms:.0f} ms"
        held_up = f"a slow reader has all of its answer after {slow_ms:.0f} ms, and {others}"
        slow_answered_ms = beside.answered_ms
        if slow_answered_ms < slow_ms:
            return corroborated(held_up, compared=1 + len(beside.others))
    quick = _ask_beside(service, 0)
    if quick.answered_ms > slow_answered_ms / 2:
        raise Unjudgeable(
            f"{held_up}; beside a reader that does not pause they take {quick.answered_ms:.0f} ms too: the server "
            "answers one after the other, and what they wait for is its computing"
        )
    return falsified(f"{held_up}: they wait until it has read all")


def at_once(acts: Sequence[Callable[[], T]]) -> list[T]:
    """What several clients come to that all start at the same moment, each in a thread of its own."""
    start = threading.Barrier(len(acts))

    def run(act: Callable[[], T]) -> T:
        start.wait()
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def hear(asking: Voice, question: str, *, streamed: bool) -> Heard:
    """Asks, and takes whatever goes wrong for a failure."""
    try:
        if not streamed:
            return Heard(question, streamed, answered(asking.ask(question)))
        stream = asking.listen(question)
    except (EngineError, Unjudgeable) as exc:
        return Heard(question, streamed, failure=str(exc))
    return Heard(question, streamed, stream.text, broken(stream))


def broken(stream: Streamed) -> str:
    """Why a stream is no whole answer; that it should say [DONE] is another gate's."""
    if stream.status != 200 or stream.problems:
        return f"status {stream.status}: {stream.message or ', '.join(stream.problems)}"
    return "" if stream.done or stream.finish is not None else "it ends with neither [DONE] nor a finish_reason"


def _crowd(service: Service) -> list[Heard]:
    """What ten clients at once heard, first each in one piece, then each streamed; measured once."""

    def measure() -> list[Heard]:
        questions = _chosen(alone(service))
        voices = [voice(service) for _ in questions]
        heard: list[Heard] = []
        for streamed in (False, True):
            heard += at_once([partial(hear, *one, streamed=streamed) for one in zip(voices, questions, strict=True)])
        return heard

    return once(service.memory, "crowd", measure)


def _chosen(owed: Mapping[str, str]) -> list[str]:
    """As many questions as there are clients: those with different answers first."""
    different = list({text: question for question, text in owed.items()}.values())
    return [*different, *(question for question in owed if question not in different)][:CLIENTS]


def _wrong(service: Service, one: Heard, owed: Mapping[str, str]) -> str:
    """What is wrong with what a client heard; empty where it is its own answer.

    Raises:
        Unjudgeable: alone, too, the question is answered in another way each time.
    """
    if one.failure:
        return f"{one.question!r}: {one.failure}"
    if one.text == owed[one.question]:
        return ""
    for question, text in owed.items():
        if text == one.text:
            return f"{one.question!r} got the answer to {question!r}: {text[:80]!r}"
    if not (why := difference(service, one.question, owed[one.question], one.text)):
        return ""
    if one.streamed and hear(voice(service), one.question, streamed=True).text == one.text:
        return ""  # its own all the same: that a stream says what the answer in one piece says is another gate's
    again = answered(voice(service).ask(one.question))
    if again != owed[one.question]:
        raise Unjudgeable(f"alone, too, the answers differ: {again[:80]!r} to {one.question!r}")
    return why


def _left_open(server: Server, before: int | None) -> int | None:
    """Descriptors more than before, once they had time to be closed; None where they cannot be counted."""
    deadline = time.monotonic() + _SETTLING_S
    while True:
        now = server.descriptors()
        if now is None or before is None:
            return None
        if now - before <= SPARE_DESCRIPTORS // 2 or time.monotonic() > deadline:
            return now - before
        time.sleep(0.1)


def _streamed_alone(service: Service) -> str:
    streamed = voice(service).listen(PROBE)
    if why := broken(streamed):
        raise Unjudgeable(f"no stream to read slowly: {why}")
    return streamed.text


class _Beside(NamedTuple):
    """A slow reader's stream, and what others heard meanwhile."""

    slow: Streamed
    others: list[Heard]
    answered_ms: float
    """From the start of the slow reader's request until the last of the others was answered."""


def _ask_beside(service: Service, pause_ms: float) -> _Beside:
    slow, others = voice(service), [voice(service) for _ in range(_BESIDE)]
    with ThreadPoolExecutor(1) as pool:
        started = time.perf_counter()
        reading: Future[Streamed] = pool.submit(slow.listen, PROBE, pause_ms=pause_ms)
        time.sleep(2 * pause_ms / 1000)  # the reader is then in its stream
        heard = [hear(asking, QUESTIONS[place], streamed=False) for place, asking in enumerate(others)]
        answered_ms = (time.perf_counter() - started) * 1000
        return _Beside(reading.result(), heard, answered_ms)


def _leave(service: Service) -> Reply:
    """Leaves many streams after their first events; the answer to the question after that."""
    for _ in range(LEAVERS):
        streamed = voice(service).listen(LONG, leave_after=_LEFT_AFTER, max_tokens=_LEFT_TOKENS)
        if streamed.status != 200 or not streamed.events:
            raise Unjudgeable(f"no stream to leave: status {streamed.status}")
    return voice(service).ask(PROBE)
