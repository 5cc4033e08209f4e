"""Folds records into gateway states: first per target, then for the model.

Unknown is a value: a gateway without evidence is not passed. Knows nothing of points.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from pytest_aprqa.core import MAX_GARBAGE, Category, Gateway, GatewayState, Outcome
from pytest_aprqa.evidence import GARBAGE, Record
from pytest_aprqa.scoring.gate_ids import category_of, gateway_of

_NO_TARGET: Final = "unknown"

_BEFORE_REQUESTS: Final = (Gateway.G0, Gateway.G1)
"""What dies here died before any request was made; it fails its own gateway and not G3."""


def fold(records: Iterable[Record]) -> dict[Gateway, GatewayState]:
    """State of each gateway for the model: failed if it failed for any target, passed if for all tested ones."""
    return fold_targets(fold_by_target(records))


def fold_by_target(records: Iterable[Record]) -> dict[str, dict[Gateway, GatewayState]]:
    """State of each gateway for each target that was tested; one whose records are all skipped is left out."""
    by_target: dict[str, list[Record]] = {}
    for record in records:
        by_target.setdefault(record.target_id or _NO_TARGET, []).append(record)
    return {
        target: {gateway: _state(gateway, own) for gateway in Gateway}
        for target, own in sorted(by_target.items())
        if any(record.outcome is not Outcome.SKIPPED for record in own)
    }


def fold_targets(by_target: Mapping[str, Mapping[Gateway, GatewayState]]) -> dict[Gateway, GatewayState]:
    """State of each gateway for the model, from its states for the tested targets."""
    return {gateway: _worst([states[gateway] for states in by_target.values()]) for gateway in Gateway}


def _state(gateway: Gateway, records: Sequence[Record]) -> GatewayState:
    own = [record.outcome for record in records if gateway_of(record.gate_id) is gateway]
    if any(outcome.failed for outcome in own) or _fails_by_others(gateway, records):
        return GatewayState.FAILED
    # A check that ran and could not judge leaves the gateway open, whatever its other checks say.
    if Outcome.INCONCLUSIVE in own or Outcome.CORROBORATED not in own:
        return GatewayState.UNKNOWN
    return GatewayState.PASSED


def _fails_by_others(gateway: Gateway, records: Sequence[Record]) -> bool:
    match gateway:
        case Gateway.G3:
            return any(_crashed_on_well_formed(record) for record in records)
        case Gateway.G4:
            return _mostly_garbage(records)
        case _:
            return False


def _crashed_on_well_formed(record: Record) -> bool:
    return (
        record.outcome is Outcome.CRASHED
        and category_of(record.gate_id) is not Category.EDGE
        and gateway_of(record.gate_id) not in _BEFORE_REQUESTS
    )


def _mostly_garbage(records: Sequence[Record]) -> bool:
    judged = [record for record in records if record.generated and GARBAGE in record.details]
    return sum(record.garbage for record in judged) > MAX_GARBAGE * len(judged)


def _worst(states: Sequence[GatewayState]) -> GatewayState:
    if GatewayState.FAILED in states:
        return GatewayState.FAILED
    if not states or GatewayState.UNKNOWN in states:
        return GatewayState.UNKNOWN
    return GatewayState.PASSED
