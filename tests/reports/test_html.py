from __future__ import annotations

from pytest_aprqa.core import Modality, Outcome
from pytest_aprqa.reports import html_cells, html_columns
from tests.reports.samples import CPU, HOSTILE, case, gateways


def test_a_row_has_one_text_for_each_column() -> None:
    rows = (case("x", Modality.RUN), gateways(CPU)[0], None)
    assert {len(html_cells(row)) for row in rows} == {len(html_columns())}


def test_a_row_says_what_was_asked_of_what_and_what_came_of_it() -> None:
    assert html_cells(case("x", Modality.CHAT, outcome=Outcome.FALSIFIED, answer="5")) == (
        "F-A3-001",
        "safetensors-cpu",
        "chat",
        "falsified",
        "What is 2+2? (x)",
        "5",
    )


def test_nothing_from_a_model_becomes_html() -> None:
    texts = html_cells(case("x", Modality.RUN, answer=f"<script>'\"&{HOSTILE}", turns=("<img src=x>",)))
    assert not any(character in text for text in texts for character in "<>\"'")
    assert all(text.isprintable() for text in texts)
    assert texts[-2] == "&lt;img src=x&gt;"


def test_ten_megabytes_are_shortened() -> None:
    assert len(html_cells(case("x", Modality.RUN, answer="<" * 10_000_000))[-1]) < 5_000
