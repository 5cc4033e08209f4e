"""What a certificate claims, and what it states beside that."""

from __future__ import annotations

import re
from datetime import timedelta, timezone

import pytest

from pytest_aprqa.core import Category, Json, Modality, Outcome
from pytest_aprqa.evidence import Evidence, RunInfo, Selection
from pytest_aprqa.reports import render_certificate
from pytest_aprqa.scoring import Rules, score
from tests.reports.certificates import DIGEST, FORMS, NOW, lines_of, middling, of_run, of_tier, paper, render
from tests.reports.samples import CPU, GGUF, blocked, case, eventful, evidence, gateways, good, record
from tests.reports.snapshot import check_snapshot


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


def test_a_certificate_states_what_it_rests_on() -> None:
    text = render(good()).replace("\\", "")
    stated = [
        "aprqa/aprqa-tiny",
        "| tier | mvp |",
        "PROVISIONAL, tier mvp passed; MQS 1000 .. 1000 of 1000",
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


def test_how_close_the_predictions_are_is_told_with_interval_and_limit() -> None:
    assert lines_of(good(), "Closeness to the original") == "not measured"
    told: dict[str, Json] = {
        "quantity": "mean KL divergence",
        "value": 0.004,
        "interval": [0.003, 0.005],
        "limit": 0.0088,
        "limit_source": "measured",
    }
    made = evidence([*good().records, record("F-KL-MEAN-001", GGUF, details=told)])
    said = lines_of(made, "Closeness to the original")
    assert said == f"{GGUF.id} | mean KL divergence | 0.004 | 0.003 to 0.005 | 0.0088 | measured"


def test_what_the_original_answers_rightly_and_a_target_does_not_is_counted() -> None:
    made = evidence([*good().records, case("sum_0", Modality.RUN, GGUF, Outcome.FALSIFIED)])
    said = f"beside the original | {GGUF.id} fails 1 of 1 cases that the original passes; 0 fail in both, 0 in the "
    assert said in lines_of(made, "Verdict")
