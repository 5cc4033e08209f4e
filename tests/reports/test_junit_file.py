from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
import xmlschema

from pytest_aprqa.core import Modality, Outcome
from pytest_aprqa.evidence import AnswerRecord, Evidence, RunInfo
from pytest_aprqa.reports import render_junit
from pytest_aprqa.reports.junit_file import unique_names
from pytest_aprqa.scoring import Rules, score
from tests.reports.samples import (
    CPU,
    GGUF,
    HOSTILE,
    blocked,
    case,
    empty,
    eventful,
    evidence,
    good,
    hostile_fields,
    record,
    weights_missing,
)
from tests.reports.snapshot import check_snapshot

SAMPLES = {
    "good": good(),
    "eventful": eventful(),
    "blocked": blocked(),
    "weights_missing": weights_missing(),
    "empty": empty(),
}
SCHEMA = xmlschema.XMLSchema(str(Path(__file__).with_name("xunit2.xsd")))


def render(made: Evidence) -> str:
    return render_junit(made, score(made.records, Rules(made.playbook.tier)))


def parsed(made: Evidence) -> ElementTree.Element:
    return ElementTree.fromstring(render(made))


def cases(made: Evidence) -> Iterator[ElementTree.Element]:
    return parsed(made).iter("testcase")


def only_case(outcome: Outcome = Outcome.CORROBORATED, **fields: object) -> ElementTree.Element:
    made = case("x", Modality.RUN, CPU, outcome).model_copy(update=fields)
    (found,) = cases(evidence([made]))
    return found


def test_the_file_is_the_one_that_was_reviewed() -> None:
    check_snapshot("junit-eventful.xml", render(eventful()))


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_is_valid_xunit2(name: str) -> None:
    SCHEMA.validate(render(SAMPLES[name]))


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("<testsuites ", "<testsuites skipped='1' "),
        ("</testcase>", "<properties/></testcase>"),
        ("<testsuite ", "<testsuite extra='1' "),
        (' tests="', ' test="'),
        ('time="', 'time="inf'),
        ("(</?)skipped", r"\1omitted"),
    ],
)
def test_the_schema_refuses_what_xunit2_does_not_know(right: str, wrong: str) -> None:
    text = render(eventful())
    changed = re.sub(right, wrong, text)
    assert changed != text
    assert not SCHEMA.is_valid(changed)


def test_each_target_is_a_suite_with_its_own_properties() -> None:
    suites = {suite.get("name"): suite for suite in parsed(eventful())}
    assert list(suites) == [
        "aprqa-tiny-mvp safetensors-cpu",
        "aprqa-tiny-mvp gguf-q4_k_m-cpu",
        "aprqa-tiny-mvp safetensors-gpu",
    ]
    names = [prop.get("name", "") for prop in suites["aprqa-tiny-mvp gguf-q4_k_m-cpu"].iter("property")]
    assert {"mqs.raw_score", "mqs.status", "gateway.G0", "gateway.G0.gguf-q4_k_m-cpu"} <= set(names)
    assert not [name for name in names if "safetensors-cpu" in name]


@pytest.mark.parametrize(
    ("outcome", "tag", "said"),
    [
        (Outcome.FALSIFIED, "failure", "not as expected"),
        (Outcome.TIMEOUT, "error", "not as expected"),
        (Outcome.CRASHED, "error", "not as expected"),
        (Outcome.SKIPPED, "skipped", "skipped: not as expected"),
        (Outcome.INCONCLUSIVE, "skipped", "inconclusive: not as expected"),
    ],
)
def test_each_outcome_has_its_element(outcome: Outcome, tag: str, said: str) -> None:
    made = evidence([case("x", Modality.RUN, outcome=outcome)])
    (suite,) = parsed(made)
    (found,) = suite.iter("testcase")
    endings = [child for child in found if child.tag != "system-out"]
    assert [(one.tag, one.get("message"), one.get("type")) for one in endings] == [(tag, said, f"aprqa.{outcome}")]
    counts = {name: int(suite.get(name, "0")) for name in ("tests", "failures", "errors", "skipped")}
    expected = {"failure": "failures", "error": "errors", "skipped": "skipped"}[tag]
    assert counts == {"tests": 1, "failures": 0, "errors": 0, "skipped": 0} | {expected: 1}


def test_a_pass_is_an_empty_case_with_its_exchange() -> None:
    assert [child.tag for child in only_case()] == ["system-out"]
    assert only_case().findtext("system-out") == "prompt: What is 2+2? (x)\nanswer: 4"


def test_a_crash_brings_its_last_words() -> None:
    found = only_case(outcome=Outcome.CRASHED, stderr_tail="ggml: <assertion>\n", exit_code=-11)
    assert "stderr:\nggml: <assertion>" in (found.findtext("error") or "")
    assert "exit code -11" in (found.findtext("error") or "")


def test_the_root_counts_what_the_suites_count() -> None:
    root = parsed(eventful())
    for name in ("tests", "failures", "errors"):
        assert int(root.get(name, "-1")) == sum(int(suite.get(name, "0")) for suite in root)
    assert float(root.get("time", "-1")) == pytest.approx(sum(float(suite.get("time", "0")) for suite in root))


def test_equal_case_ids_get_names_of_their_own() -> None:
    made = evidence(record("F-QUAL-001", target) for target in (CPU, CPU, GGUF, CPU))
    names = [(one.get("classname"), one.get("name")) for one in cases(made)]
    assert len(names) == 4 == len(set(names))


def test_names_that_look_like_numbered_ones_stay_unique() -> None:
    made = unique_names(["a", "a", "a (2)", "a", "", ""])
    assert len(made) == len(set(made))


def test_hostile_texts_are_spelled_out_and_stay_valid() -> None:
    made = evidence(
        case("x", Modality.RUN, CPU, outcome, case_id=HOSTILE, answer=HOSTILE, system=HOSTILE, **hostile_fields())
        for outcome in Outcome
    )
    changed = {"name": HOSTILE, "path": HOSTILE, "model": HOSTILE}
    text = render(made.model_copy(update={"playbook": made.playbook.model_copy(update=changed)}))
    text.encode("utf-8")
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]", text)
    SCHEMA.validate(text)
    assert "<b>" not in text
    assert len({one.get("name") for one in ElementTree.fromstring(text).iter("testcase")}) == len(Outcome)


def test_an_answer_of_megabytes_is_shown_in_part() -> None:
    made = evidence([case("x", Modality.RUN, answer="y" * 10_000_000, reason="z" * 10_000_000)])
    text = render(made)
    assert len(text) < 50_000
    assert "(10,000,000 characters)" in text


def test_a_conversation_is_told_in_order_and_bounded() -> None:
    turns = tuple(f"q{number}" for number in range(30))
    answers = tuple(AnswerRecord(text=f"a{number}\nmore") for number in range(29))
    made = evidence([case("x", Modality.CHAT).model_copy(update={"turns": turns, "answers": answers})])
    (found,) = cases(made)
    output = found.findtext("system-out") or ""
    assert output.startswith("prompt: q0\nanswer: a0\nmore\nprompt: q1\n")
    assert output.endswith("(10 more turns)")


def test_absurd_durations_stay_numbers() -> None:
    made = evidence(case(f"c{number}", Modality.RUN, duration_ms=1e308) for number in range(3))
    SCHEMA.validate(render(made))


def test_the_time_of_the_run_is_the_suites_timestamp() -> None:
    run = RunInfo(started_at="2026-01-02T03:04:05.678+00:00")
    (suite,) = parsed(evidence([case("x", Modality.RUN)], run=run))
    assert suite.get("timestamp") == "2026-01-02T03:04:05"
