"""What a gate id means to the score: its category, its gateway and its severity.

The gate table of the core room knows; for ids that are not in it, which only foreign evidence has, the substring rules
of the published scorer give the category, and a first token of G0-G4 the gateway.
"""

from __future__ import annotations

from typing import Final

from pytest_aprqa.core import GATES, Category, Gateway, Severity

FLOOR_GATE: Final = "F-PROFILE-CI-001"
"""Holds decoding against the playbook's floor."""

_REGR_PREFIXES: Final = ("F-CONV-RT", "F-CONV-IDEM", "F-CONV-COM")
_COMP_PREFIXES: Final = ("F-CONV", "F-CONTRACT")


def category_of(gate_id: str) -> Category:
    """Score category of a gate.

    >>> category_of("F-EDGE-001").value, category_of("F-CONV-RT-002").value
    ('EDGE', 'REGR')
    """
    gate = GATES.get(gate_id)
    return category_by_rule(gate_id) if gate is None else gate.category


def gateway_of(gate_id: str) -> Gateway | None:
    """The gateway that fails with a gate, if any.

    >>> gateway_of("G0-PULL-001"), gateway_of("F-G1-001"), gateway_of("G10-X")
    (<Gateway.G0: 'G0'>, None, None)
    """
    gate = GATES.get(gate_id)
    if gate is not None:
        return gate.gateway
    token = gate_id.split("-", 1)[0]
    return Gateway(token) if token in set(Gateway) else None


def severity_of_gate(gate_id: str) -> Severity:
    """Severity of a gate; of one that only foreign evidence has, P0 where it is a gateway, else P1.

    >>> severity_of_gate("F-LAYOUT-002").value, severity_of_gate("G2-BASIC").value, severity_of_gate("F-X").value
    ('P0', 'P0', 'P1')
    """
    gate = GATES.get(gate_id)
    if gate is not None:
        return gate.severity
    return Severity.P1 if gateway_of(gate_id) is None else Severity.P0


def category_by_rule(gate_id: str) -> Category:
    """Category of a gate id as the published scorer reads it; the first rule that fits.

    >>> [category_by_rule(id).value for id in ("F-CONV-G-A", "G0-PULL-001", "f-perf-1", "G2-BASIC", "UNKNOWN")]
    ['COMP', 'STAB', 'PERF', 'QUAL', 'QUAL']
    """
    if gate_id.startswith(_REGR_PREFIXES):
        return Category.REGR
    if gate_id.startswith(_COMP_PREFIXES):
        return Category.COMP
    if gate_id.startswith("G0-"):
        return Category.STAB
    tokens = gate_id.split("-")
    word = tokens[1].upper() if len(tokens) > 1 else ""
    return Category(word) if word in set(Category) else Category.QUAL
