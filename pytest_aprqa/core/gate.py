"""The one table of gates: id → gateway, category, severity, title.

No other place knows these facts; ids are never parsed for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pytest_aprqa.core.target import Backend, Modality


class Gateway(StrEnum):
    """The five gateways; one that fails makes the score zero."""

    G0 = "G0"
    G1 = "G1"
    G2 = "G2"
    G3 = "G3"
    G4 = "G4"

    @property
    def word(self) -> str:
        """One word, such as ``integrity``."""
        return _GATEWAY_WORDS[self]


_GATEWAY_WORDS: Final = {
    Gateway.G0: "integrity",
    Gateway.G1: "load",
    Gateway.G2: "inference",
    Gateway.G3: "stability",
    Gateway.G4: "quality",
}


class GatewayState(StrEnum):
    """Unknown is a value: a gateway without evidence is not passed."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Category(StrEnum):
    """Score categories."""

    QUAL = "QUAL"
    PERF = "PERF"
    STAB = "STAB"
    COMP = "COMP"
    EDGE = "EDGE"
    REGR = "REGR"


class Severity(StrEnum):
    """P0 stops the line."""

    P0 = "P0"
    P1 = "P1"
    P2 = "P2"


@dataclass(frozen=True, slots=True)
class Gate:
    """A named check."""

    id: str
    category: Category
    severity: Severity
    title: str
    """The hypothesis, as a sentence that can be refuted."""
    gateway: Gateway | None = None
    """The gateway that fails with this gate, if any."""


def _gateway_gate(id: str, gateway: Gateway, title: str) -> Gate:
    return Gate(id, Category.STAB, Severity.P0, title, gateway)


_ALL: Final = (
    _gateway_gate("G0-INTEGRITY-CONFIG", Gateway.G0, "config.json is there, parses and names a known architecture"),
    _gateway_gate("G0-INTEGRITY-SHARDS", Gateway.G0, "every weight file is there, well formed and inside its bounds"),
    _gateway_gate("G0-INTEGRITY-LAYERS", Gateway.G0, "the layers in the tensor names are those of config.json"),
    _gateway_gate("G0-INTEGRITY-HIDDEN", Gateway.G0, "the embedding's width is config.json's hidden_size"),
    _gateway_gate("G0-INTEGRITY-VOCAB", Gateway.G0, "the embedding's height is config.json's vocab_size"),
    _gateway_gate("G0-INTEGRITY-DTYPE", Gateway.G0, "the weights have floating-point types, as config.json says"),
    _gateway_gate(
        "G0-INTEGRITY-TIED", Gateway.G0, "the output head is there, or tied to the embedding as config.json says"
    ),
    _gateway_gate(
        "G0-INTEGRITY-TOKENIZER", Gateway.G0, "the tokenizer's files are there and its ids fit the vocabulary"
    ),
    _gateway_gate("G0-TENSOR-001", Gateway.G0, "names and shapes of all tensors are those of the architecture"),
    _gateway_gate("G0-VALIDATE-001", Gateway.G0, "no weight is NaN or infinite and no matrix is all zero"),
    _gateway_gate("G1-LOAD", Gateway.G1, "the engine loads the model"),
    _gateway_gate("G2-INFER", Gateway.G2, "the model answers a simple prompt with at least one printable token"),
    _gateway_gate("G3-STABLE", Gateway.G3, "no well-formed request crashes the engine"),
    _gateway_gate("G4-QUALITY", Gateway.G4, "at most a quarter of the generated texts is garbage"),
    Gate("F-A1-001", Category.QUAL, Severity.P1, "run on cpu gives the expected answer"),
    Gate("F-A2-001", Category.QUAL, Severity.P1, "run on gpu gives the expected answer"),
    Gate("F-A3-001", Category.QUAL, Severity.P1, "chat on cpu gives the expected answer"),
    Gate("F-A4-001", Category.QUAL, Severity.P1, "chat on gpu gives the expected answer"),
    Gate("F-A5-001", Category.QUAL, Severity.P1, "serve on cpu gives the expected answer"),
    Gate("F-A6-001", Category.QUAL, Severity.P1, "serve on gpu gives the expected answer"),
    Gate("F-EDGE-001", Category.EDGE, Severity.P2, "a hostile prompt neither crashes nor hangs the engine"),
)

GATES: Final = {gate.id: gate for gate in _ALL}
"""Every gate by its id."""

_SCENARIO_GATES: Final = {
    (Modality.RUN, Backend.CPU): "F-A1-001",
    (Modality.RUN, Backend.GPU): "F-A2-001",
    (Modality.CHAT, Backend.CPU): "F-A3-001",
    (Modality.CHAT, Backend.GPU): "F-A4-001",
    (Modality.SERVE, Backend.CPU): "F-A5-001",
    (Modality.SERVE, Backend.GPU): "F-A6-001",
}

EDGE_GATE: Final = GATES["F-EDGE-001"]
"""The gate of scenarios whose category is ``edge``, in every cell."""


def scenario_gate(modality: Modality, backend: Backend) -> Gate:
    """The gate under which an ordinary scenario of a cell is filed.

    >>> scenario_gate(Modality.CHAT, Backend.CPU).id
    'F-A3-001'
    """
    return GATES[_SCENARIO_GATES[modality, backend]]
