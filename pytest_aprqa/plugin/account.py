"""The books of one playbook in one run: its journal while it runs, its evidence and score at the end.

Knows nothing of pytest; what it is given has already crossed from the workers as plain JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pytest_aprqa.core import Json
from pytest_aprqa.evidence import (
    JOURNAL_NAME,
    EngineInfo,
    Evidence,
    HostInfo,
    Journal,
    JournalHeader,
    PlaybookInfo,
    Record,
    Resumable,
    RunInfo,
    Selection,
    WeightsInfo,
    distinct_prompts,
    keep_complete,
    write_evidence,
)
from pytest_aprqa.reports import CellTally, render_step_summary
from pytest_aprqa.scoring import Mqs, Rules, score, score_upstream
from pytest_aprqa.suite import ENGINE, WEIGHTS

SUMMARY_NAME = "summary.md"
"""File name of the summary in the output folder."""


@dataclass(slots=True)
class Account:
    """Grows with every message of a worker; `close` it once."""

    folder: Path
    """Where everything about the playbook's model is written."""
    run: RunInfo
    host: HostInfo
    info: PlaybookInfo
    resumable: Resumable
    cell_sizes: Mapping[str, int]
    """Cell id → how many of its cases are in the run."""
    switched_off: Sequence[str] = ()
    """Why the run cannot certify, one sentence for each gateway that the playbook switches off."""
    records: list[Record] = field(default_factory=list)
    engines: list[EngineInfo] = field(default_factory=list)
    weights: list[WeightsInfo] = field(default_factory=list)
    cells: dict[str, CellTally] = field(default_factory=dict)
    _known: set[tuple[int, str]] = field(default_factory=set)
    _announced: set[str] = field(default_factory=set)
    _journal: Journal | None = None

    def receive(
        self, records: Sequence[Record], facts: Sequence[Mapping[str, Json]], *, answered: Iterable[Record] = ()
    ) -> None:
        """Writes down what a worker reports.

        Args:
            records: what was judged.
            facts: what was learned of weights and engines.
            answered: what was answered and will be judged later, if nothing ends the run before.

        Raises:
            EvidenceError: the journal cannot be written.
        """
        for fact in facts:
            self._learn(fact)
        for record in records:
            if not self._is_new(record):
                continue
            self._open_journal().append(record)
            self.records.append(record)
            if record.cell_id is not None:
                self.cells[record.cell_id] = self.cells.get(record.cell_id, CellTally(record.cell_id)).plus(record)
        for record in answered:
            self._open_journal().carry(record)

    def _is_new(self, record: Record) -> bool:
        """False for what a worker that took over from a dead one had to judge again."""
        key = (record.index, record.gate_id)
        if key in self._known:
            return False
        self._known.add(key)
        return True

    def newly_finished(self) -> list[CellTally]:
        """Cells whose last case has come in since the last call."""
        done = [
            tally
            for cell, tally in self.cells.items()
            if cell not in self._announced and sum(tally.outcomes.values()) >= self.cell_sizes.get(cell, 0)
        ]
        self._announced.update(tally.cell_id for tally in done)
        return done

    @property
    def judged(self) -> bool:
        """Whether any case passed or failed; a gateway that passed says nothing of cases that were all skipped."""
        judged = [record for record in self.records if record.outcome.passed or record.outcome.failed]
        return any(record.modality is not None or record.outcome.failed or not self.cell_sizes for record in judged)

    @property
    def not_run(self) -> int:
        """How many of the playbook's entries left no record."""
        return self.info.planned - len({record.index for record in self.records})

    def close(self, *, finished_at: str, score_policy: str) -> tuple[Evidence, Mqs]:
        """Scores what there is; writes ``evidence.json`` and ``summary.md``.

        Raises:
            EvidenceError: it cannot be written.
        """
        reasons = [f"{self.not_run} of {self.info.planned} items were not run"] if self.not_run else []
        reasons += self.switched_off
        selection = Selection.PARTIAL if reasons else Selection.COMPLETE
        run = self.run.model_copy(
            update={"finished_at": finished_at, "selection": selection, "selection_reason": "; ".join(reasons)}
        )
        mqs = score(self.records, Rules(tier=self.info.tier, partial_selection=bool(reasons)))
        scored = mqs.to_json()
        if score_policy == "upstream":
            scored["upstream"] = score_upstream(self.records).to_json()
        evidence = Evidence(
            run=run,
            host=self.host,
            playbook=self.info,
            engines=tuple(self.engines),
            weights=tuple(self.weights),
            distinct_prompts=distinct_prompts(self.records),
            records=tuple(self.records),
            mqs=scored,
        )
        self._open_journal().close()
        if selection is Selection.PARTIAL:
            keep_complete(self.folder)
        write_evidence(self.folder, evidence)
        (self.folder / SUMMARY_NAME).write_text(render_step_summary(evidence, mqs), encoding="utf-8")
        return evidence, mqs

    def _learn(self, fact: Mapping[str, Json]) -> None:
        for kind, value in fact.items():
            if kind == WEIGHTS:
                self.weights.append(WeightsInfo.from_json(value))
            elif kind == ENGINE:
                self.engines.append(EngineInfo.from_json(value))

    def _open_journal(self) -> Journal:
        if self._journal is None:
            header = JournalHeader(run=self.run, host=self.host, playbook=self.info)
            carried = tuple(self.resumable.by_key.values())
            self._journal = Journal.start(self.folder / JOURNAL_NAME, header, carried=carried)
        return self._journal
