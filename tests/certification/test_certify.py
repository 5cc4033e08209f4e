from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from pytest_aprqa.certification import (
    Candidate,
    CertificationError,
    Certifying,
    Desk,
    Ended,
    Ending,
    Outlook,
    Wishes,
    certify,
    foresee,
    own_files,
)
from pytest_aprqa.core import PlaybookError, Tier
from pytest_aprqa.evidence import Evidence, output_folder, write_evidence
from pytest_aprqa.playbook import lock_playbooks, read_playbook
from pytest_aprqa.registry import read_registry
from tests.certification.samples import CODER, TINY, playbook, pytest_that_leaves
from tests.reports.samples import blocked, good
from tests.tiny import make_tiny


def how(tmp_path: Path, *, tier: Tier = Tier.MVP, made: Evidence | None = None, ended: Ended = Ended(0)) -> Certifying:  # noqa: B008 - a value
    playbooks = tmp_path / "playbooks"
    playbook(playbooks, tier=tier)
    lock = playbooks / "playbook.lock.yaml"
    lock_playbooks(playbooks, lock=lock)
    return Certifying(
        tier,
        Wishes(),
        Desk(tmp_path / "out", tmp_path / "models.csv"),
        playbooks,
        lock,
        pytest=pytest_that_leaves(tmp_path / "out", made or good(), ended),
    )


def changed(given: Certifying, **fields: object) -> Certifying:
    from dataclasses import replace

    return replace(given, **fields)  # type: ignore[arg-type] # each test names a field and its own type


def plan_of(candidate: Candidate, given: Certifying) -> Outlook:
    (plan,) = foresee([candidate], given)
    assert isinstance(plan, Outlook), plan
    return plan


def test_a_model_is_run_and_settled(tmp_path: Path) -> None:
    lines: list[str] = []
    (result,) = certify([Candidate(TINY)], changed(how(tmp_path), tell=lines.append))
    assert (result.ending, result.status, result.remarks[:0]) == (Ending.PASSED, "PROVISIONAL", ())
    assert lines[0] == f"[1/1] {TINY}, tier mvp"
    assert lines[1].startswith("$ pytest ")
    row = read_registry(tmp_path / "models.csv").find(TINY)
    assert row is not None
    assert row.certified_tier == "mvp"


def test_pytest_gets_the_playbook_and_the_absolute_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    seen: list[Sequence[str]] = []
    given = how(tmp_path)

    def watch(arguments: Sequence[str], *, quiet: bool = False) -> Ended:
        seen.append(arguments)
        return given.pytest(arguments, quiet=quiet)

    tuple(certify([Candidate(TINY)], changed(given, pytest=watch, desk=Desk(Path("out"), None))))
    assert seen == [
        (
            str(tmp_path / "playbooks" / "aprqa-tiny-mvp.playbook.yaml"),
            f"--aprqa-output={tmp_path / 'out'}",
            f"--aprqa-lock={tmp_path / 'playbooks' / 'playbook.lock.yaml'}",
            "--aprqa-report=none",
        )
    ]


def test_a_changed_playbook_is_not_run(tmp_path: Path) -> None:
    given = how(tmp_path)
    path = given.playbooks / "aprqa-tiny-mvp.playbook.yaml"
    path.write_text(path.read_text().replace("expected: 4", "expected: 5"))
    (result,) = certify([Candidate(TINY, "PROVISIONAL")], given)
    assert (result.ending, result.status) == (Ending.NOT_RUN, "PROVISIONAL")
    assert "is not what" in result.reasons[0]
    assert not (tmp_path / "out").exists()
    (forced,) = certify([Candidate(TINY)], changed(given, check_lock=False))
    assert forced.passed
    assert any("--no-integrity-check" in remark for remark in forced.remarks)


@pytest.mark.parametrize(("tier", "ending"), [(Tier.MVP, Ending.NOT_RUN), (Tier.SMOKE, Ending.PASSED)])
def test_what_awards_needs_a_lock(tmp_path: Path, tier: Tier, ending: Ending) -> None:
    made = good().model_copy(update={"playbook": good().playbook.model_copy(update={"tier": tier})})
    given = how(tmp_path, tier=tier, made=made)
    given.lock.unlink()
    (result,) = certify([Candidate(TINY)], given)
    assert result.ending is ending
    assert "lock-playbooks" in " ".join((*result.reasons, *result.remarks))


def test_one_model_that_cannot_be_run_does_not_stop_the_others(tmp_path: Path) -> None:
    results = tuple(certify([Candidate(CODER), Candidate(TINY)], how(tmp_path)))
    assert [result.ending for result in results] == [Ending.NOT_RUN, Ending.PASSED]
    assert "no playbook is for" in results[0].reasons[0]
    assert "none can be drafted either" in results[0].reasons[0]


def test_what_no_model_can_be_certified_with_is_refused_before_the_first(tmp_path: Path) -> None:
    given = how(tmp_path)
    (tmp_path / "file").touch()
    (tmp_path / "binary").write_bytes(b"\x00\xff")
    desk = Desk(tmp_path / "file" / "below", None)
    nowhere = changed(given, desk=desk, pytest=None)
    with pytest.raises(CertificationError, match=r"below: expected a folder .*; found that .*/file is no folder"):
        next(certify([Candidate(TINY)], nowhere))
    unlocked = changed(given, lock=tmp_path / "binary", pytest=None)
    with pytest.raises(CertificationError, match=r"binary: .*; expected UTF-8 text; found a NUL at byte 0"):
        next(certify([Candidate(TINY)], unlocked))
    assert next(certify([Candidate(TINY)], changed(given, lock=tmp_path / "binary", check_lock=False))).passed


def test_fail_fast_stops_after_the_first_failure(tmp_path: Path) -> None:
    given = how(tmp_path, made=blocked(), ended=Ended(1))
    endings = [one.ending for one in certify([Candidate(TINY), Candidate(CODER)], changed(given, fail_fast=True))]
    assert endings == [Ending.NOT_PASSED, Ending.NOT_RUN]


def test_an_interrupt_stops_all(tmp_path: Path) -> None:
    first, second = certify([Candidate(TINY), Candidate(CODER)], how(tmp_path, ended=Ended(2, 2)))
    assert (first.ending, second.ending) == (Ending.INTERRUPTED, Ending.NOT_RUN)
    assert second.reasons == (f"interrupted at {TINY}",)


def test_a_folder_of_another_model_is_not_written_over(tmp_path: Path) -> None:
    given = how(tmp_path)
    folder = output_folder(given.desk.output, TINY)
    other = good().model_copy(update={"playbook": good().playbook.model_copy(update={"model": CODER})})
    write_evidence(folder, other)
    (result,) = certify([Candidate(TINY)], given)
    assert result.ending is Ending.NOT_RUN
    assert CODER in result.reasons[0]


def test_a_playbook_is_drafted_where_the_weights_are_at_hand(tmp_path: Path) -> None:
    make_tiny(tmp_path / "cache" / "me" / "nonsense")
    given = changed(how(tmp_path), tier=Tier.SMOKE, wishes=Wishes(model_cache=tmp_path / "cache"))
    plan = plan_of(Candidate("me/nonsense"), given)
    assert plan.lock.word == "drafted"
    assert plan.lock.holds
    assert plan.tier is Tier.SMOKE
    assert plan.weights.at_hand
    assert plan.playbook.parent == tmp_path.joinpath("out", "me--nonsense")


def test_two_playbooks_for_one_model_and_tier_are_refused(tmp_path: Path) -> None:
    given = how(tmp_path)
    playbook(given.playbooks / "more", tier="mvp")
    (problem,) = foresee([Candidate(TINY)], given)
    assert isinstance(problem, PlaybookError)
    assert "2 playbooks are for" in str(problem)


def test_the_users_own_files_need_no_playbook(tmp_path: Path) -> None:
    make_tiny(tmp_path / "mine")
    given = changed(how(tmp_path), tier=Tier.SMOKE)
    candidate = own_files(tmp_path / "mine", None, None, given)
    assert candidate.playbook is not None
    assert candidate.playbook.is_relative_to(tmp_path / "out")
    assert candidate.parameters == "0M"
    assert read_playbook(candidate.playbook, {}).model.local_path == tmp_path / "mine"
    assert plan_of(candidate, given).weights.at_hand
