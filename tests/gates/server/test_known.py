"""What the table of known deviations says; `tests.serving.test_bundled` holds it against the servers themselves."""

from __future__ import annotations

from pytest_aprqa.core import GATES
from pytest_aprqa.gates.server.known import KNOWN, LLAMA_CPP, TRANSFORMERS, known_deviation

KINDS = (LLAMA_CPP, TRANSFORMERS)


def test_known_deviations_are_of_gates_on_servers_and_name_their_version() -> None:
    assert {gate_id for _, gate_id in KNOWN} <= set(GATES)
    assert {kind for kind, _ in KNOWN} == set(KINDS)
    for known in KNOWN.values():
        assert known.sentence
        assert any(character.isdigit() for character in known.seen_with)


def test_a_deviation_is_known_of_bundled_servers_only() -> None:
    assert known_deviation(TRANSFORMERS, "F-HTTP-031") == (
        "it tells no log-probabilities (seen with transformers 5.23.0)"
    )
    assert known_deviation(LLAMA_CPP, "F-HTTP-031") is None
    assert known_deviation("command", "F-HTTP-026") is None
    assert known_deviation("url", "F-HTTP-026") is None
