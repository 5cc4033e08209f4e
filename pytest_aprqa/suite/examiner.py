"""Puts gateways and cases to the test and keeps a record of each; what cannot be tested is skipped, saying why.

A gateway is judged once for each target, by whichever item needs it first: that item fails if the gateway does, and
every later one is skipped naming it. This is the one place where outcomes become pytest's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pytest_aprqa.core import EDGE_GATE, GATES, Case, Falsified, Gateway, Json, Modality, Outcome, Target
from pytest_aprqa.engines import Engine, Result
from pytest_aprqa.evidence import Record, record_of_case, record_of_gate
from pytest_aprqa.gates import SERVER_START, Check, Observation, judge_service
from pytest_aprqa.playbook import FailurePolicy, Playbook
from pytest_aprqa.suite.agenda import AFTER, BEFORE, Entry
from pytest_aprqa.suite.bench import Bench, needs_conversation
from pytest_aprqa.suite.gateways import Bearer, examine
from pytest_aprqa.suite.outcomes import outcome_of_result
from pytest_aprqa.suite.plan import Plan, is_on
from pytest_aprqa.suite.policy import Latch, stops_line
from pytest_aprqa.suite.records import record_of_check
from pytest_aprqa.suite.subjects import Subjects


@dataclass(slots=True)
class Trial:
    """One item on its way through the suite, and what it leaves behind."""

    plan: Plan
    entry: Entry
    orders: Mapping[tuple[Target, Gateway], int]
    """Order number of each target's gateway entries, for records that another item makes in their place."""
    ahead: Callable[[], Mapping[str, int]] = dict
    """Order numbers of the cases of the same cell that this process will run too, by their ids."""
    records: list[Record] = field(default_factory=list)
    answered: list[Record] = field(default_factory=list)
    """Of later cases, which were answered together with this one and are not judged yet."""
    facts: list[dict[str, Json]] = field(default_factory=list)
    """What was learned on the way about weights and engines, as plain JSON."""


@dataclass(slots=True)
class Examiner:
    """Tests what the items ask for; one for each process."""

    bench: Bench
    latch: Latch
    policy: FailurePolicy | None = None
    """The user's policy; None leaves it to each playbook."""
    subjects: Subjects = field(kw_only=True)
    """What checks are judged on."""
    together: bool = True
    """Whether all cases of a target run in this process, so that its G3 and G4 can be judged here."""
    _shut: dict[tuple[Path, Target, Gateway], str | None] = field(default_factory=dict)
    _observed: dict[tuple[Path, Target], list[Observation]] = field(default_factory=dict)

    def close(self) -> None:
        """Ends engines, removes what was made on the way."""
        self.subjects.close()
        self.bench.close()

    def admit(self, trial: Trial) -> None:
        """Skips the item where it cannot run, or where a failure has ended its model's cases."""
        if trial.entry.skip:
            pytest.skip(trial.entry.skip)
        reason = self.latch.reason(trial.plan.playbook.model.hf_repo)
        judges_what_was_seen = trial.entry.subject in (Gateway.G3, Gateway.G4) and bool(self._seen(trial))
        if reason and not judges_what_was_seen:
            pytest.skip(reason)

    def enter(self, trial: Trial, gateway: Gateway) -> None:
        """Goes through a gateway of the trial's target: judges it if nobody has, stops here if it is shut.

        Raises:
            Falsified: this item found that the gateway fails.
        """
        key = (trial.plan.playbook.path, trial.entry.target, gateway)
        if key in self._shut:
            if reason := self._shut[key]:
                pytest.skip(reason)
            return
        if gateway in AFTER and not self._seen(trial):
            self._skip_where_shut(trial)
        records = self._judge(trial, gateway)
        trial.records.extend(records)
        switched_on = is_on(trial.plan.playbook, gateway)
        self._shut[key] = _shutting_reason(gateway, records) if switched_on else None
        if switched_on:
            self._stop_line(trial, records)
        if gateway is trial.entry.subject or self._shut[key]:
            settle(records)

    def ask(self, trial: Trial, case: Case) -> None:
        """Asks the engine, judges the answer, keeps the record.

        Raises:
            Falsified: the case failed.
        """
        record = self._asked(trial, case)
        trial.records.append(record)
        self._seen(trial).append(
            Observation(
                case_id=case.id,
                outcome=record.outcome,
                hostile=case.gate is EDGE_GATE,
                has_text=record.generated and case.gate is not EDGE_GATE,
                garbage=record.garbage,
            )
        )
        self._stop_line(trial, [record])
        settle([record])

    def check(self, trial: Trial, check: Check[Any]) -> None:
        """Judges a check of the target, keeps the record.

        Raises:
            Falsified: the check is refuted.
        """
        started_at, started = datetime.now(UTC), time.monotonic()
        plan, entry = trial.plan, trial.entry
        seen = self.subjects.judge(check, plan.playbook, entry.target)
        trial.facts.extend(self.subjects.servers.take_facts())
        seen["started_at"] = started_at.isoformat(timespec="milliseconds")
        seen["duration_ms"] = (time.monotonic() - started) * 1000
        record = record_of_check(check, entry, playbook=plan.playbook.name, **seen)
        trial.records.append(record)
        self._stop_line(trial, [record])
        settle([record])

    def need_server(self, trial: Trial) -> None:
        """Skips the item where the target's server does not start."""
        service = self.subjects.servers.service(trial.plan.playbook, trial.entry.target)
        verdict = judge_service(SERVER_START, service)
        trial.facts.extend(self.subjects.servers.take_facts())
        if verdict.outcome is not Outcome.CORROBORATED:
            pytest.skip(f"{SERVER_START} {verdict.outcome}: {verdict.reason}".partition("\n")[0])

    def _skip_where_shut(self, trial: Trial) -> None:
        """A gateway that nothing could be seen for is skipped with what kept the cases from running."""
        for earlier in BEFORE:
            if reason := self._shut.get((trial.plan.playbook.path, trial.entry.target, earlier)):
                pytest.skip(reason)

    def _judge(self, trial: Trial, gateway: Gateway) -> list[Record]:
        plan, target = trial.plan, trial.entry.target
        order = trial.orders[target, gateway]
        examined = examine(gateway, Bearer(self.bench, plan.playbook, target, self._seen(trial), self.together))
        trial.facts.extend(examined.facts)
        return [
            record_of_gate(gate, target, playbook=plan.playbook.name, index=order, **seen)
            for gate, seen in examined.seen
        ]

    def _asked(self, trial: Trial, case: Case) -> Record:
        started_at, started = datetime.now(UTC), time.monotonic()
        bench, playbook = self.bench, trial.plan.playbook
        engine = self._engine_for(playbook, case)
        if needs_conversation(case) and not engine.facts.chat_template:
            pytest.skip("the model has no chat template")
        earlier = bench.earlier(playbook, case, engine)
        seen = outcome_of_result(playbook, case, earlier or self._answer(trial, case, engine))
        seen["content_key"] = bench.key_of(playbook, case, engine)
        seen["started_at"] = started_at.isoformat(timespec="milliseconds")
        seen["duration_ms"] = (time.monotonic() - started) * 1000
        seen["resumed"] = earlier is not None
        return record_of_case(case, playbook=playbook.name, index=trial.entry.order, **seen)

    def _answer(self, trial: Trial, case: Case, engine: Engine) -> Result:
        """What the engine says; what it said to others beside it is kept, lest a kill lose it."""
        ahead, playbook = trial.ahead(), trial.plan.playbook
        reply = self.bench.answer(trial.plan, case, engine, ahead=ahead)
        for other, completion in reply.beside:
            trial.answered.append(
                record_of_case(
                    other,
                    playbook=playbook.name,
                    index=ahead[other.id],
                    outcome=Outcome.INCONCLUSIVE,
                    reason="answered, and not judged yet",
                    completion=completion,
                    content_key=self.bench.key_of(playbook, other, engine),
                )
            )
        return reply.result

    def _engine_for(self, playbook: Playbook, case: Case) -> Engine:
        if case.cell.modality is Modality.SERVE:
            return self.subjects.servers.engine(playbook, case.cell.target)
        return self.bench.engine(playbook, case.cell.target)

    def _stop_line(self, trial: Trial, records: Iterable[Record]) -> None:
        playbook = trial.plan.playbook
        policy = self.policy or playbook.failure_policy
        for record in records:
            if stops_line(policy, record.outcome, record.gate_id):
                self.latch.close(policy, playbook.model.hf_repo, _stopping_reason(policy, record))

    def _seen(self, trial: Trial) -> list[Observation]:
        return self._observed.setdefault((trial.plan.playbook.path, trial.entry.target), [])


def settle(records: Sequence[Record]) -> None:
    """Turns outcomes into pytest's: the worst one decides.

    Raises:
        Falsified: one of them failed.
    """
    failed = [record for record in records if record.outcome.failed]
    if failed:
        raise Falsified("\n".join(f"{record.outcome} {record.gate_id}: {record.reason}" for record in failed))
    for outcome in (Outcome.SKIPPED, Outcome.INCONCLUSIVE):
        reasons = [record.reason for record in records if record.outcome is outcome]
        if reasons:
            prefix = "inconclusive: " if outcome is Outcome.INCONCLUSIVE else ""
            pytest.skip(f"{prefix}{'; '.join(reasons)}")


def _shutting_reason(gateway: Gateway, records: Sequence[Record]) -> str | None:
    """What later items are skipped with, in one line; an inconclusive gate leaves the gateway open, and unknown."""
    for record in records:
        if record.outcome.failed:
            return f"{gateway} failed: {record.reason}"
        if record.outcome is Outcome.SKIPPED:
            return record.reason.partition("\n")[0]
    return None


def _stopping_reason(policy: FailurePolicy, record: Record) -> str:
    if record.modality is None:
        gateway = GATES[record.gate_id].gateway
        return f"{gateway or record.gate_id} failed: {record.reason}"
    if record.outcome is Outcome.CRASHED:
        return f"G3 failed: {record.case_id} crashed the engine"
    return f"stopped by {policy}: {record.case_id} {record.outcome}"
