"""The fake engine: answers from a script, in a real supervised child, so that its crashes and hangs are real ones.

For tests, ours and those of users: it starts in a fraction of a second, needs no weights and imports nothing heavy.
`fake_script` describes the script's format.
"""

from __future__ import annotations

import ctypes
import os
import platform
import re
import signal
import sys
import time
import zlib
from collections.abc import Callable, Sequence
from itertools import pairwise

import psutil

from pytest_aprqa.core import Answer, Completion, EngineRefused, Finish, Metrics, Request, Target, Weights
from pytest_aprqa.engines.batches import refuse_strange_ids
from pytest_aprqa.engines.fake_script import Act, LoadFate, Script, read_script
from pytest_aprqa.engines.memory import peak_rss_bytes
from pytest_aprqa.engines.protocol import Engine, EngineFacts, Limits, Result
from pytest_aprqa.engines.readings import Pace
from pytest_aprqa.engines.session import supervise

STOP_ID = 0
"""The fake tokenizer's stop token; a word's id is a checksum of the word."""
_VOCABULARY = 50_000
_TERM = re.compile(r"(-?\d+)\s*([-+*/×÷−])\s*(-?\d+)")


def open_engine(target: Target, weights: Weights, limits: Limits) -> Engine:
    """Opens the fake engine; the target changes nothing."""
    return supervise("pytest_aprqa.engines.fake:load", target, weights, limits)


def load(target: Target, weights: Weights, limits: Limits) -> FakeModel:  # noqa: ARG001 - every loader takes a target
    """Reads the script and does what it says of loading; runs in the child."""
    script = read_script(weights.folder)
    match script.load:
        case LoadFate.REFUSE:
            raise EngineRefused(f"cannot load {weights.folder}: the script says so")
        case LoadFate.CRASH:
            _die(signal.SIGSEGV)
        case LoadFate.HANG:
            _hang()
        case LoadFate.OK:
            pass
    return FakeModel(script, threads=limits.threads)


class FakeModel:
    """A `Resident` that plays its script, and has the instruments that need no weights.

    Args:
        script: what it does.
        threads: what it says it uses.
    """

    def __init__(self, script: Script, *, threads: int) -> None:
        self._script = script
        self._threads = threads
        self._ballast: list[bytearray] = []

    @property
    def facts(self) -> EngineFacts:
        """What the script says."""
        return EngineFacts(
            name="fake",
            versions={"python": platform.python_version()},
            device="cpu",
            dtype="float32",
            threads=self._threads,
            chat_template=self._script.chat_template,
            context_tokens=self._script.context_tokens,
            load_ms=0.0,
            parameters=None,
        )

    def generate(self, requests: Sequence[Request]) -> tuple[Result, ...]:
        """Answers one after the other, holding everything that was allocated until the last is answered."""
        self._ballast.clear()
        return tuple(self._result(request, batch_size=len(requests)) for request in requests)

    def encode(self, texts: Sequence[str], *, special: bool) -> tuple[tuple[int, ...], ...]:  # noqa: ARG002 - has none
        """As `Instruments.encode`."""
        return tuple(tuple(map(_word_id, _words(text))) for text in texts)

    def pace(self, row: Sequence[int], *, tokens: int) -> Pace:
        """As `Instruments.pace`: real times of ids made up one after the other, slowly where the script says so."""
        self._refuse(row, tokens)
        known = [time.perf_counter()]
        for number in range(tokens):
            time.sleep(self._script.token_ms / 1000)
            _word_id(f"{row} {number}")
            known.append(time.perf_counter())
        times = tuple((after - before) * 1000 for before, after in pairwise(known))
        rss_bytes = psutil.Process().memory_info().rss
        return Pace(times[0], times[1:], len(row), rss_bytes=rss_bytes, peak_rss_bytes=peak_rss_bytes())

    def sample(self, row: Sequence[int], *, max_tokens: int, temperature: float, seed: int) -> tuple[int, ...]:
        """As `Instruments.sample`: any ids, the same for the same row and seed, and for any seed at temperature 0."""
        self._refuse(row, max_tokens)
        start = f"{tuple(row)} {seed if temperature > 0 else None}"
        return tuple(_word_id(f"{start} {number}") for number in range(max_tokens))

    def _refuse(self, row: Sequence[int], tokens: int) -> None:
        refuse_strange_ids([row], vocabulary=_VOCABULARY + 1, context_tokens=self._script.context_tokens - tokens)

    def _result(self, request: Request, *, batch_size: int) -> Result:
        started = time.perf_counter()
        answers: list[Answer] = []
        seen = len(_words(request.system or ""))
        for turn in request.turns:
            act = self._act(turn)
            self._perform(act)
            if act.refuse is not None:
                return EngineRefused(act.refuse)
            seen += len(_words(turn))
            if seen + request.max_tokens > self._script.context_tokens:
                return EngineRefused(
                    f"prompt of {seen} tokens and max_tokens {request.max_tokens} exceed the context of"
                    f" {self._script.context_tokens}"
                )
            text = self._script.default if act.answer is None else act.answer
            answers.append(_answer(text, prompt_tokens=seen, max_tokens=request.max_tokens))
            seen += len(answers[-1].token_ids)
        return _completion(request, tuple(answers), started, batch_size)

    def _act(self, turn: str) -> Act:
        for rule in self._script.answers:
            if rule.match.search(turn):
                return rule.act
        return Act(answer=compute(turn) if self._script.arithmetic else None)

    def _perform(self, act: Act) -> None:
        if act.stderr:
            print(act.stderr, file=sys.stderr, flush=True)  # noqa: T201 - the act is to print
        time.sleep(act.delay_ms / 1000)
        if act.allocate_bytes:
            self._ballast.append(bytearray(b"x") * act.allocate_bytes)
        if act.raise_ is not None:
            raise _RAISED[act.raise_]("the script says so")
        if act.exit is not None:
            os._exit(act.exit)
        if act.crash is not None:
            _die(signal.Signals[act.crash])
        if act.hang:
            _hang()


_RAISED: dict[str, Callable[[str], Exception]] = {"MemoryError": MemoryError, "RuntimeError": RuntimeError}


def compute(text: str) -> str | None:
    """The value of the first ``a op b`` of whole numbers in `text`; None where there is none.

    >>> compute("What is 2+2?"), compute("7 ÷ 2"), compute("Hello"), compute("1/0")
    ('4', '3.5', None, 'undefined')
    """
    found = _TERM.search(text)
    if found is None:
        return None
    left, right = int(found[1]), int(found[3])
    match found[2]:
        case "+":
            return str(left + right)
        case "-" | "−":
            return str(left - right)
        case "*" | "×":
            return str(left * right)
        case _:
            return "undefined" if right == 0 else f"{left / right:g}"


def _words(text: str) -> list[str]:
    return re.findall(r"\s*\S+|\s+$", text)


def _word_id(word: str) -> int:
    return 1 + zlib.crc32(word.encode()) % _VOCABULARY


def _answer(text: str, *, prompt_tokens: int, max_tokens: int) -> Answer:
    words = _words(text)
    ids = tuple(map(_word_id, words))
    if len(ids) < max_tokens:
        return Answer(text, (*ids, STOP_ID), Finish.STOP, prompt_tokens)
    return Answer("".join(words[:max_tokens]), ids[:max_tokens], Finish.LENGTH, prompt_tokens)


def _completion(request: Request, answers: tuple[Answer, ...], started: float, batch_size: int) -> Completion:
    duration_ms = (time.perf_counter() - started) * 1000
    return Completion(
        request_id=request.id,
        answers=answers,
        metrics=Metrics(
            duration_ms=duration_ms,
            prompt_tokens=sum(answer.prompt_tokens for answer in answers),
            generated_tokens=sum(len(answer.token_ids) for answer in answers),
            batch_size=batch_size,
            ttft_ms=duration_ms,
            peak_rss_bytes=peak_rss_bytes(),
        ),
    )


def _die(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


def _hang() -> None:
    """Blocks in native code without giving up Python's lock, as a stuck kernel does: no thread of ours can run."""
    libc = ctypes.PyDLL(None)
    while True:
        libc.sleep(1000)
