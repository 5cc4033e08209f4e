"""Composite: several oracles as one, of which all or any must hold.

With ``all`` the first falsified child decides, then the first that could not judge; with ``any`` one corroborated
child is enough, and the composite is falsified only when every child is. Children are looked up by whoever owns the
table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pytest_aprqa.core import Json, OracleSpec, Outcome, Verdict, corroborated, falsified, inconclusive
from pytest_aprqa.oracles.kind import Config

KEYS: Final = frozenset({"mode", "oracles"})
_CHILD_KEYS: Final = {"type", "config"}


@dataclass(frozen=True, slots=True)
class Parts:
    """What a playbook sets."""

    mode: str
    """``all`` or ``any``."""
    children: tuple[OracleSpec, ...]


def read_parts(config: Config) -> Parts:
    """The mode and the children; ValueError for a composite of nothing."""
    mode, children = config.get("mode", "all"), config.get("oracles")
    if mode not in ("all", "any"):
        raise ValueError(f"mode: expected 'all' or 'any', found {mode!r}")
    if not isinstance(children, list) or not children:
        raise ValueError(f"oracles: expected a list of at least one oracle, found {children!r}")
    return Parts(str(mode), tuple(_child(child) for child in children))


def _child(entry: Json) -> OracleSpec:
    """A child's ``config`` may be nested, or its keys may stand beside ``type``."""
    if isinstance(entry, str):
        return OracleSpec(entry)
    if not isinstance(entry, dict) or not isinstance(entry.get("type"), str):
        raise ValueError(f"oracles: expected entries with a type, found {entry!r}")
    nested = entry.get("config")
    if nested is not None and not isinstance(nested, dict):
        raise ValueError(f"oracles: expected config to be a mapping, found {nested!r}")
    beside: Mapping[str, Json] = {key: value for key, value in entry.items() if key not in _CHILD_KEYS}
    return OracleSpec(str(entry["type"]), {**beside, **(nested or {})})


def combine(mode: str, names: Sequence[str], verdicts: Sequence[Verdict]) -> Verdict:
    """One verdict of many."""
    named = list(zip(names, verdicts, strict=True))
    held = [f"{name}: {verdict.reason}" for name, verdict in named if verdict.outcome is Outcome.CORROBORATED]
    refuted = [f"{name}: {verdict.reason}" for name, verdict in named if verdict.outcome is Outcome.FALSIFIED]
    unknown = [f"{name}: {verdict.reason}" for name, verdict in named if verdict.outcome is Outcome.INCONCLUSIVE]
    compared = sum(verdict.compared for verdict in verdicts)
    details = {name: dict(verdict.details) for name, verdict in named}
    if mode == "any" and held:
        return corroborated(held[0], compared=compared, **details)
    if refuted and (mode == "all" or not unknown):
        return falsified("; ".join(refuted), compared=max(compared, 1), **details)
    if unknown:
        return inconclusive("; ".join(unknown), **details)
    return corroborated("; ".join(held), compared=compared, **details)
