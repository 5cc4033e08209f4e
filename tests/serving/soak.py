"""Fifty clients stream from one bundled server for a minute: no mixed answer, no orphan, no leak, flat memory.

``python -m tests.serving.soak --server llama.cpp|transformers [--clients 50] [--seconds 60] [--model DIR_OR_GGUF]``
prints a table and ends with 1 on any violation. What each client is owed is what the server streams to it when nobody
else asks.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pytest_aprqa import embedded
from pytest_aprqa.conversion import convert
from pytest_aprqa.core import Backend, EngineError, Format, Quantization, Target, Weights, death_of
from pytest_aprqa.engines import Limits
from pytest_aprqa.gates.server.asking import QUESTIONS, Voice, difference, voice
from pytest_aprqa.gates.server.clients import broken
from pytest_aprqa.gates.server.ending import CLEAN_EXITS
from pytest_aprqa.gates.server.growth import GROWTH_BYTES, GROWTH_DESCRIPTORS, GROWTH_SHARE
from pytest_aprqa.gates.server.service import Service, Spoken
from pytest_aprqa.serving.group import members
from pytest_aprqa.serving.open import open_server
from pytest_aprqa.serving.server import Server, Stopped

SERVERS = {"llama.cpp": Format.GGUF, "transformers": Format.SAFETENSORS}
POOL = (
    *(f"What is {a}*{b}?" for a in range(2, 13) for b in range(a, 13)),
    *QUESTIONS,
    *(f"What is {a}-{b}?" for a in range(20, 0, -1) for b in (1, 2)),
)
"""More questions than clients, since some have the same answer."""
PATIENCE_MS = 120_000
_EACH = 2
"""Questions of each client, where there are so many different answers."""
_WARM_UP_SHARE = 1 / 3
"""Of the time, before memory is looked at: threads and caches come with the first answers."""
_SETTLING_S = 10.0
_AFTER_ERROR_S = 0.05
_MIB = 2**20


@dataclass(frozen=True, slots=True)
class Look:
    """What the server holds at one moment."""

    at_s: float
    rss_bytes: int
    descriptors: int


@dataclass(slots=True)
class Called:
    """What one client heard."""

    right: int = 0
    others: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Questions with answers that are not those given alone."""
    errors: Counter[str] = field(default_factory=Counter)
    first_ms: list[float] = field(default_factory=list)
    """Times to the first text."""


@dataclass(frozen=True, slots=True)
class Soaked:
    """What became of a server among many clients."""

    clients: int
    seconds: float
    different_answers: int
    right: int
    near_ties: int
    mixed: Sequence[str]
    wrong: Sequence[str]
    errors: Mapping[str, int]
    first_ms: Sequence[float]
    looks: Sequence[Look]
    """The first before the clients came, the last after they had left."""
    growth_bytes: float
    """By the slope of the resident set after the warm-up, over all of that time."""
    stopped: Stopped | None
    orphans: int

    @property
    def answers(self) -> int:
        return self.right + self.near_ties + len(self.mixed) + len(self.wrong)

    @property
    def violations(self) -> list[str]:
        """What must not be; empty where all is well."""
        found = [f"mixed answers: {self.mixed[0]}"] if self.mixed else []
        found += [f"wrong answers: {self.wrong[0]}"] if self.wrong else []
        found += [f"{count} errors: {words}" for words, count in self.errors.items()]
        if not self.answers:
            found.append("nobody was answered")
        if (left := self.looks[-1].descriptors - self.looks[0].descriptors) > GROWTH_DESCRIPTORS:
            found.append(f"{left} descriptors are left open")
        if self.growth_bytes > max(GROWTH_BYTES, GROWTH_SHARE * self.looks[0].rss_bytes):
            found.append(f"memory grows by {self.growth_bytes / _MIB:.0f} MiB after the warm-up")
        if self.stopped is not None:
            found += _ill_end(self.stopped)
        if self.orphans:
            found.append(f"{self.orphans} orphans")
        return found


def _ill_end(stopped: Stopped) -> list[str]:
    if stopped.killed:
        return ["it had to be killed"]
    found = [f"{stopped.survivors} processes lived on"] if stopped.survivors else []
    found += ["its port stayed open"] if stopped.port_open else []
    return found if stopped.exit_code in CLEAN_EXITS else [*found, f"it ended with {death_of(stopped.exit_code or 0)}"]


def soak(server: Server, *, clients: int, seconds: float, pool: Sequence[str] = POOL) -> Soaked:
    """Asks from all sides, and stops the server at the end."""
    service = Service(Format.SAFETENSORS, Backend.CPU, lambda: server, lambda: Spoken(()), PATIENCE_MS)
    owed = _owed(voice(service), clients, pool)
    looks = [_look(server, 0.0)]
    started = time.perf_counter()
    with ThreadPoolExecutor(clients) as threads:
        until_s = started + seconds
        calling = [
            threads.submit(_call, voice(service), questions, owed, until_s) for questions in _shared_out(owed, clients)
        ]
        while not all(call.done() for call in calling):
            time.sleep(min(1.0, seconds / 20))
            looks.append(_look(server, time.perf_counter() - started))
        called = [call.result() for call in calling]
    took_s = time.perf_counter() - started
    looks.append(_settled(server, looks[0], took_s))
    mixed, wrong, near_ties = _sorted_out(service, owed, called)
    pid = server.pid
    stopped = server.stop()
    return Soaked(
        clients=clients,
        seconds=took_s,
        different_answers=len(owed),
        right=sum(one.right for one in called),
        near_ties=near_ties,
        mixed=mixed,
        wrong=wrong,
        errors=sum((one.errors for one in called), Counter()),
        first_ms=[ms for one in called for ms in one.first_ms],
        looks=looks,
        growth_bytes=growth_bytes([look for look in looks[1:-1] if look.at_s >= seconds * _WARM_UP_SHARE]),
        stopped=stopped,
        orphans=len(members(pid)) if pid is not None else 0,
    )


def growth_bytes(looks: Sequence[Look]) -> float:
    """What the resident set grows by, by a straight line through the looks."""
    if len(looks) < 3:
        return 0.0
    times = np.array([look.at_s for look in looks])
    slope = np.polyfit(times, np.array([look.rss_bytes for look in looks], dtype=np.float64), 1)[0]
    return float(slope * (times[-1] - times[0]))


def _owed(asking: Voice, clients: int, pool: Sequence[str]) -> dict[str, str]:
    """Questions to their answers given alone, no answer twice: as many as the clients need, where there are so many."""
    owed: dict[str, str] = {}
    for question in pool:
        streamed = asking.listen(question)
        if why := broken(streamed):
            raise SystemExit(f"{question!r}, asked alone: {why}")
        if streamed.text not in owed.values():
            owed[question] = streamed.text
        if len(owed) >= _EACH * clients:
            break
    return owed


def _shared_out(owed: Mapping[str, str], clients: int) -> list[list[str]]:
    """The questions of each client; where there are fewer than clients, some have the same."""
    questions = list(owed)
    return [questions[place::clients] or [questions[place % len(questions)]] for place in range(clients)]


def _call(asking: Voice, questions: Sequence[str], owed: Mapping[str, str], until_s: float) -> Called:
    called = Called()
    for question in itertools.cycle(questions):
        if time.perf_counter() >= until_s:
            break
        try:
            streamed = asking.listen(question)
        except EngineError as exc:
            called.errors[str(exc)] += 1
            time.sleep(_AFTER_ERROR_S)
            continue
        if why := broken(streamed):
            called.errors[why] += 1
            continue
        called.first_ms += streamed.token_times_ms[:1]
        if streamed.text == owed[question]:
            called.right += 1
        else:
            called.others[question, streamed.text] += 1
    return called


def _look(server: Server, at_s: float) -> Look:
    return Look(at_s, server.rss_bytes() or 0, server.descriptors() or 0)


def _settled(server: Server, before: Look, at_s: float) -> Look:
    deadline = time.monotonic() + _SETTLING_S
    while (look := _look(server, at_s)).descriptors > before.descriptors and time.monotonic() < deadline:
        time.sleep(0.1)
    return look


def _sorted_out(
    service: Service, owed: Mapping[str, str], called: Sequence[Called]
) -> tuple[list[str], list[str], int]:
    """Answers of others, answers of nobody, and how many parted from the right one at a near tie."""
    owner = {text: question for question, text in owed.items()}
    mixed, wrong, near_ties = [], [], 0
    for (question, text), count in sum((one.others for one in called), Counter[tuple[str, str]]()).items():
        if text in owner:
            mixed += [f"{question!r} got the answer to {owner[text]!r}: {text!r}"] * count
        elif why := difference(service, question, owed[question], text):
            wrong += [why] * count
        else:
            near_ties += count
    return mixed, wrong, near_ties


def table(name: str, soaked: Soaked) -> str:
    """The result, a line for each number."""
    cells = {"server": name, **rows(soaked)}
    width = max(map(len, cells))
    lines = [f"{label.ljust(width)}  {value}" for label, value in cells.items()]
    return "\n".join([*lines, *(f"VIOLATED: {words}" for words in soaked.violations)])


def rows(soaked: Soaked) -> dict[str, str]:
    """The numbers by what they are."""
    first, last, peak = soaked.looks[0], soaked.looks[-1], max(look.descriptors for look in soaked.looks)
    times = sorted(soaked.first_ms) or [0.0]
    return {
        "clients, seconds": f"{soaked.clients}, {soaked.seconds:.1f}",
        "different right answers": str(soaked.different_answers),
        "streams": f"{soaked.answers} ({soaked.answers / soaked.seconds:.1f} per second)",
        "right; at a near tie": f"{soaked.right}; {soaked.near_ties}",
        "mixed; wrong; errors": f"{len(soaked.mixed)}; {len(soaked.wrong)}; {sum(soaked.errors.values())}",
        "first text ms, median, p99": f"{statistics.median(times):.0f}, {times[int(0.99 * (len(times) - 1))]:.0f}",
        "MiB before, after": f"{first.rss_bytes / _MIB:.1f}, {last.rss_bytes / _MIB:.1f}",
        "MiB by slope after warm-up": f"{soaked.growth_bytes / _MIB:+.1f}",
        "descriptors before, peak, after": f"{first.descriptors}, {peak}, {last.descriptors}",
        "orphans": str(soaked.orphans),
        "end": _end_words(soaked.stopped),
    }


def _end_words(stopped: Stopped | None) -> str:
    if stopped is None:
        return "not ours"
    port = "open" if stopped.port_open else "closed"
    return f"exit code {stopped.exit_code} after {stopped.took_ms:.0f} ms, port {port}, {stopped.survivors} survivors"


@contextmanager
def _weights(format: Format, model: Path | None) -> Iterator[Weights]:
    """The model's files; the embedded model where none is named, quantized for llama.cpp."""
    with tempfile.TemporaryDirectory() as scratch:
        path = model or embedded.folder()
        if format is Format.GGUF and path.is_dir():
            path = convert(path, Path(scratch), format=format, quantization=Quantization.Q8_0).path
        files = (path,) if path.is_file() else tuple(sorted(path.glob("*.safetensors")))
        yield Weights(path if path.is_dir() else path.parent, files, "command line")


def soak_bundled(
    name: str, *, clients: int = 50, seconds: float = 60.0, threads: int = 1, model: Path | None = None
) -> Soaked:
    """Starts one of `SERVERS`, soaks it, and ends it."""
    format = SERVERS[name]
    with _weights(format, model) as weights:
        target = Target("soaked/model", format, None, Backend.CPU)
        server = open_server(target, weights, Limits(threads=threads))
        try:
            return soak(server, clients=clients, seconds=seconds)
        finally:
            server.stop()


def main(arguments: Sequence[str]) -> int:
    """Soaks a bundled server; 1 where anything is violated."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", choices=SERVERS, required=True)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--threads", type=int, default=1, help="threads that compute")
    parser.add_argument("--model", type=Path, help="Hugging Face folder or .gguf file; the embedded model without")
    wish = parser.parse_args(arguments)
    soaked = soak_bundled(
        wish.server, clients=wish.clients, seconds=wish.seconds, threads=wish.threads, model=wish.model
    )
    sys.stdout.write(f"{table(wish.server, soaked)}\n")
    return int(bool(soaked.violations))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
