"""The records as the page's script reads them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_aprqa.core import Modality, Outcome
from pytest_aprqa.evidence import Evidence
from pytest_aprqa.reports.page import table
from pytest_aprqa.reports.page.table import BUDGET_BYTES, records_json
from tests.reports.page_samples import hostile, large
from tests.reports.samples import case, evidence, record


def read(made: Evidence) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(records_json(made))
    return parsed


def test_each_text_is_held_once() -> None:
    read_back = read(evidence([case(f"n{number}", Modality.RUN, turns=("the same",)) for number in range(9)]))
    assert read_back["texts"].count("the same") == 1
    assert len(read_back["rows"]) == read_back["total"] == 9


def test_a_row_holds_what_was_asked_answered_and_how_to_see_it_again() -> None:
    made = evidence([case("sum", Modality.CHAT, outcome=Outcome.FALSIFIED, answer="5", expected=4)])
    read_back = read(made)
    (row,), texts = read_back["rows"], read_back["texts"]
    assert texts[row[0]] == "F-A3-001"
    assert read_back["gates"][str(row[0])] == ["QUAL", "P1", "chat on cpu gives the expected answer"]
    assert read_back["targets"][str(row[1])] == ["safetensors", "cpu", None]
    assert read_back["outcomes"][row[2]] == "falsified"
    assert [texts[turn] for turn in row[7]] == ["What is 2+2? (sum)"]
    assert [texts[answer] for answer in row[8]] == ["5"]
    more = {name: texts[place] for name, place in row[9]}
    assert more["expected"] == "4"
    assert (read_back["path"], read_back["untypable"]) == ("playbooks/models/aprqa-tiny-mvp.playbook.yaml", [])


def test_a_gateway_is_run_again_as_one_item_or_with_the_whole_playbook() -> None:
    made = evidence([case("x", Modality.RUN), record("G0-VALIDATE-001"), record("G3-STABLE")])
    read_back = read(made)
    items = read_back["items"]
    assert (set(items), items["2"]) == ({"1", "2"}, -1)
    assert read_back["texts"][items["1"]] == "G0_integrity[safetensors-cpu]"


def test_an_id_that_cannot_be_typed_gets_no_command() -> None:
    made = evidence([case("x", Modality.RUN), case("y", Modality.RUN, case_id="run[\u202e]")])
    assert read(made)["untypable"] == [1]


def test_nothing_in_the_json_ends_the_element_that_holds_it() -> None:
    made = records_json(hostile())
    assert not set("<>&\u2028\u2029\u202e\ud800") & set(made)
    assert "</script>" in "".join(json.loads(made)["texts"])


def test_many_long_texts_are_cut_until_the_page_is_light() -> None:
    story = "word " * 20_000
    made = evidence([case(f"n{number}", Modality.RUN, answer=f"{number} {story}") for number in range(300)])
    text = records_json(made)
    assert len(text.encode()) <= BUDGET_BYTES
    assert "0 word word" in text
    assert "(100,002 characters)" in text


def test_few_records_keep_their_texts_whole() -> None:
    story = "word " * 3_000
    assert story in read(evidence([case("x", Modality.RUN, answer=story)]))["texts"]


def test_when_not_all_can_be_listed_the_failed_ones_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "MOST_RECORDS", 30)
    read_back = read(large(100))
    assert (len(read_back["rows"]), read_back["total"]) == (30, 100)
    failed = [row for row in read_back["rows"] if read_back["outcomes"][row[2]] == "falsified"]
    assert len(failed) == 10


def test_even_texts_that_grow_when_spelled_stay_within_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "BUDGET_BYTES", 20_000)
    text = records_json(hostile("\u202e" * 1_000))
    assert len(text.encode()) <= 20_000
    assert json.loads(text)["rows"]
