"""What was not judged because of what failed: each such record finds the failure that it waits for. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from pytest_aprqa.evidence import Record
from pytest_aprqa.scoring import gateway_of

_FAILED: Final = re.compile(r"(G[0-4]|F-[A-Za-z0-9-]{1,60}) (?:failed|falsified|timeout|crashed): ", re.ASCII)
_STOPPED: Final = re.compile(r"stopped by [a-z0-9-]{1,40}: ", re.ASCII)


class Roots:
    """Failures, found by what later records say of them."""

    def __init__(self, failed: Sequence[Record]) -> None:
        self._by_gate: dict[tuple[str | None, str], Record] = {}
        self._by_gateway: dict[tuple[str | None, str], Record] = {}
        self._by_reason: dict[str, Record] = {}
        self._by_case: dict[str, Record] = {}
        for record in failed:
            gateway = gateway_of(record.gate_id)
            self._by_gate.setdefault((record.target_id, record.gate_id), record)
            self._by_reason.setdefault(record.reason, record)
            self._by_case.setdefault(record.case_id, record)
            if gateway is not None:
                self._by_gateway.setdefault((record.target_id, gateway.value), record)

    def root_of(self, record: Record) -> Record | None:
        """The failure for which a record was not judged; None where it names none."""
        if record.outcome.passed or record.outcome.failed:
            return None
        ground = record.details.get("not_checked")
        if isinstance(ground, str):
            return self._by_gate.get((record.target_id, ground))
        if stopped := _STOPPED.match(record.reason):
            return self._case_named(record.reason[stopped.end() :])
        if failed := _FAILED.match(record.reason):
            word, rest = failed[1], record.reason[failed.end() :]
            return (
                self._by_reason.get(rest)
                or self._case_named(rest)
                or self._by_gateway.get((record.target_id, word))
                or self._by_gate.get((record.target_id, word))
            )
        return None

    def _case_named(self, text: str) -> Record | None:
        """The failure whose case a text begins with."""
        return self._by_case.get(text) or self._by_case.get(text.partition(" ")[0].rstrip(":"))


def dependents_of(records: Iterable[Record], failed: Sequence[Record]) -> list[tuple[Record, Record]]:
    """Each record that was not judged because of a failure, with that failure."""
    roots = Roots(failed)
    found = ((record, roots.root_of(record)) for record in records)
    return [(record, root) for record, root in found if root is not None]
