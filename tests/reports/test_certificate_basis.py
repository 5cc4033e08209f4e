"""What no certificate is made of."""

from __future__ import annotations

import pytest

from pytest_aprqa.core import EvidenceError
from pytest_aprqa.evidence import Dialect, Evidence, Selection
from pytest_aprqa.reports import refusal, render_certificate
from pytest_aprqa.scoring import Rules, score, score_evidence
from tests.reports.certificates import DIGEST, FORMS, NOW, of_run, of_tier, render
from tests.reports.samples import blocked, eventful, good, weights_missing


@pytest.mark.parametrize("rules", [Rules("deep"), Rules(None)])
def test_a_score_by_another_tier_is_refused(rules: Rules) -> None:
    made = good()
    with pytest.raises(EvidenceError, match="the score is not that of this evidence"):
        render_certificate(made, score(made.records, rules), evidence_sha256=DIGEST, now=NOW, form="html")


def test_a_score_of_other_evidence_is_refused() -> None:
    with pytest.raises(EvidenceError, match="the score is not that of this evidence"):
        render_certificate(blocked(), score_evidence(good()), evidence_sha256=DIGEST, now=NOW, form="html")


def test_a_score_that_hides_a_partial_selection_changes_nothing() -> None:
    made = of_run(of_tier(good(), "deep"), selection=Selection.PARTIAL, selection_reason="-k chat")
    text = render_certificate(
        made, score(made.records, Rules("deep")), evidence_sha256=DIGEST, now=NOW, form="markdown"
    )
    assert text.startswith("# PARTIAL: ")


def without_digests() -> Evidence:
    made = good()
    return made.model_copy(update={"weights": tuple(one.model_copy(update={"digests": {}}) for one in made.weights)})


def with_digest(digest: str) -> Evidence:
    made = good()
    changed = tuple(one.model_copy(update={"digests": {"model.safetensors": digest}}) for one in made.weights)
    return made.model_copy(update={"weights": changed})


def with_playbook_digest(digest: str) -> Evidence:
    made = good()
    return made.model_copy(update={"playbook": made.playbook.model_copy(update={"sha256": digest})})


@pytest.mark.parametrize(
    ("made", "problem"),
    [
        (good().model_copy(update={"dialect": Dialect.ARRAY}), "evidence of another tool (form array)"),
        (without_digests(), "no digests of the weights of safetensors-cpu"),
        (good().model_copy(update={"weights": ()}), "no digests of the weights of safetensors-cpu"),
        (weights_missing(), "nothing was tested"),
        (with_digest("cd" * 31), "not a SHA-256 digest: safetensors-cpu/model.safetensors"),
        (with_digest("<b>" + "c" * 61), "not a SHA-256 digest"),
        (with_playbook_digest(""), "no digest of its playbook"),
    ],
)
@pytest.mark.parametrize("form", FORMS)
def test_evidence_that_does_not_say_what_was_tested_is_refused(made: Evidence, problem: str, form: str) -> None:
    with pytest.raises(EvidenceError, match="no certificate: ") as caught:
        render(made, form)
    assert problem in str(caught.value)
    assert problem in refusal(made)


def test_evidence_that_says_what_was_tested_is_not_refused() -> None:
    assert [refusal(made) for made in (good(), eventful(), blocked())] == ["", "", ""]


@pytest.mark.parametrize("digest", ["", "E" * 64, "sha256:" + "e" * 64])
def test_a_digest_of_the_evidence_is_needed(digest: str) -> None:
    with pytest.raises(EvidenceError, match="digest of the evidence file"):
        render_certificate(good(), score_evidence(good()), evidence_sha256=digest, now=NOW, form="markdown")
