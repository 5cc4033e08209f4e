from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from pytest_aprqa.core import Json, Modality, Outcome
from pytest_aprqa.evidence import Record
from pytest_aprqa.reports import FirstFailure, first_failure_lines, render_first_failure
from tests.reports.samples import CPU, HOSTILE, case, evidence, hostile_fields, record
from tests.reports.snapshot import check_snapshot

FILES = [
    "diagnostics.json",
    "environment.json",
    "exchange.json",
    "gate.json",
    "playbook.yaml",
    "stderr.log",
    "summary.md",
    "tensors.json",
]
REPOSITORY: dict[str, Json] = {"commit": "c" * 40, "branch": "main", "dirty": True}
TENSORS: dict[str, Json] = {
    "format": "safetensors",
    "tensors": [{"name": "w", "dtype": "F32", "shape": [2, 2], "sha256": "ab" * 32}],
    "left_out": None,
}


def failure(failed: Record) -> FirstFailure:
    whole = evidence([failed])
    return FirstFailure(
        record=whole.records[0],
        playbook=whole.playbook,
        run=whole.run,
        host=whole.host,
        engines=whole.engines,
        weights=whole.weights,
        repository=REPOSITORY,
        tensors=TENSORS,
        playbook_text="name: tiny\r\n",
        command="pytest 'tiny.playbook.yaml::run[safetensors-cpu-sum]' --aprqa-failure-policy fail-fast",
        at="2026-01-02T03:04:05.000+00:00",
    )


WRONG = case(
    "sum", Modality.RUN, CPU, Outcome.FALSIFIED, answer="5", expected=4, temperature=0.0, max_tokens=32, seed=7,
    details={"garbage": False, "found": 5, "limit": 4}, oracles=("arithmetic",),
)  # fmt: skip
DEAD = case("sum", Modality.RUN, CPU, Outcome.CRASHED, answer=None, stderr_tail="Segmentation fault\n", exit_code=-11)


def test_a_wrong_answer_makes_these_files() -> None:
    files = render_first_failure(failure(WRONG))
    assert sorted(files) == FILES
    check_snapshot("first-failure.md", files["summary.md"])
    assert files["playbook.yaml"] == "name: tiny\r\n"
    assert files["stderr.log"] == ""


def test_the_exchange_holds_what_was_asked_and_answered() -> None:
    exchange = json.loads(render_first_failure(failure(WRONG))["exchange.json"])
    assert exchange["turns"] == ["What is 2+2? (sum)"]
    assert exchange["expected"] == 4
    assert exchange["answers"][0]["text"] == "5"
    assert exchange["sampling"]["seed"] == 7


def test_the_gate_has_its_numbers_and_its_hypothesis() -> None:
    gate = json.loads(render_first_failure(failure(WRONG))["gate.json"])
    assert (gate["id"], gate["severity"]) == (WRONG.gate_id, "P1")
    assert gate["title"]
    assert gate["numbers"] == {"garbage": False, "found": 5, "limit": 4}


def test_the_diagnostics_say_how_to_see_it_again() -> None:
    diagnostics = json.loads(render_first_failure(failure(WRONG))["diagnostics.json"])
    assert diagnostics["version"] == "1"
    assert diagnostics["failure"]["reason"] == "not as expected"
    assert diagnostics["failure"]["target"] == "safetensors-cpu"
    assert diagnostics["weights"][0]["digests"] == {"model.safetensors": "cd" * 32}
    assert diagnostics["environment"]["repository"] == REPOSITORY
    assert "::run[safetensors-cpu-sum]" in diagnostics["reproduction"]["command"]


def test_a_dead_engine_leaves_its_last_words() -> None:
    files = render_first_failure(failure(DEAD))
    assert files["stderr.log"] == "Segmentation fault\n"
    assert "Segmentation fault" in files["summary.md"]
    assert "was not answered" in files["summary.md"]
    assert json.loads(files["diagnostics.json"])["failure"]["exit_code"] == -11


def test_a_check_that_asks_nothing_says_so() -> None:
    files = render_first_failure(failure(record("G1-LOAD", CPU, Outcome.FALSIFIED)))
    assert json.loads(files["exchange.json"])["asked"] is False
    assert "What was asked" not in files["summary.md"]
    assert json.loads(files["gate.json"])["gateway"] == "G1"


def test_a_playbook_that_was_changed_is_left_out_and_said() -> None:
    files = render_first_failure(replace(failure(WRONG), playbook_text=None))
    assert "playbook.yaml" not in files
    assert "* `playbook.yaml`" not in files["summary.md"]
    said = json.loads(files["diagnostics.json"])["reproduction"]["playbook_left_out"]
    assert said == "the file was changed during the run"


def test_what_was_left_out_of_the_tensors_is_said() -> None:
    files = render_first_failure(replace(failure(WRONG), tensors={"tensors": [], "left_out": "too | slow"}))
    assert json.loads(files["tensors.json"])["left_out"] == "too | slow"
    assert r"too \| slow" in files["summary.md"]


def test_the_terminal_gets_marked_lines() -> None:
    assert first_failure_lines(failure(WRONG), "/out/fail-fast-report") == (
        f"[FAIL-FAST] falsified {WRONG.gate_id} in run[safetensors-cpu-sum]",
        "[FAIL-FAST] not as expected",
        "[FAIL-FAST] report: /out/fail-fast-report/summary.md",
        "[FAIL-FAST] again: pytest 'tiny.playbook.yaml::run[safetensors-cpu-sum]' --aprqa-failure-policy fail-fast",
    )


@pytest.fixture
def hostile() -> FirstFailure:
    fields = {**hostile_fields(), "details": {"x": "```\n" + HOSTILE}}
    made = failure(record(fields.pop("gate_id"), CPU, Outcome.CRASHED, **fields))
    return replace(
        made, command=HOSTILE, repository={"commit": HOSTILE, "branch": HOSTILE, "dirty": None},
        tensors={"tensors": [{"name": "\ud800"}], "left_out": HOSTILE},
    )  # fmt: skip


def test_hostile_texts_neither_end_a_block_nor_reach_a_terminal(hostile: FirstFailure) -> None:
    files = render_first_failure(hostile)
    assert all("\x1b" not in line and "\n" not in line for line in first_failure_lines(hostile, HOSTILE))
    assert "\x1b" not in files["summary.md"]
    for name in FILES:
        if name.endswith(".json"):
            json.loads(files[name])
        if name != "stderr.log":  # a record's own text is plain by the time it is recorded
            files[name].encode()
    outside = re.sub(r"(?ms)^(`{3,})\w*\n.*?^\1$", "", files["summary.md"])
    assert "<b>" not in outside


def test_long_texts_are_shortened_in_the_summary_alone() -> None:
    long = case("sum", Modality.RUN, CPU, Outcome.FALSIFIED, answer="9" * 100_000)
    files = render_first_failure(failure(long))
    assert len(files["summary.md"]) < 10_000
    assert len(json.loads(files["exchange.json"])["answers"][0]["text"]) == 100_000
