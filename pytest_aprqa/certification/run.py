"""Playbooks that the user names, run under pytest, and what came of each; the registry is not touched."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pytest_aprqa.certification.errors import CertificationError
from pytest_aprqa.certification.locked import lock_state, nearest_lock
from pytest_aprqa.certification.outlook import Outlook, outlook_of
from pytest_aprqa.certification.process import Ended, run_pytest
from pytest_aprqa.certification.wishes import Wishes, pytest_arguments
from pytest_aprqa.core import Json
from pytest_aprqa.evidence import EVIDENCE_NAME, Evidence, model_folder, read_evidence
from pytest_aprqa.playbook import Playbook
from pytest_aprqa.scoring import Mqs, score_evidence
from pytest_aprqa.suite import plan_playbook


@dataclass(frozen=True, slots=True)
class Reported:
    """What one playbook's run left."""

    evidence: Evidence
    mqs: Mqs
    folder: Path

    def to_json(self) -> dict[str, Json]:
        """Plain JSON."""
        mqs, playbook = self.mqs, self.evidence.playbook
        return {
            "playbook": playbook.path,
            "model": playbook.model,
            "tier": playbook.tier,
            "selection": str(self.evidence.run.selection),
            "status": str(mqs.status),
            "mqs": mqs.mqs,
            "mqs_ceiling": mqs.mqs_ceiling,
            "grade": mqs.grade,
            "cert_grade": mqs.cert_grade,
            "tier_passed": mqs.tier.passed,
            "reasons": list(mqs.tier.reasons),
            "gateways": {str(it): str(state) for it, state in mqs.gateways.items()},
            "outcomes": {str(it): count for it, count in mqs.outcomes.items()},
            "evidence": str(self.folder / EVIDENCE_NAME),
        }


def read_all(paths: Sequence[Path], wishes: Wishes) -> tuple[Playbook, ...]:
    """The playbooks, each read and planned, so that what pytest could not collect is known before.

    Raises:
        PlaybookError: one cannot be read.
    """
    values = wishes.names(os.environ)
    return tuple(plan_playbook(path, values, strict=False, unavailable={}).playbook for path in paths)


def check_locks(playbooks: Sequence[Playbook]) -> None:
    """Refuses a playbook that is not what the nearest lock file says; one without a lock file is the user's own.

    Raises:
        CertificationError: one differs; names all that do.
        PlaybookError: a lock file cannot be read.
    """
    problems = []
    for playbook in playbooks:
        lock = nearest_lock(playbook.path)
        state = lock_state(playbook, lock, awards=False)
        if not state.holds:
            problems.append(f"{playbook.path} is not what {lock} holds: {'; '.join(state.problems)}")
    if problems:
        raise CertificationError(
            "\n".join((*problems, "lock the playbooks again (apr-qa lock-playbooks), or run with --no-integrity-check"))
        )


def foresee_run(paths: Sequence[Path], wishes: Wishes, *, check_lock: bool) -> tuple[Outlook, ...]:
    """The plan of each playbook; nothing is run."""
    return tuple(
        outlook_of(path, wishes, lock=nearest_lock(path), check_lock=check_lock, awards=False) for path in paths
    )


def run_playbooks(playbooks: Sequence[Playbook], wishes: Wishes, *, quiet: bool) -> tuple[Ended, tuple[Reported, ...]]:
    """Runs playbooks in one session of pytest.

    Args:
        playbooks: what to run.
        wishes: how.
        quiet: pytest's output goes to standard error.

    Returns:
        How pytest ended, and what this run, and no earlier one, left of each playbook.
    """
    output = (wishes.output or Path("certifications")).absolute()
    before = {path: _stamp(path) for path in _evidence_files(output, playbooks)}
    arguments = pytest_arguments([playbook.path for playbook in playbooks], replace(wishes, output=output))
    ended = run_pytest(arguments, quiet=quiet)
    after = (path for path in _evidence_files(output, playbooks) if _stamp(path) != before.get(path))
    return ended, tuple(_reported(path) for path in after)


def _evidence_files(output: Path, playbooks: Sequence[Playbook]) -> Iterator[Path]:
    """Where evidence may be: in the model's folder, or, where a session has several playbooks of it, one below."""
    for folder in dict.fromkeys(output / model_folder(playbook.model.hf_repo) for playbook in playbooks):
        yield from sorted(path for pattern in ("", "*/") for path in folder.glob(f"{pattern}{EVIDENCE_NAME}"))


def _stamp(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_ino, stat.st_mtime_ns


def _reported(path: Path) -> Reported:
    evidence = read_evidence(path)
    return Reported(evidence, score_evidence(evidence), path.parent)
