"""Evidence changed in one place, and the certificate made of it."""

from __future__ import annotations

from datetime import UTC, datetime

from pytest_aprqa.core import Category, Modality, Outcome
from pytest_aprqa.evidence import Evidence, Record
from pytest_aprqa.reports import render_certificate
from pytest_aprqa.reports.certificate_paper import Paper, paper_of
from pytest_aprqa.scoring import score_evidence
from tests.reports.samples import CPU, case, evidence, gateways, record

NOW = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
DIGEST = "e" * 64
FORMS = ("markdown", "html")


def of_tier(made: Evidence, tier: str | None) -> Evidence:
    return made.model_copy(update={"playbook": made.playbook.model_copy(update={"tier": tier})})


def of_run(made: Evidence, **changes: object) -> Evidence:
    return made.model_copy(update={"run": made.run.model_copy(update=changes)})


def render(made: Evidence, form: str = "markdown", now: datetime = NOW) -> str:
    return render_certificate(made, score_evidence(made), evidence_sha256=DIGEST, now=now, form=form)


def paper(made: Evidence) -> Paper:
    return paper_of(made, score_evidence(made), evidence_sha256=DIGEST, now=NOW)


def lines_of(made: Evidence, title: str) -> str:
    (section,) = [section for section in paper(made).sections if section.title == title]
    rows = [" | ".join(row) for row in (*section.facts, *section.rows)]
    return "\n".join([*rows, *section.lines])


def middling() -> Evidence:
    """All gateways passed, every category tried, 800 points."""
    records: list[Record] = [*gateways(CPU), case("sum", Modality.RUN)]
    for category in (Category.PERF, Category.COMP, Category.EDGE, Category.REGR):
        records += [
            record(f"F-{category}-001", CPU, outcome, scenario=f"{category}_{number}")
            for number, outcome in enumerate((Outcome.CORROBORATED, Outcome.CORROBORATED, Outcome.FALSIFIED))
        ]
    return evidence(records)
