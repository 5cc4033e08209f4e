from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone
from html.parser import HTMLParser

import pytest

from pytest_aprqa.core import Category, EvidenceError, Gateway, Modality, Outcome
from pytest_aprqa.evidence import Dialect, Evidence, Record, RunInfo, Selection
from pytest_aprqa.reports import refusal, render_certificate
from pytest_aprqa.reports.certificate_paper import Paper, paper_of
from pytest_aprqa.scoring import Mqs, Rules, score
from tests.reports.samples import (
    CPU,
    GPU,
    HOSTILE,
    blocked,
    case,
    eventful,
    evidence,
    gateways,
    good,
    hostile_fields,
    record,
    weights_missing,
)
from tests.reports.snapshot import check_snapshot

NOW = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
DIGEST = "e" * 64
FORMS = ("markdown", "html")


def of_tier(made: Evidence, tier: str | None) -> Evidence:
    return made.model_copy(update={"playbook": made.playbook.model_copy(update={"tier": tier})})


def of_run(made: Evidence, **changes: object) -> Evidence:
    return made.model_copy(update={"run": made.run.model_copy(update=changes)})


def scored(made: Evidence) -> Mqs:
    partial = made.run.selection is Selection.PARTIAL
    return score(made.records, Rules(made.playbook.tier, partial_selection=partial))


def render(made: Evidence, form: str = "markdown", now: datetime = NOW) -> str:
    return render_certificate(made, scored(made), evidence_sha256=DIGEST, now=now, form=form)


def paper(made: Evidence) -> Paper:
    return paper_of(made, scored(made), evidence_sha256=DIGEST, now=NOW)


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


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["good", "eventful"])
def test_the_paper_is_the_one_that_was_reviewed(name: str, form: str) -> None:
    suffix = {"markdown": "md", "html": "html"}[form]
    check_snapshot(f"certificate-{name}.{suffix}", render({"good": good(), "eventful": eventful()}[name], form))


@pytest.mark.parametrize(
    ("made", "title"),
    [
        (of_tier(good(), "deep"), "Certificate: aprqa/aprqa-tiny"),
        (good(), "Provisional certificate: aprqa/aprqa-tiny"),
        (of_tier(middling(), "deep"), "Provisional certificate: aprqa/aprqa-tiny"),
        (of_tier(good(), "smoke"), "Record of a smoke run: aprqa/aprqa-tiny"),
        (of_tier(good(), "quick"), "Record of a quick run: aprqa/aprqa-tiny"),
        (of_tier(good(), "standard"), "Record of a standard run: aprqa/aprqa-tiny"),
        (of_tier(good(), None), "Record of a run without a tier: aprqa/aprqa-tiny"),
        (of_tier(good(), "platinum"), "Record of a platinum run: aprqa/aprqa-tiny"),
        (eventful(), "PARTIAL: record of an mvp run: aprqa/aprqa-tiny"),
        (blocked(), "BLOCKED: record of an mvp run: aprqa/aprqa-tiny"),
        (of_tier(blocked(), "smoke"), "BLOCKED: record of a smoke run: aprqa/aprqa-tiny"),
        (
            of_run(of_tier(good(), "deep"), selection=Selection.PARTIAL),
            "PARTIAL: record of a deep run: aprqa/aprqa-tiny",
        ),
    ],
)
def test_the_first_line_claims_what_the_tier_may_award_and_no_more(made: Evidence, title: str) -> None:
    assert render(made).split("\n")[0] == f"# {title}"
    assert f"<h1>{title}</h1>" in render(made, "html")
    assert ("certificate:" in title.lower()) == paper(made).awarded


@pytest.mark.parametrize(
    "made",
    [of_tier(good(), "smoke"), eventful(), blocked(), of_run(good(), selection=Selection.PARTIAL)],
    ids=["smoke", "partial", "blocked", "selection"],
)
@pytest.mark.parametrize("form", FORMS)
def test_a_record_is_no_certificate_and_never_valid(made: Evidence, form: str) -> None:
    text = render(made, form)
    assert "This is not a certificate" in text
    assert "never valid as a certificate" in text
    assert "Valid for 90 days" not in text
    assert not re.search(r"\b(CERTIFIED|PROVISIONAL)\b", text.partition("<body>")[2] or text)


def test_what_the_registry_says_does_not_make_a_smoke_run_a_certificate() -> None:
    from pytest_aprqa.scoring import Status

    made = of_tier(good(), "smoke")
    kept = score(made.records, Rules("smoke", previous=Status.CERTIFIED))
    text = render_certificate(made, kept, evidence_sha256=DIGEST, now=NOW, form="markdown")
    assert text == render(made)
    assert "CERTIFIED" not in text


@pytest.mark.parametrize("rules", [Rules("deep"), Rules(None)])
def test_a_score_by_another_tier_is_refused(rules: Rules) -> None:
    made = good()
    with pytest.raises(EvidenceError, match="the score is not that of this evidence"):
        render_certificate(made, score(made.records, rules), evidence_sha256=DIGEST, now=NOW, form="html")


def test_a_score_of_other_evidence_is_refused() -> None:
    with pytest.raises(EvidenceError, match="the score is not that of this evidence"):
        render_certificate(blocked(), scored(good()), evidence_sha256=DIGEST, now=NOW, form="html")


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
        render_certificate(good(), scored(good()), evidence_sha256=digest, now=NOW, form="markdown")


def test_an_unknown_form_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="expected one of markdown, html"):
        render(good(), "pdf")


def test_a_certificate_states_what_it_rests_on() -> None:
    text = render(good()).replace("\\", "")
    stated = [
        "aprqa/aprqa-tiny",
        "| tier | mvp |",
        "between 1000 and 1000 of 1000",
        "95 % interval 95.",
        "| safetensors-cpu | model.safetensors | " + "cd" * 32 + " |",
        "| safetensors-cpu | playbook | not recorded | none recorded | none recorded | none |",
        "torch 2.9.0, transformers 5.0.0",
        "| playbook sha256 | " + "ab" * 32 + " |",
        "| evidence sha256 | " + DIGEST + " |",
        "not verified against a lock",
        "Some CPU (2 cores)",
        "| issued | 2026-03-04 05:06 UTC |",
        "| valid until | 2026-06-02 |",
        "| foreign code | none was run |",
    ]
    assert [words for words in stated if words not in text] == []


def test_the_time_is_told_in_utc() -> None:
    east = NOW.astimezone(timezone(timedelta(hours=14)))
    assert render(good(), now=east) == render(good())


def test_what_was_not_tested_is_listed() -> None:
    made = of_run(eventful(), selection=Selection.PARTIAL, selection_reason="-k chat")
    planned = made.playbook.model_copy(
        update={"planned": len(made.records) + 3, "warnings": ("q8_0 is declared, not tested",)}
    )
    told = lines_of(made.model_copy(update={"playbook": planned}), "What was not tested")
    for words in (
        "part of the playbook was left out (-k chat)",
        "3 planned cases left no record",
        "categories without evidence: PERF, COMP, REGR",
        "formats not tested: apr",
        "backends not tested: gpu",
        "ways of use not tested: serve",
        "cell serve[safetensors-cpu]: none of 3 cases was judged",
        "cell run[safetensors-gpu]: none of 12 cases was judged",
        "inconclusive gates: F-A3-001 (1)",
        "12 cases skipped: gpu: no CUDA device",
        "the playbook's loader remarked: q8_0 is declared, not tested",
    ):
        assert words in told
    assert "cell run[safetensors-cpu]" not in told


def test_an_unknown_gateway_is_said_not_to_be_passed() -> None:
    made = evidence(one for one in gateways(CPU) if one.gate_id != "G1-LOAD")
    assert "gateway G1 (load) is unknown, which is not passed" in lines_of(made, "What was not tested")
    assert render(made).startswith("# PARTIAL: ")


def test_what_was_refuted_is_said_in_a_certificate_too() -> None:
    made = of_tier(middling(), "mvp")
    assert paper(made).awarded
    assert "F-EDGE-001 | 1 falsified | a hostile prompt" in lines_of(made, "What was refuted")
    assert lines_of(good(), "What was refuted") == "nothing, of what was judged"


@pytest.mark.parametrize(
    ("option", "words"),
    [("trust_remote_code", "code from the model's own repository was run"), ("allow_commands", "command lines from")],
)
@pytest.mark.parametrize("form", FORMS)
def test_foreign_code_that_was_run_is_told_at_the_top(option: str, words: str, form: str) -> None:
    text = render(of_run(good(), options={option: True}), form)
    head = text.partition("Verdict")[0]
    assert "Warning: " in head
    assert words in head.replace("&#39;", "'")
    assert "Warning: " not in render(of_run(good(), options={option: False}), form)


@pytest.mark.parametrize(
    "run",
    [
        RunInfo(command=("pytest", "--aprqa-lock", "a.lock.yaml")),
        RunInfo(command=("pytest", "--aprqa-lock=a.lock.yaml")),
        RunInfo(options={"lock": "a.lock.yaml"}),
    ],
)
def test_the_lock_that_was_verified_is_named(run: RunInfo) -> None:
    made = good().model_copy(update={"run": run})
    assert "verified against a.lock.yaml before the run" in lines_of(made, "Basis")


def test_a_gateway_that_failed_is_named_at_the_top() -> None:
    head = render(blocked()).partition("## Verdict")[0]
    assert "Gateway G0 (integrity) failed on gguf-q4\\_k\\_m-cpu" in head


def test_a_run_blocked_by_its_score_says_so() -> None:
    records = [*gateways(CPU), case("sum", Modality.RUN)]
    for category in (Category.PERF, Category.COMP, Category.EDGE, Category.REGR):
        records.append(record(f"F-{category}-001", CPU, Outcome.FALSIFIED))
    made = evidence(records)
    assert "This is not a certificate: the run was BLOCKED by its score of 400" in render(made)


class Texts(HTMLParser):
    """Collects the texts of a page, and refuses a page whose elements are not closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: Iterable[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag != "meta":
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.texts.append(data)


@pytest.mark.parametrize("made", [good(), eventful(), blocked()], ids=["good", "eventful", "blocked"])
def test_both_forms_state_the_same(made: Evidence) -> None:
    whole = paper(made)
    stated = [whole.title, *whole.lead]
    for section in whole.sections:
        stated += [section.title, *section.lines]
        for row in (*section.facts, *section.rows):
            stated += row
    page = "".join(Texts(render(made, "html")).texts)
    markdown = re.sub(r"\\(.)", r"\1", render(made)).replace("&#64;", "@")
    for text in stated:
        assert text in page
        assert re.sub(r"\\(.)", r"\1", text) in markdown


def hostile() -> Evidence:
    made = evidence(
        [
            *gateways(CPU),
            *(
                case("x", Modality.RUN, target, outcome, case_id=HOSTILE, answer=HOSTILE, **hostile_fields())
                for target in (CPU, GPU)
                for outcome in Outcome
            ),
        ],
        run=RunInfo(id=HOSTILE, command=(HOSTILE,), options={"trust_remote_code": True, "x": HOSTILE}),
    )
    weights = tuple(one.model_copy(update={"source": HOSTILE, "digests": {HOSTILE: "cd" * 32}}) for one in made.weights)
    changed = {"name": HOSTILE, "path": HOSTILE, "model": HOSTILE, "warnings": (HOSTILE,)}
    return made.model_copy(update={"weights": weights, "playbook": made.playbook.model_copy(update=changed)})


@pytest.mark.parametrize("form", FORMS)
def test_hostile_texts_are_shown_and_do_nothing(form: str) -> None:
    text = render(hostile(), form)
    text.encode()
    assert all(line.isprintable() for line in text.split("\n"))
    assert "<b>" not in text
    assert "&lt;b&gt;" in text


def test_a_page_holds_no_script_and_asks_for_nothing() -> None:
    page = render(hostile(), "html")
    assert not {"script", "img", "link", "iframe", "a", "form", "b"} & set(Texts(page).tags)
    assert "default-src 'none'" in page
    assert "url(" not in page


def test_the_origin_of_converted_files_is_told() -> None:
    made = good()
    changes = {
        "source": "converted by pytest-aprqa 0.1.0",
        "revision": "0123abc",
        "converter": "pytest-aprqa 0.1.0 (gguf 0.19.0)",
        "made_from": {"model.safetensors": "12" * 32},
        "signature": "matches",
    }
    (weights,) = made.weights
    told = lines_of(made.model_copy(update={"weights": (weights.model_copy(update=changes),)}), "Origin")
    row = ["safetensors-cpu", *list(changes.values())[:3], f"model.safetensors {'12' * 32}", "matches"]
    assert told.startswith(" | ".join(map(str, row)))


def test_an_origin_that_is_not_verified_is_told_at_the_top() -> None:
    made = good()
    (weights,) = made.weights
    head = render(made.model_copy(update={"weights": (weights.model_copy(update={"source": ""}),)}))
    assert "origin is not verified" in head.partition("## Verdict")[0]
    assert "origin is not verified" not in render(made)


def test_a_run_of_two_thousand_cases_makes_a_short_paper() -> None:
    records = [
        case(f"c{number}", Modality.RUN, CPU, Outcome.INCONCLUSIVE, reason=f"{number}") for number in range(2_000)
    ]
    text = render(evidence([*gateways(CPU, failed=Gateway.G1), *records]))
    assert len(text) < 50_000
