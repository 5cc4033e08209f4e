"""The registry that this repository ships, and the path by which it is made."""

from __future__ import annotations

from pathlib import Path

from pytest_aprqa.registry import (
    import_published,
    new_row,
    read_awards,
    read_books,
    read_registry,
    render_registry,
    size_of,
    update_registry,
)
from tests.conftest import REPOSITORY

CSV = REPOSITORY / "certifications" / "models.csv"


def test_every_model_is_there_once_sorted_with_its_size_word() -> None:
    rows = read_registry(CSV).rows
    assert len(rows) == 93
    assert len({row.model_id.lower() for row in rows}) == 93
    assert [row.place for row in rows] == sorted(row.place for row in rows)
    assert all(row.family for row in rows)
    assert [row.model_id for row in rows if row.size_category != size_of(row.parameters)] == []


def test_no_model_claims_what_its_record_does_not_say() -> None:
    awards = read_awards(CSV)
    claimed = {row.model_id for row in read_registry(CSV).rows if row.status != "PENDING"}
    assert claimed <= set(awards.awards)


def test_the_facts_are_those_of_the_published_registry(tmp_path: Path, corpus: Path) -> None:
    path = tmp_path / "models.csv"
    update_registry(
        path, lambda _: import_published(read_books(path), corpus / "models.csv", facts_only=True).books.registry
    )
    update_registry(path, lambda table: table.with_row(new_row("aprqa/aprqa-tiny", family="aprqa", parameters="2.03M")))
    made = {row.model_id: (row.family, row.parameters, row.size_category) for row in read_registry(path).rows}
    ours = {row.model_id: (row.family, row.parameters, row.size_category) for row in read_registry(CSV).rows}
    assert ours == made
    assert render_registry(read_registry(path)).count("PENDING") == 93
