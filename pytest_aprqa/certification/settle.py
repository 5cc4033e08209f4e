"""After pytest: what the evidence says, in reports, in tickets and in the registry."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pytest_aprqa.certification.process import Ended
from pytest_aprqa.certification.register import Newcomer, Registered, register
from pytest_aprqa.certification.scored import Scored
from pytest_aprqa.certification.settled import Ending, Settled
from pytest_aprqa.certification.tickets_written import write_tickets
from pytest_aprqa.certification.write_reports import (
    ALL_FORMS,
    ReportForm,
    digest_of,
    refused_forms,
    remove_reports,
    write_reports,
)
from pytest_aprqa.core import EvidenceError, Outcome
from pytest_aprqa.evidence import (
    EVIDENCE_NAME,
    JOURNAL_NAME,
    Evidence,
    output_folder,
    provenance_problems,
    read_evidence,
)
from pytest_aprqa.playbook import Playbook
from pytest_aprqa.scoring import Mqs, score_evidence

_FORMS: Final = tuple(form for form in ALL_FORMS if form is not ReportForm.MQS)
"""Everything but the score alone, which the evidence holds."""
_PYTEST_CODES: Final = {
    2: "pytest was interrupted, or could not collect the playbook",
    3: "pytest met an internal error",
    4: "pytest refused its command line",
    5: "pytest collected no test",
}

_UNKNOWN: Final = Newcomer()


@dataclass(frozen=True, slots=True)
class Desk:
    """Where results go."""

    output: Path
    """Folder with a folder for each model."""
    registry: Path | None
    """The registry's file; None writes no row."""
    ticket_repo: str | None = None
    """GitHub repository for tickets; None writes none."""
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)


def run_before(desk: Desk, model: str) -> str:
    """Id of the run whose evidence lies in the model's folder; empty where there is none.

    Raises:
        EvidenceError: the folder holds evidence of another model.
    """
    path = output_folder(desk.output, model) / EVIDENCE_NAME
    return read_evidence(path).run.id if path.is_file() else ""


def settle_run(
    playbook: Playbook,
    ended: Ended,
    desk: Desk,
    *,
    before: str,
    remarks: tuple[str, ...] = (),
    newcomer: Newcomer = _UNKNOWN,
) -> Settled:
    """Reads what the run left, scores it, and writes what follows from it.

    Args:
        playbook: what was run.
        ended: how pytest ended.
        desk: where results go.
        before: id of the run whose evidence lay there before.
        remarks: what the user should know of how it was run.
        newcomer: what a new row of the registry gets.
    """
    folder = output_folder(desk.output, playbook.model.hf_repo)
    evidence = _fresh(folder, before)
    if evidence is None:
        return _without_evidence(playbook, ended, folder, remarks)
    file = folder / EVIDENCE_NAME
    run = Scored(file, digest_of(file), evidence, score_evidence(evidence), desk.clock())
    reports, refused = _report(run)
    tickets, commands = ((), ()) if desk.ticket_repo is None else write_tickets(folder, evidence, repo=desk.ticket_repo)
    unverified = tuple(provenance_problems(evidence))
    entered = _enter(run, desk, verified=not unverified, newcomer=newcomer)
    return Settled(
        playbook.model.hf_repo,
        playbook.tier,
        _ending(ended, run.mqs),
        tuple(_reasons(ended, evidence, run.mqs)),
        status=entered.status,
        mqs=run.mqs,
        playbook=playbook.path,
        pytest_code=ended.code,
        files=(file, *reports),
        tickets=tickets,
        gh_commands=commands,
        remarks=(*remarks, *refused, *_remarks(entered, unverified)),
    )


def _without_evidence(playbook: Playbook, ended: Ended, folder: Path, remarks: tuple[str, ...]) -> Settled:
    return Settled(
        playbook.model.hf_repo,
        playbook.tier,
        Ending.INTERRUPTED if ended.interrupted else Ending.NOT_PASSED,
        (f"the run left no evidence: {_said(ended)}",),
        playbook=playbook.path,
        pytest_code=ended.code,
        files=tuple(path for path in (folder / JOURNAL_NAME,) if path.is_file()),
        remarks=remarks,
    )


def _report(run: Scored) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """Writes the reports in place of an earlier run's; the files, and why there is no certificate."""
    refused = refused_forms(run.evidence, _FORMS)
    forms = (form for form in _FORMS if form not in refused)
    folder = run.file.parent
    remove_reports(folder)
    files = write_reports(folder, run.evidence, run.mqs, forms, evidence_sha256=run.sha256, now=run.at)
    return files, tuple(f"no certificate: {why}" for why in dict.fromkeys(refused.values()))


def _enter(run: Scored, desk: Desk, *, verified: bool, newcomer: Newcomer) -> Registered:
    if desk.registry is None:
        return Registered(str(run.mqs.status))
    return register(desk.registry, run, verified=verified, newcomer=newcomer)


def _remarks(entered: Registered, problems: tuple[str, ...]) -> Iterator[str]:
    if entered.remark:
        yield f"registry: {entered.remark}"
    yield from (f"provenance: {problem}" for problem in problems)


def _fresh(folder: Path, before: str) -> Evidence | None:
    """The evidence of this run; None where an earlier run's, or none, lies there."""
    path = folder / EVIDENCE_NAME
    if not path.is_file():
        return None
    try:
        evidence = read_evidence(path)
    except EvidenceError:
        return None
    return None if evidence.run.id == before else evidence


def _ending(ended: Ended, mqs: Mqs) -> Ending:
    if ended.interrupted:
        return Ending.INTERRUPTED
    if mqs.total == 0:
        return Ending.NOT_MEASURED
    return Ending.PASSED if mqs.tier.passed and ended.code in (0, 1) else Ending.NOT_PASSED


def _reasons(ended: Ended, evidence: Evidence, mqs: Mqs) -> list[str]:
    match _ending(ended, mqs):
        case Ending.PASSED:
            return []
        case Ending.NOT_MEASURED:
            skipped = (record.reason for record in evidence.records if record.outcome is Outcome.SKIPPED)
            return [next(skipped, "the playbook has no case").partition("\n")[0]]
        case Ending.INTERRUPTED:
            return [_said(ended)]
        case _:
            own = [] if ended.code in (0, 1) else [_said(ended)]
            return [*own, *(mqs.tier.reasons if not mqs.tier.passed else ())]


def _said(ended: Ended) -> str:
    if ended.interrupted:
        return f"interrupted by signal {ended.signal}"
    return _PYTEST_CODES.get(ended.code, f"pytest ended with {ended.code}")
