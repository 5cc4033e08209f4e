from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytest_aprqa.certification import Desk, Ended, Ending, Settled, settle_run
from pytest_aprqa.certification.settle import run_before
from pytest_aprqa.core import Gateway
from pytest_aprqa.evidence import EVIDENCE_NAME, Evidence, RunInfo, Selection, output_folder, write_evidence
from pytest_aprqa.playbook import read_playbook
from pytest_aprqa.registry import Row, read_books, update_registry
from tests.certification.samples import TINY, playbook, registry
from tests.reports.samples import CPU, blocked, eventful, evidence, gateways, good, weights_missing

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def desk(tmp_path: Path, *, repo: str | None = None) -> Desk:
    return Desk(tmp_path, tmp_path / "models.csv", repo, clock=lambda: NOW)


def settled(tmp_path: Path, made: Evidence | None, ended: Ended = Ended(0), **how: str) -> Settled:  # noqa: B008 - a value
    """What becomes of a run at tier mvp that left this evidence."""
    read = read_playbook(playbook(tmp_path / "playbooks", tier="mvp"), {})
    if made is not None:
        write_evidence(output_folder(tmp_path, TINY), made)
    if not (tmp_path / "models.csv").exists():
        update_registry(tmp_path / "models.csv", lambda empty: registry(empty.path))
    return settle_run(read, ended, desk(tmp_path, repo=how.get("repo")), before=how.get("before", ""))


def row(tmp_path: Path) -> Row:
    found = read_books(tmp_path / "models.csv").registry.find(TINY)
    assert found is not None
    return found


def test_a_good_run_passes_and_writes_everything(tmp_path: Path) -> None:
    result = settled(tmp_path, good())
    assert (result.ending, result.status, result.reasons) == (Ending.PASSED, "PROVISIONAL", ())
    assert [path.name for path in result.files] == [
        EVIDENCE_NAME,
        "report.html",
        "junit.xml",
        "report.md",
        "certificate.md",
        "certificate.html",
        "statement.json",
    ]
    assert all(path.stat().st_size > 100 for path in result.files)
    assert row(tmp_path).status == "PROVISIONAL"


def test_a_blocked_run_names_why_and_moves_the_row(tmp_path: Path) -> None:
    settled(tmp_path, good())
    again = blocked().model_copy(update={"run": RunInfo(id="run-2")})
    result = settled(tmp_path, again, Ended(1), before="run-1")
    assert (result.ending, result.status) == (Ending.NOT_PASSED, "BLOCKED")
    assert "not all gateways passed" in result.reasons
    assert row(tmp_path).status == "BLOCKED"


def test_failing_cases_do_not_fail_a_tier_that_was_passed(tmp_path: Path) -> None:
    result = settled(tmp_path, good(), Ended(1))
    assert (result.passed, result.clean) == (True, False)


@pytest.mark.parametrize(("code", "why"), [(2, "could not collect"), (3, "internal error"), (-9, "ended with -9")])
def test_a_pytest_that_broke_passes_nothing(tmp_path: Path, code: int, why: str) -> None:
    result = settled(tmp_path, good(), Ended(code))
    assert result.ending is Ending.NOT_PASSED
    assert why in result.reasons[0]


def test_missing_weights_leave_the_registry_as_it_is(tmp_path: Path) -> None:
    settled(tmp_path, good())
    before = (tmp_path / "models.csv").read_bytes(), (tmp_path / "awards.json").read_bytes()
    missing = weights_missing().model_copy(update={"run": RunInfo(id="run-2")})
    result = settled(tmp_path, missing, Ended(1), before="run-1")
    assert (result.ending, result.status) == (Ending.NOT_MEASURED, "PROVISIONAL")
    assert result.reasons == (f"weights of {TINY} are not on this machine",)
    assert ((tmp_path / "models.csv").read_bytes(), (tmp_path / "awards.json").read_bytes()) == before


def test_no_certificate_is_left_beside_evidence_that_earned_none(tmp_path: Path) -> None:
    folder = settled(tmp_path, good()).files[0].parent
    assert (folder / "certificate.md").exists()
    missing = weights_missing().model_copy(update={"run": RunInfo(id="run-2")})
    result = settled(tmp_path, missing, Ended(1), before="run-1")
    assert not (folder / "certificate.md").exists()
    assert not (folder / "statement.json").exists()
    assert any(remark.startswith("no certificate: ") for remark in result.remarks)


def test_missing_weights_of_a_new_model_are_pending(tmp_path: Path) -> None:
    result = settled(tmp_path, weights_missing(), Ended(1))
    assert (result.ending, result.status) == (Ending.NOT_MEASURED, "PENDING")
    assert not (tmp_path / "awards.json").exists()


def test_evidence_of_an_earlier_run_is_not_taken_for_this_ones(tmp_path: Path) -> None:
    result = settled(tmp_path, good(), Ended(3), before="run-1")
    assert (result.ending, result.mqs) == (Ending.NOT_PASSED, None)
    assert result.reasons == ("the run left no evidence: pytest met an internal error",)


@pytest.mark.parametrize("made", [None, good()], ids=["without evidence", "with evidence"])
def test_an_interrupted_run_is_no_pass(tmp_path: Path, made: Evidence | None) -> None:
    result = settled(tmp_path, made, Ended(2, 2))
    assert result.ending is Ending.INTERRUPTED
    assert "interrupted by signal 2" in result.reasons[0]


def test_a_partial_run_awards_nothing(tmp_path: Path) -> None:
    partial = good().model_copy(update={"run": RunInfo(id="run-1", selection=Selection.PARTIAL)})
    result = settled(tmp_path, partial)
    assert result.ending is Ending.NOT_PASSED
    assert not row(tmp_path).awarded


def test_the_evidence_of_an_award_outlives_later_runs(tmp_path: Path) -> None:
    settled(tmp_path, good())
    award = read_books(tmp_path / "models.csv").awards.of(TINY)
    assert award is not None
    kept = tmp_path / award.evidence
    content = kept.read_bytes()
    later = evidence(gateways(CPU), run=RunInfo(id="run-2"), tier="smoke")
    result = settled(tmp_path, later, before="run-1")
    assert kept.read_bytes() == content
    assert result.files[0].read_bytes() != content
    third = evidence(gateways(CPU, failed=Gateway.G2), run=RunInfo(id="run-3"), tier="mvp")
    settled(tmp_path, third, Ended(1), before="run-2")
    assert kept.read_bytes() == content, "nothing rests on it any more, but it can be compared with"
    assert len(list(kept.parent.glob("evidence-*.json"))) == 3, "with the last smoke run's and the last mvp run's"
    fourth = evidence(gateways(CPU, failed=Gateway.G3), run=RunInfo(id="run-4"), tier="mvp")
    settled(tmp_path, fourth, Ended(1), before="run-3")
    assert not kept.exists()
    assert len(list(kept.parent.glob("evidence-*.json"))) == 3


def test_tickets_are_written_where_they_are_wanted(tmp_path: Path) -> None:
    assert settled(tmp_path, eventful(), Ended(1)).tickets == ()
    again = eventful().model_copy(update={"run": RunInfo(id="run-2")})
    result = settled(tmp_path, again, Ended(1), before="run-1", repo="me/qa")
    assert len(result.tickets) >= 2
    assert all(path.read_text().strip() for path in result.tickets)
    assert all(command.startswith("gh issue create --repo=me/qa ") for command in result.gh_commands)
    clean = good().model_copy(update={"run": RunInfo(id="run-3")})
    assert settled(tmp_path, clean, before="run-2", repo="me/qa").tickets == ()
    assert not any(path.exists() for path in result.tickets), "an earlier run's tickets are gone"


def test_the_run_before_is_known_by_its_id(tmp_path: Path) -> None:
    assert run_before(desk(tmp_path), TINY) == ""
    write_evidence(output_folder(tmp_path, TINY), good())
    assert run_before(desk(tmp_path), TINY) == "run-1"


def test_without_a_registry_nothing_is_registered(tmp_path: Path) -> None:
    read = read_playbook(playbook(tmp_path / "playbooks", tier="mvp"), {})
    write_evidence(output_folder(tmp_path, TINY), good())
    result = settle_run(read, Ended(0), Desk(tmp_path, None, clock=lambda: NOW), before="")
    assert result.status == "PROVISIONAL"
    assert not (tmp_path / "models.csv").exists()
