"""``apr-qa score``: the score of an evidence file, without running anything."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pytest_aprqa.cli.say import json_option, say, say_json, screen
from pytest_aprqa.core import visible

if TYPE_CHECKING:
    from pytest_aprqa.core import Json
    from pytest_aprqa.evidence import Evidence
    from pytest_aprqa.scoring import Mqs, UpstreamMqs


@click.command(short_help="Scores an evidence file.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--score-policy",
    "policy",
    type=click.Choice(["project", "upstream"]),
    default="project",
    show_default=True,
    help="project: untested categories give no points; upstream: the original tool's formula.",
)
@click.option("-m", "--model", metavar="ORG/NAME", help="Score this model's records; for a file that holds several.")
@json_option
@click.pass_context
def score(ctx: click.Context, file: Path, policy: str, model: str | None, as_json: bool) -> None:
    """Scores FILE, an evidence.json of this or of the original tool, or an evidence.jsonl.

    Exit code: 0 when all gateways passed and the model qualifies, 1 when not, 2 when FILE cannot be read.
    """
    from pytest_aprqa.evidence import of_model, read_run
    from pytest_aprqa.scoring import score_evidence, score_upstream

    evidence = read_run(file)
    if model is not None:
        evidence = of_model(evidence, model, where=str(file))
    scored: Mqs | UpstreamMqs
    if policy == "upstream":
        scored = score_upstream(evidence.records)
        text = _upstream_text(evidence, scored)
    else:
        scored = score_evidence(evidence)
        text = _project_text(evidence, scored)
    if as_json:
        say_json(_json(evidence, policy, scored))
    else:
        say(text)
    ctx.exit(0 if scored.qualifies else 1)


def _json(evidence: Evidence, policy: str, scored: Mqs | UpstreamMqs) -> dict[str, Json]:
    plain = scored.to_json()
    return {
        "model": evidence.playbook.model,
        "dialect": evidence.dialect,
        "score_policy": policy,
        "raw_score": plain.get("mqs"),
        "gateways_passed": scored.gateways_passed,
        **plain,
    }


def _project_text(evidence: Evidence, mqs: Mqs) -> str:
    from pytest_aprqa.reports import render_summary

    shown = screen()
    text = render_summary(evidence, mqs, width=shown.width, color=shown.color, ascii=shown.ascii, files=())
    return text.rstrip("\n")


def _upstream_text(evidence: Evidence, scored: UpstreamMqs) -> str:
    from pytest_aprqa.scoring import full_headline, score_evidence

    gateways = (f"{gateway} {'passed' if passed else 'failed'}" for gateway, passed in scored.gateways.items())
    categories = (
        f"{category} {points} ({scored.tallies[category].passed} of {scored.tallies[category].total})"
        for category, points in scored.categories.items()
    )
    penalties = (f"-{penalty.points} {penalty.code} ({penalty.description})" for penalty in scored.penalties)
    rows = (
        ("model", visible(evidence.playbook.model)),
        ("standing", full_headline(evidence, score_evidence(evidence))),
        ("score policy", "upstream: untested categories get full marks, skipped tests count as passed"),
        ("raw_score", f"{scored.raw_score} of 1000"),
        ("normalized_score", f"{scored.normalized_score:.1f}"),
        ("grade", scored.grade),
        ("gateways", ", ".join(gateways)),
        ("categories", ", ".join(categories)),
        ("penalties", ", ".join(penalties) or "none"),
        ("tests", f"{scored.tests_passed} passed, {scored.tests_failed} failed, {scored.total_tests} in all"),
        ("qualifies", "yes" if scored.qualifies else "no"),
    )
    return "\n".join(f"{name:<17} {value}" for name, value in rows)
