"""Certifies models one after the other: playbook, lock, pytest, settlement."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pytest_aprqa.certification.beforehand import check_desk, check_lock
from pytest_aprqa.certification.draft import Found, catalog_of, draft_for_files, playbook_for
from pytest_aprqa.certification.locked import LockState, lock_state
from pytest_aprqa.certification.outlook import Outlook, outlook_of
from pytest_aprqa.certification.process import Ended, command_line, run_pytest
from pytest_aprqa.certification.register import Newcomer
from pytest_aprqa.certification.seen import look_for
from pytest_aprqa.certification.settle import Desk, run_before, settle_run
from pytest_aprqa.certification.settled import Ending, Settled
from pytest_aprqa.certification.wishes import Wishes, pytest_arguments
from pytest_aprqa.core import AprqaError, Tier
from pytest_aprqa.playbook import Catalog, read_playbook
from pytest_aprqa.scoring import Status
from pytest_aprqa.weights import Search


@dataclass(frozen=True, slots=True)
class Candidate:
    """One model that is to be certified."""

    model: str
    status: str = str(Status.PENDING)
    """What the registry says."""
    family: str = ""
    parameters: str = ""
    """Such as ``1.5B``."""
    playbook: Path | None = None
    """The playbook, where it is known already; it was written for this run and has no lock."""


@dataclass(frozen=True, slots=True)
class Certifying:
    """What all models of one call share."""

    tier: Tier
    wishes: Wishes
    desk: Desk
    playbooks: Path
    lock: Path
    check_lock: bool = True
    fail_fast: bool = False
    """Ends after the first model of which something failed."""
    quiet: bool = False
    """pytest's output goes to standard error."""
    tell: Callable[[str], None] = lambda _line: None
    """Takes a line of progress."""
    pytest: Callable[..., Ended] = run_pytest


def own_files(hf: Path, gguf: Path | None, apr: Path | None, how: Certifying, *, name: str = "") -> Candidate:
    """The user's own artefacts as a candidate; their playbook is written into the output folder.

    Args:
        hf: the original, in Hugging Face layout.
        gguf: a GGUF file made of it.
        apr: an APR file made of it.
        how: tier and output folder.
        name: ``org/name``; empty to name it after the folder.

    Raises:
        AprqaError: a file is not what it should be.
    """
    from pytest_aprqa.bootstrap.sizes import in_words

    playbook = draft_for_files(hf, gguf, apr, tier=how.tier, output=how.desk.output, name=name)
    count = look_for(playbook, Search(environment=os.environ)).parameters
    parameters = "" if count is None else in_words(round(count))
    return Candidate(playbook.model.hf_repo, parameters=parameters, playbook=playbook.path)


def certify(candidates: Sequence[Candidate], how: Certifying) -> Iterator[Settled]:
    """Certifies models; each result comes as soon as it is known.

    Raises:
        CertificationError: results or registry cannot be written, or the lock file cannot be read; nothing was run.
    """
    check_desk(how.desk)
    if how.check_lock and any(candidate.playbook is None for candidate in candidates):
        check_lock(how.lock)
    ended, catalog = "", catalog_of(how.playbooks)
    for number, candidate in enumerate(candidates, start=1):
        if ended:
            yield Settled(candidate.model, how.tier, Ending.NOT_RUN, (ended,), candidate.status)
            continue
        how.tell(f"[{number}/{len(candidates)}] {candidate.model}, tier {how.tier}")
        settled = _certify_one(candidate, how, catalog)
        if settled.ending is Ending.INTERRUPTED:
            ended = f"interrupted at {candidate.model}"
        elif how.fail_fast and not settled.clean:
            ended = f"--fail-fast: {candidate.model} came before it"
        yield settled


def foresee(candidates: Sequence[Candidate], how: Certifying) -> Iterator[Outlook | AprqaError]:
    """The plan for each model, or why there is none; a playbook that has to be drafted is written, nothing is run."""
    catalog = catalog_of(how.playbooks)
    for candidate in candidates:
        try:
            yield _foresee_one(candidate, how, catalog)
        except AprqaError as problem:
            yield problem


def _foresee_one(candidate: Candidate, how: Certifying, catalog: Catalog) -> Outlook:
    found = _playbook(candidate, how, catalog)
    outlook = outlook_of(
        found.path,
        how.wishes,
        lock=how.lock,
        check_lock=how.check_lock and not found.drafted,
        parameters=candidate.parameters,
    )
    return replace(outlook, lock=_drafted()) if found.drafted else outlook


def _certify_one(candidate: Candidate, how: Certifying, catalog: Catalog) -> Settled:
    """One model; what cannot be run is a result, so that the others still are."""
    try:
        return _run_one(candidate, how, catalog)
    except AprqaError as problem:
        return Settled(candidate.model, how.tier, Ending.NOT_RUN, (str(problem),), candidate.status)


def _run_one(candidate: Candidate, how: Certifying, catalog: Catalog) -> Settled:
    found = _playbook(candidate, how, catalog)
    playbook = read_playbook(found.path, how.wishes.names(os.environ))
    lock = _drafted() if found.drafted else lock_state(playbook, how.lock, check=how.check_lock)
    if not lock.holds:
        reasons = (f"{found.path} is not what {how.lock} holds", *lock.problems)
        return Settled(candidate.model, how.tier, Ending.NOT_RUN, reasons, candidate.status, playbook=found.path)
    before = run_before(how.desk, playbook.model.hf_repo)
    held = how.lock.absolute() if lock.verified else None
    # The reports are written once, when the run is settled; that is also done for a run that was interrupted.
    wishes = replace(how.wishes, output=how.desk.output.absolute(), lock=held, reports="none")
    arguments = pytest_arguments((found.path,), wishes)
    how.tell(f"$ {command_line(arguments)}")
    ended = how.pytest(arguments, quiet=how.quiet)
    remarks = (lock.remark,) if lock.remark else ()
    newcomer = Newcomer(candidate.family, candidate.parameters)
    return settle_run(playbook, ended, how.desk, before=before, remarks=remarks, newcomer=newcomer)


def _playbook(candidate: Candidate, how: Certifying, catalog: Catalog) -> Found:
    if candidate.playbook is not None:
        return Found(candidate.playbook, drafted=True)
    return playbook_for(candidate.model, how.tier, catalog, how.desk.output, how.wishes)


def _drafted() -> LockState:
    return LockState("drafted", remark="the playbook was drafted for this run; no lock holds it")
