"""Writes docs/serving.md: what the bundled servers do, what each fault of a server is refuted by, and the soak.

    python -m tests.serving.table           starts all servers, judges all; the page keeps its numbers of the soak
    python -m tests.serving.table --soak    soaks both servers for a minute each; the page keeps the rest

Takes some minutes.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from pytest_aprqa.core import GATES, Verdict
from pytest_aprqa.gates.server.known import KNOWN
from pytest_aprqa.gates.server.service import Service
from pytest_aprqa.gates.server.table import SERVER_CHECKS, judge_service
from pytest_aprqa.gates.server.ties import COARSE, FLOAT, HALF
from tests.gates.server.planted import (
    ALONE,
    ANSWERED,
    CLOSED_PORT,
    ENDS,
    GROWTH,
    OF_TESTS,
    PLANTED,
    RAW_STREAM,
    SILENT,
    STARTS,
    Plant,
)
from tests.gates.server.served import served
from tests.gates.server.standing import planted, process
from tests.serving.bundled import BUNDLED, Bundled
from tests.serving.soak import SERVERS, rows, soak_bundled
from tests.serving.standin_faults import FAULTS
from tests.serving.standin_server import StandinServer

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "serving.md"
TIES_TITLE: Final = "How near a near tie is"
SERVERS_TITLE: Final = "The bundled servers, gate by gate"
FAULTS_TITLE: Final = "What refutes a faulty server"
ALONE_TITLE: Final = "Judged by one gate alone"
SOAK_TITLE: Final = "Fifty clients for a minute"
CLOSED: Final = "the port is closed, and nothing says that the server died"
_HASTY_MS: Final = 400
"""Deadline where nothing is ever answered."""

_HEAD: Final = """\
# Behind a server

A cell of `serve` puts a real server in front of the model, as its users would, and asks it over HTTP. Three things are
done with it:

* The scenarios of the playbook are asked as they are of `run` and `chat`, and judged by the same oracles.
* What the model's own engine says to a few fixed questions is heard first, without a server; the server has to say the
  same text, but for places where two tokens are nearly as likely.
* From the tier `mvp` upward, the gates below look at the server itself: protocol, limits, bad requests, many clients,
  bad clients, memory, and the end.

Each server runs in a process group of its own below a guard, and is ended with it: by SIGTERM, by SIGKILL where that
does not help, and also where pytest itself is killed.

## Which servers

| artefact | server | installed by |
|---|---|---|
| GGUF | llama.cpp's server | `pip install 'pytest-aprqa[llamacpp]'` |
| safetensors | `transformers serve` | `pip install 'pytest-aprqa[serve]'` |
| APR | `transformers serve` of the file's tensors, written to a folder; no server reads the format | the same |

Any other server that speaks the OpenAI API is tested by its command line or its address, with a block `serve` in the
playbook: see [Behind a server](playbooks.md#behind-a-server). A server that was only named by its address
is not ours to end or to look into: the gates on its end and its memory are then not judged. What is told of the bundled
servers below as *known* is excused of these alone; any other server is refuted by it.

This page is made by `python -m tests.serving.table` from real runs; nobody edits it.
"""

_TIES: Final = f"""\
## {TIES_TITLE}

The same sums in another order round otherwise, and a prompt cache, other requests beside one, or another length of the
prompt change that order. Where two tokens are nearly as likely, a server may then choose the other one, and nothing is
wrong with it. So where an answer parts from what it should be, the gates ask whether the text went on with a token that
the model held for nearly as likely; that it was undecided between others is no excuse.

| weights | either token, below a lead of | largest change of a lead seen | largest lead lost |
|---|---|---|---|
| float32 | {FLOAT:g} nats | 0.00003 | none |
| float16, F16, F32 in llama.cpp | {HALF:g} nats | 0.034 | none |
| bfloat16 | {COARSE:g} nat | 0.56 | 0.25 |
| quantized | {COARSE:g} nat | 0.92 | 0.57 |
| unknown: any server but the bundled ones | {COARSE:g} nat | | |

Measured on SmolLM2-135M-Instruct on a CPU; `pytest_aprqa/gates/server/ties.py` says how. Quantized weights change the
most because llama.cpp rounds activations to eight bits before each product. The price was measured as well: of the same
model in other types behind the server, a Q4_K_M server was refuted with Q8_0, Q6_K, Q4_0 and F16, an F16 server with
each of the others, a Q8_0 server with Q4_K_M and Q4_0; Q6_K and F16 are too near to it for fourteen short answers.
"""

_SERVERS: Final = f"""\
## {SERVERS_TITLE}

All of them with the embedded model on a CPU, one thread. *Stands*: the gate tried to refute the server, and could not.
*Known*: the server does not do this, whatever the model; such a gate is skipped with that sentence, and says nothing of
the model. *Not judged*: there was nothing to look at.
"""

_FAULTS: Final = f"""\
## {FAULTS_TITLE}

A gate that never failed is not a gate. A stand-in server that stands every gate is given one fault at a time; the gate
named has to be falsified by it, and was run for this table.
"""

_ALONE: Final = f"""\
### {ALONE_TITLE}

Faults that other gates may see as well; what a process does at its end, or keeps, is judged on a real process.
"""

_SOAK: Final = f"""\
## {SOAK_TITLE}

Each client streams one answer after the other from one server with the embedded model, one thread computing; the
clients share the machine with it. What each is owed is what the server streams when nobody else asks. Times are of the
machine that made this page; the other numbers must be so on every machine. `python -m tests.serving.soak --server NAME`
does it again.
"""


def main(arguments: list[str]) -> int:
    """Writes the page; what it may say is tested in `test_table`."""
    parser = argparse.ArgumentParser(prog="python -m tests.serving.table")
    parser.add_argument("--soak", action="store_true", help="soak both servers for a minute each, and keep the rest")
    wish = parser.parse_args(arguments)
    before = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    judged, soak_title, soaked = before.partition(f"## {SOAK_TITLE}\n")
    judged = judged if wish.soak else "\n".join(_judged()) + "\n"
    soaked = "\n".join(_soaks()) if wish.soak else soak_title + soaked
    PAGE.write_text(judged + soaked, encoding="utf-8")
    return 0


def _judged() -> Iterator[str]:
    yield _HEAD
    yield _TIES
    with tempfile.TemporaryDirectory() as scratch:
        yield from _servers(Path(scratch))
    yield from _faults()


def _servers(scratch: Path) -> Iterator[str]:
    verdicts: dict[str, dict[str, str]] = {}
    versions: list[str] = []
    for name, make in BUNDLED.items():
        bundled = make(scratch)
        try:
            server = bundled.server()
            named = ", ".join(f"{package} {version}" for package, version in server.versions.items())
            versions.append(f"* {name}: {named}")
            verdicts[name] = _cells(name, bundled, server.kind)
        finally:
            if bundled.started is not None:
                bundled.started.stop()
    yield _SERVERS
    yield from (*versions, "")
    yield from _table(
        ("gate", "severity", "what is tried to refute", *BUNDLED),
        (
            (
                f"`{gate_id}`",
                GATES[gate_id].severity,
                GATES[gate_id].title,
                *(verdicts[name][gate_id] for name in BUNDLED),
            )
            for gate_id in (check.gate_id for check in SERVER_CHECKS)
        ),
    )


def _cells(name: str, bundled: Bundled, kind: str) -> dict[str, str]:
    cells: dict[str, str] = {}
    for check in SERVER_CHECKS:
        _tell(f"{name} {check.gate_id}")
        verdict = judge_service(check, bundled.service)
        cells[check.gate_id] = _cell(kind, check.gate_id, verdict)
    return cells


def _cell(kind: str, gate_id: str, verdict: Verdict) -> str:
    if verdict.outcome.passed:
        return "stands"
    if not verdict.outcome.failed:
        return f"not judged: {verdict.reason}"
    known = KNOWN.get((kind, gate_id))
    return f"**FALSIFIED**: {verdict.reason}" if known is None else f"known: {known.sentence}"


def _faults() -> Iterator[str]:
    yield _FAULTS
    head = ("fault", "what the server does", "gate", "refuted")
    yield from _table(head, _told_once())
    yield _ALONE
    yield from _table(head, (_row(plant.fault, plant.gate_id, _alone(plant)) for plant in ALONE))
    left = ", ".join(f"`{fault}` ({FAULTS[fault]})" for fault in sorted(OF_TESTS))
    yield f"No gate is about {left}:\nthe engine that asks servers is tested with it.\n"


def _told_once() -> Iterator[tuple[str, ...]]:
    """Faults that the whole table is asked about, or that leave nothing to be asked."""
    for fault, gate_id in STARTS.items():
        yield _row(fault, gate_id, _never_up(fault, gate_id))
    yield "–", CLOSED, f"`{CLOSED_PORT}`", _yes(_closed())
    for fault in SILENT:
        yield _row(fault, ANSWERED, _refuted(served(fault, timeout_ms=_HASTY_MS), ANSWERED))
    for fault, gate_id in PLANTED.items():
        yield _row(fault, gate_id, _refuted(served(fault), gate_id))


def _never_up(fault: str, gate_id: str) -> bool:
    return _refuted(process(fault, ready_timeout_ms=10_000), gate_id)


def _closed() -> bool:
    server = StandinServer()
    server.standin.stop()  # nothing says that it died
    with served() as service:
        service.server = lambda: server
        return judge_service(CLOSED_PORT, service).outcome.failed


def _alone(plant: Plant) -> bool:
    """Real processes where the fault is a process's."""
    if plant == RAW_STREAM:
        return _refuted(served(plant.fault), plant.gate_id, alone=True)
    real = plant in (*ENDS, *GROWTH)
    return _refuted(process(plant.fault) if real else planted(plant), plant.gate_id, alone=True)


def _refuted(serving: AbstractContextManager[Service], gate_id: str, *, alone: bool = False) -> bool:
    with serving as service:
        return judge_service(gate_id, service, alone=alone).outcome.failed


def _row(fault: str, gate_id: str, refuted: bool) -> tuple[str, ...]:
    _tell(f"{fault} {gate_id}")
    return f"`{fault}`", FAULTS[fault], f"`{gate_id}`", _yes(refuted)


def _yes(refuted: bool) -> str:
    return "yes" if refuted else "**no**"


def _soaks() -> Iterator[str]:
    numbers: dict[str, Mapping[str, str]] = {}
    violations: dict[str, str] = {}
    for name in SERVERS:
        _tell(f"soak {name}")
        soaked = soak_bundled(name)
        numbers[name], violations[name] = rows(soaked), "; ".join(soaked.violations) or "none"
    yield _SOAK
    labels = next(iter(numbers.values()))
    yield from _table(
        ("", *SERVERS),
        [
            *((label, *(numbers[name][label] for name in SERVERS)) for label in labels),
            ("violations", *(violations[name] for name in SERVERS)),
        ],
    )


def _table(head: tuple[str, ...], lines: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'|'.join('---' for _ in head)}|"
    for line in lines:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |"
    yield ""


def _tell(line: str) -> None:
    with contextlib.suppress(BrokenPipeError):
        sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
