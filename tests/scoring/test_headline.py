from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pytest_aprqa.core import GATES, Modality, Outcome, Severity
from pytest_aprqa.evidence import Evidence, RunInfo, Selection
from pytest_aprqa.reports import (
    render_certificate,
    render_html_report,
    render_report_markdown,
    render_step_summary,
    render_summary,
)
from pytest_aprqa.scoring import full_headline, headline, score_evidence, shows_letters
from tests.reports.samples import CPU, blocked, case, evidence, good, record, weights_missing

_P0 = [gate.id for gate in GATES.values() if gate.severity is Severity.P0 and gate.gateway is None]


def refuted(*gate_ids: str) -> Evidence:
    """A run in which everything stood but these gates of severity P0."""
    return evidence([*good().records, *(record(gate_id, CPU, Outcome.FALSIFIED) for gate_id in gate_ids)])


def test_the_gates_that_block_a_run_stand_before_its_score_and_no_letter_beside_it() -> None:
    made = refuted("F-LAYOUT-002")
    scored = score_evidence(made)
    assert scored.cert_grade == "A+"  # which is what nobody must read as praise
    said = full_headline(made, scored)
    assert said == (
        f"BLOCKED by F-LAYOUT-002; MQS of the rest {scored.mqs} .. {scored.mqs} of 1000 "
        "(87 of 87 planned cases were judged)"
    )
    many = score_evidence(refuted(*_P0[:5]))
    assert headline(many).startswith(f"BLOCKED by {', '.join(sorted(_P0[:5])[:3])} and 2 more; MQS of the rest ")


def test_every_report_of_a_blocked_run_tells_it_in_these_words_and_gives_no_letter() -> None:
    made = refuted("F-LAYOUT-002")
    scored = score_evidence(made)
    now = datetime(2026, 3, 4, tzinfo=UTC)
    texts = [
        render_summary(made, scored, width=200, color=False, files=()),
        render_step_summary(made, scored),
        render_report_markdown(made, scored),
        render_html_report(made, scored),
        render_certificate(made, scored, evidence_sha256="ab" * 32, now=now, form="markdown"),
    ]
    for text in texts:
        assert "BLOCKED by F-LAYOUT-002; MQS of the rest" in text
        assert "A+" not in text


def test_a_failed_gateway_is_named_instead_of_its_gates() -> None:
    assert headline(score_evidence(blocked())) == "BLOCKED by gateway G0; MQS 0 .. 0 of 1000"


def test_a_score_of_nothing_and_of_a_part_say_so() -> None:
    nothing = weights_missing()
    assert full_headline(nothing, score_evidence(nothing)) == (
        "nothing was judged; MQS 0 .. 1000 of 1000 (0 of 12 planned cases were judged)"
    )
    part = evidence(good().records, run=RunInfo(selection=Selection.PARTIAL))
    part = part.model_copy(update={"playbook": part.playbook.model_copy(update={"planned": 567})})
    scored = score_evidence(part)
    assert not shows_letters(scored)
    assert full_headline(part, scored) == (
        "PARTIAL, tier mvp not passed; MQS 1000 .. 1000 of 1000 (86 of 567 planned cases were judged)"
    )


@pytest.mark.parametrize(("outcome", "judged"), [(Outcome.INCONCLUSIVE, 86), (Outcome.SKIPPED, 86)])
def test_letters_never_stand_without_how_much_was_judged(outcome: Outcome, judged: int) -> None:
    made = evidence([*good().records, case("open", Modality.RUN, outcome=outcome)])
    said = full_headline(made, score_evidence(made))
    assert f"cert grade A+; {judged} of 87 planned cases were judged)" in said


def test_a_tier_that_awards_nothing_says_only_whether_it_was_passed() -> None:
    made = evidence(good().records, tier="smoke")
    assert headline(score_evidence(made)) == "tier smoke passed; MQS 1000 .. 1000 of 1000"
