"""docs/serving.md says what the code says; what it says of servers is held by the tests of the gates."""

from __future__ import annotations

from collections import Counter

import pytest

from pytest_aprqa.core import GATES
from pytest_aprqa.gates.server.known import KNOWN, LLAMA_CPP, TRANSFORMERS
from pytest_aprqa.gates.server.table import SERVER_CHECKS
from pytest_aprqa.gates.server.ties import COARSE, FLOAT, HALF
from tests.gates.server.planted import ALONE, ANSWERED, CLOSED_PORT, OF_TESTS, PLANTED, SILENT, STARTS
from tests.serving import table
from tests.serving.bundled import BUNDLED
from tests.serving.soak import SERVERS
from tests.serving.standin_faults import FAULTS

TEXT = table.PAGE.read_text(encoding="utf-8") if table.PAGE.exists() else ""
KINDS = (LLAMA_CPP, TRANSFORMERS, TRANSFORMERS)
"""Of `BUNDLED`, in its order."""


def cells(title: str) -> list[list[str]]:
    """The rows of the table below a title, its head first."""
    section = TEXT.partition(f"# {title}\n")[2].partition("\n#")[0]
    lines = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line] for line in lines]


def test_every_gate_on_servers_has_its_row() -> None:
    head, *lines = cells(table.SERVERS_TITLE)
    assert head[3:] == list(BUNDLED)
    gates = [GATES[check.gate_id] for check in SERVER_CHECKS]
    assert [line[:3] for line in lines] == [[f"`{gate.id}`", gate.severity.value, gate.title] for gate in gates]


@pytest.mark.parametrize("place", range(len(BUNDLED)), ids=list(BUNDLED))
def test_a_bundled_server_is_excused_where_its_deviation_is_known_and_nowhere_else(place: int) -> None:
    said = {line[0].strip("`"): line[3 + place] for line in cells(table.SERVERS_TITLE)[1:]}
    deviations = {gate_id: known.sentence for (kind, gate_id), known in KNOWN.items() if kind == KINDS[place]}
    excused = {gate_id: cell for gate_id, cell in said.items() if not cell.startswith(("stands", "not judged: "))}
    assert excused == {gate_id: f"known: {sentence}" for gate_id, sentence in deviations.items()}
    assert [gate_id for gate_id, cell in said.items() if cell.startswith("not judged: ")] == ["F-HTTP-003"]


def test_the_limits_of_near_ties_are_those_of_the_gates() -> None:
    limits = [float(line[1].partition(" nat")[0]) for line in cells(table.TIES_TITLE)[1:]]
    assert limits == [FLOAT, HALF, COARSE, COARSE, COARSE]


def test_the_versions_that_deviations_were_seen_with_are_those_of_the_page() -> None:
    assert not [known.seen_with for known in KNOWN.values() if known.seen_with not in TEXT]


def test_every_planted_fault_has_its_row_and_was_refuted() -> None:
    named = {**STARTS, **dict.fromkeys(SILENT, ANSWERED), **PLANTED}
    expected = Counter((f"`{fault}`", FAULTS[fault], f"`{gate_id}`", "yes") for fault, gate_id in named.items())
    expected["–", table.CLOSED, f"`{CLOSED_PORT}`", "yes"] += 1
    assert Counter(tuple(line) for line in cells(table.FAULTS_TITLE)[1:]) == expected


def test_every_fault_that_is_judged_alone_has_its_row_and_was_refuted() -> None:
    assert cells(table.ALONE_TITLE)[1:] == [
        [f"`{plant.fault}`", FAULTS[plant.fault], f"`{plant.gate_id}`", "yes"] for plant in ALONE
    ]
    assert not [fault for fault in OF_TESTS if f"`{fault}` ({FAULTS[fault]})" not in TEXT]


def test_the_soak_found_nothing() -> None:
    lines = {label: numbers for label, *numbers in cells(table.SOAK_TITLE)}
    assert lines[""] == list(SERVERS)
    assert all(number.startswith("50, ") for number in lines["clients, seconds"])
    assert set(lines["mixed; wrong; errors"]) == {"0; 0; 0"}
    assert set(lines["orphans"]) == {"0"}
    assert set(lines["violations"]) == {"none"}


def test_the_page_names_no_place_of_its_making() -> None:
    assert "python -m tests.serving.table" in TEXT
    assert not [word for word in ("/root", "/tmp", "/work") if word in TEXT]
