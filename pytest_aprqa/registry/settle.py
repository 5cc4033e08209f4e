"""The status machine: what a run makes of a model's row. Pure.

A run changes the row only when its tier may award something and it judged something. Smoke, quick and standard runs,
runs without weights and foreign evidence leave the row as it is; a run with deselected cases can refute an award but
give none. Every other run counts whatever was before: re-runs move a status in any direction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from pytest_aprqa.core import Award as TierAward
from pytest_aprqa.core import Gateway, GatewayState
from pytest_aprqa.evidence import Dialect, Evidence, Selection
from pytest_aprqa.registry.evidence_files import measured_at
from pytest_aprqa.registry.moments import text_of
from pytest_aprqa.registry.row import AWARDS, Row
from pytest_aprqa.registry.sizes import billions_of, size_of
from pytest_aprqa.scoring import Mqs, Rules, Status, blockers_of, tps_columns

NO_TIER: Final = "none"
"""``certified_tier`` of a row without an award."""


def settle(
    row: Row | None,
    evidence: Evidence,
    mqs: Mqs,
    *,
    model: str = "",
    family: str = "",
    parameters: str = "",
    now: datetime,
    provenance_verified: bool = False,
) -> Row:
    """The row after a run.

    Args:
        row: the model's row so far; None for a model that the registry does not know.
        evidence: of the run.
        mqs: its score.
        model: name of a new row; default as the evidence has it.
        family: of a new row.
        parameters: of a new row, such as ``135M``.
        now: a run cannot have ended later.
        provenance_verified: whether the provenance of everything that was tested is known.
    """
    base = row or new_row(model or evidence.playbook.model, family=family, parameters=parameters)
    status = settled_status(evidence, mqs)
    if status is None:
        return base
    return replace(
        measured_row(base, evidence, mqs, now=now),
        status=status.value,
        certified_tier=str(evidence.playbook.tier) if status.value in AWARDS else NO_TIER,
        provenance_verified=provenance_verified,
    )


def settled_status(evidence: Evidence, mqs: Mqs) -> Status | None:
    """The status that a run gives a row; None when it leaves the row as it is."""
    awards = Rules(evidence.playbook.tier).award is not TierAward.NONE
    if evidence.dialect is not Dialect.APRQA or not awards or mqs.total == 0:
        return None
    if blockers_of(mqs):
        return Status.BLOCKED
    return None if evidence.run.selection is Selection.PARTIAL else mqs.status


def measured_row(row: Row, evidence: Evidence, mqs: Mqs, *, now: datetime) -> Row:
    """The row with the numbers of a run: score, grade, gateways, speeds and when; no award."""
    return replace(
        row,
        status=mqs.status.value,
        mqs_score=mqs.mqs,
        grade=mqs.cert_grade,
        certified_tier=NO_TIER,
        last_certified=text_of(min(measured_at(evidence) or now, now)),
        gates=gates_of(mqs.gateways),
        tps=tps_columns(evidence.records),
        provenance_verified=False,
    )


def gates_of(gateways: Mapping[Gateway, GatewayState]) -> dict[str, bool]:
    """The columns ``g1`` to ``g4``: true only for a gateway that passed.

    >>> gates_of({Gateway.G0: GatewayState.FAILED, Gateway.G1: GatewayState.PASSED})
    {'g1': True, 'g2': False, 'g3': False, 'g4': False}
    """
    return {
        gateway.value.lower(): gateways.get(gateway) is GatewayState.PASSED
        for gateway in Gateway
        if gateway is not Gateway.G0
    }


def new_row(model: str, *, family: str = "", parameters: str = "") -> Row:
    """A model that was never measured; its size word is empty where the count is not readable."""
    size = size_of(parameters) if billions_of(parameters) is not None else ""
    return Row(model, family, parameters, size)
