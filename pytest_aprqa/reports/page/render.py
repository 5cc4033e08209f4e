"""Puts the page together: the views of the evidence into the template, styles and script into the page, and its policy.

The page may load and send nothing: its content security policy allows exactly the one style sheet and the one script
that are in it, by their digests. What a model wrote is a text for the template and data for the script.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections import Counter
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pytest_aprqa.core import Gateway, Outcome, excerpt
from pytest_aprqa.evidence import Evidence, provenance_problems
from pytest_aprqa.regression import Comparison
from pytest_aprqa.reports.distances import distances_of
from pytest_aprqa.reports.failures import failed_records
from pytest_aprqa.reports.page.changes import changes_of
from pytest_aprqa.reports.page.failed import counterexamples
from pytest_aprqa.reports.page.heat import COLUMNS, heat_rows
from pytest_aprqa.reports.page.kl_plot import kl_plot
from pytest_aprqa.reports.page.layers import courses_of, drawn, layer_plot
from pytest_aprqa.reports.page.links import records_link
from pytest_aprqa.reports.page.origin import engine_rows, run_rows, sources
from pytest_aprqa.reports.page.svg import outcomes_bar, rate_bar, score_bar
from pytest_aprqa.reports.page.table import records_json
from pytest_aprqa.reports.page.texts import LONG, SHORT, lines, shown, whole
from pytest_aprqa.reports.speed import SPEED_HEADER, SPEED_LEGEND, speed_rows
from pytest_aprqa.reports.standing import beside_sentences, rate_sentence, status_reasons, tier_sentence
from pytest_aprqa.reports.unjudged import unjudged_groups
from pytest_aprqa.scoring import Mqs, coverage_of, full_headline, headline, shows_letters

_REASONS: Final = 40
_MOST_TARGETS: Final = 300
"""Rows of a table of targets; formats, quantizations and backends make no more than 66."""


def render_html_report(evidence: Evidence, mqs: Mqs, *, comparison: Comparison | None = None) -> str:
    """The whole report of one playbook's run as one HTML file.

    Args:
        evidence: the run, ours or foreign.
        mqs: its score.
        comparison: what changed since an earlier run; None where there is none to compare with.

    Returns:
        A page that needs no network; readable without scripts, which add filters, paging and details of every record.
    """
    mqs = replace(mqs, tier=replace(mqs.tier, tier=mqs.tier.tier and excerpt(mqs.tier.tier, limit=SHORT)))
    style, script = _asset("page.css"), _asset("page.js")
    page = (
        _environment()
        .get_template("page.html")
        .render(
            evidence=evidence,
            mqs=mqs,
            changes=None if comparison is None else changes_of(comparison),
            counterexamples=counterexamples(evidence),
            failures=len(failed_records(evidence.records)),
            data=Markup(records_json(evidence)),  # noqa: S704 - script_json has escaped it for a script element
            style=style,
            script=script,
            policy=_policy(style, script),
            **_standing(evidence, mqs),
            **_measured(evidence),
            **_provenance(evidence),
        )
    )
    return page.encode("utf-8", "backslashreplace").decode("utf-8")


def _standing(evidence: Evidence, mqs: Mqs) -> dict[str, object]:
    """What the score rests on."""
    return {
        "reasons": [_paragraph(reason) for reason in status_reasons(evidence, mqs)],
        "headline": headline(mqs),
        "coverage": coverage_of(evidence).words,
        "lettered": shows_letters(mqs),
        "sentences": [
            _paragraph(_capital(said))
            for said in (
                full_headline(evidence, mqs),
                tier_sentence(mqs),
                rate_sentence(mqs),
                *beside_sentences(evidence),
            )
        ],
        "score_chart": score_bar(mqs),
        "outcomes": [(str(outcome), mqs.outcomes[outcome], records_link(outcome=outcome)) for outcome in Outcome],
        "outcomes_chart": outcomes_bar(mqs.outcomes),
        "gateways": [(gateway, gateway.word) for gateway in Gateway],
        "targets": list(mqs.target_gateways.items())[:_MOST_TARGETS],
        "categories": [
            (score, rate_bar(score), records_link(category=score.category)) for score in mqs.categories.values()
        ],
        "heat_columns": COLUMNS,
        "heat": heat_rows(evidence.records)[:_MOST_TARGETS],
        "unjudged": unjudged_groups(evidence.records, limit=_REASONS),
        "untried": _untried(evidence, mqs),
    }


def _measured(evidence: Evidence) -> dict[str, object]:
    """What was measured of each target."""
    distances, courses = distances_of(evidence), courses_of(evidence)
    return {
        "distances": distances,
        "kl_chart": kl_plot(distances),
        "courses": courses,
        "courses_drawn": drawn(courses),
        "layer_chart": layer_plot(courses),
        "speed_header": SPEED_HEADER,
        "speed_legend": SPEED_LEGEND,
        "speed": speed_rows(evidence)[:_MOST_TARGETS],
    }


def _provenance(evidence: Evidence) -> dict[str, object]:
    return {
        "problems": provenance_problems(evidence)[:_REASONS],
        "run_rows": run_rows(evidence),
        "engine_rows": engine_rows(evidence),
        "sources": sources(evidence),
    }


def _untried(evidence: Evidence, mqs: Mqs) -> list[str]:
    """What the run says nothing about."""
    said = [f"category {score.category}: no evidence" for score in mqs.categories.values() if not score.total]
    judged = {record.target_id for record in evidence.records if record.outcome is not Outcome.SKIPPED}
    skipped = Counter(record.target_id for record in evidence.records if record.target_id not in judged)
    said += [f"target {target}: all {count:,} cases were skipped" for target, count in skipped.items() if target]
    missing = evidence.playbook.planned - len(evidence.records)
    if missing > 0:
        said.append(f"{missing:,} of the {evidence.playbook.planned:,} planned cases left no record")
    return said


def _paragraph(sentence: str) -> Markup:
    return Markup.escape(lines(sentence, limit=LONG))


def _capital(sentence: str) -> str:
    return f"{sentence[:1].upper()}{sentence[1:]}."


def _policy(style: Markup, script: Markup) -> str:
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'"
    )


def _digest(content: str) -> str:
    return f"sha256-{b64encode(hashlib.sha256(content.encode()).digest()).decode()}"


@cache
def _asset(name: str) -> Markup:
    """A file of this package, as it stands; it is ours and needs no escaping."""
    text = files(__package__).joinpath("templates", name).read_text("utf-8")
    return Markup(text)  # noqa: S704 - a file of this package


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("pytest_aprqa.reports.page"),
        autoescape=True,
        finalize=shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["whole"] = whole
    return made
