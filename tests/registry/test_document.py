from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_aprqa.registry import COLUMNS, Registry, RegistryError, Row, parse_registry, read_registry, render_registry
from tests.registry.samples import HEAD, csv_in, line

WHERE = Path("models.csv")
LEGACY = "a/one,fam,72B,huge,PARTIAL,551,F,quick,2026-02-10T09:26:08.537886836Z,true,FALSE,0,yes,17.9,,0.60,,-,,no"


def parsed(text: str) -> Registry:
    return parse_registry(text, path=WHERE)


@pytest.mark.parametrize(
    "text",
    [
        f"{HEAD}\n",
        HEAD,
        f"{HEAD}\n{LEGACY}\n",
        f"{HEAD}\r\n{LEGACY}\r\n",
        f"\ufeff{HEAD}\n{LEGACY}",
        f"{HEAD}\n\n\n{LEGACY}\n\n{LEGACY.replace('one', 'two')}\r\n\n",
        f'{HEAD},notes\n{LEGACY},"a, ""quoted""\nnote"\n{LEGACY.replace("one", "two")},"plain"\n',
        f'{HEAD}\n"a/one"{LEGACY[5:]}\n',
    ],
    ids=["header", "no line end", "legacy words", "crlf", "bom", "blank lines", "unknown column", "needless quotes"],
)
def test_what_was_not_changed_is_written_back_byte_for_byte(text: str) -> None:
    assert render_registry(parsed(text)) == text


def test_only_the_changed_cells_of_a_changed_row_are_rewritten() -> None:
    table = parsed(f'{HEAD},notes\n{LEGACY},"x,y"\n')
    row = table.find("a/one")
    assert row is not None
    assert (row.status, row.size_category, row.gates["g4"], row.tps["tps_apr_cpu"]) == ("PARTIAL", "huge", True, 0.6)
    after = render_registry(table.with_row(replace(row, status="BLOCKED", tps={**row.tps, "tps_gguf_gpu": 3.25})))
    assert after == f'{HEAD},notes\n{LEGACY.replace("PARTIAL", "BLOCKED").replace("17.9,,", "17.9,3.2,")},"x,y"\n'


def test_a_new_row_is_inserted_where_it_sorts_and_says_nothing_of_gateways() -> None:
    table = parsed(f"{HEAD}\r\n{line('a/a', family='a')}\r\n{line('c/c', family='c')}")
    after = render_registry(table.with_row(Row("b/b,x", "b", "135M", "tiny")))
    assert after.split("\r\n") == [
        HEAD,
        line("a/a", family="a"),
        '"b/b,x",b,135M,tiny,PENDING,,,,,,,,,,,,,,,',
        line("c/c", family="c"),
    ]


def test_a_row_after_a_last_line_without_an_end_starts_a_line() -> None:
    after = render_registry(parsed(f"{HEAD}\n{line('a/a', family='a')}").with_row(Row("z/z", "z")))
    assert after.count("\n") == 3


def test_parameters_sort_by_their_number_and_not_as_text() -> None:
    table = Registry(WHERE)
    for count in ("7B", "135M", "14B", "1.7B"):
        table = table.with_row(Row(f"x/{count}", "x", count))
    assert [row.parameters for row in table.rows] == ["135M", "1.7B", "7B", "14B"]


def test_a_model_with_two_rows_cannot_be_changed() -> None:
    table = parsed(f"{HEAD}\n{line('a/A')}\n{line('A/a')}\n")
    with pytest.raises(RegistryError, match="a/a has 2 rows; remove all but one"):
        table.with_row(Row("a/a"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", r"models.csv: empty; expected a first line with model_id, family"),
        ("model_id,status\n", r"models.csv:1:1: not a registry: no column family, parameters"),
        (f"{HEAD},grade\n", rf"models.csv:1:{len(HEAD) + 2}: column 'grade' stands twice"),
        (f"{HEAD}\na/b,x\n", r"models.csv:2:5: expected 20 fields as in the first line, found 2"),
        (f"{HEAD}\n{LEGACY},\n", r"models.csv:2:\d+: expected 20 fields as in the first line, found 21"),
        (f'{HEAD}\n"a/b,{LEGACY}\n', r"models.csv:2:1: a quoted field is not closed"),
        (f'{HEAD}\n"a/b"x,{LEGACY}\n', r"models.csv:2:6: expected a comma or the line's end after a quoted field"),
        (f"{HEAD}\n{line(mqs_score='many')}\n", r"models.csv:2:\d+: mqs_score: expected a whole number from 0 to 1000"),
        (f"{HEAD}\n{line(mqs_score='1001')}\n", r"mqs_score: expected a whole number from 0 to 1000"),
        (f"{HEAD}\n{line(mqs_score='٣')}\n", r"mqs_score: expected a whole number from 0 to 1000"),
        (f"{HEAD}\n{line(g2='maybe')}\n", r"g2: expected true or false, found 'maybe'"),
        (f"{HEAD}\n{line(tps_st_cpu='nan')}\n", r"tps_st_cpu: expected tokens per second, or nothing, found 'nan'"),
        (f"{HEAD}\n{line(tps_st_cpu='-1')}\n", r"tps_st_cpu: expected tokens per second"),
        (f"{HEAD}\n{line(family='a' + chr(27) + '[2J')}\n", r"models.csv:2:18: family: expected printable text"),
        (f"{HEAD}\n{line(grade=chr(0x202E))}\n", r"grade: expected printable text"),
        (f"{HEAD}\n{line('')}\n", r"models.csv:2:1: model_id: expected org/name, found nothing"),
        (f'{HEAD},notes\n{LEGACY},"a\nb"\n{LEGACY},{chr(7)}\n', r"models.csv:4:\d+: notes: expected printable text"),
    ],
)
def test_a_broken_file_is_refused_with_line_and_column(text: str, says: str) -> None:
    with pytest.raises(RegistryError, match=says):
        parsed(text)


def test_a_control_character_is_never_written() -> None:
    with pytest.raises(RegistryError, match=r"family would hold a control character"):
        render_registry(Registry(WHERE).with_row(Row("a/b", "x\x1b[2J")))


def test_bytes_that_are_no_text_are_refused_with_line_and_column(tmp_path: Path) -> None:
    path = csv_in(tmp_path)
    path.write_bytes(path.read_bytes() + b"ab\xff")
    with pytest.raises(RegistryError, match=r":2:3: not UTF-8"):
        read_registry(path)


def test_a_file_that_is_not_there_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="there is no such file; `apr-qa registry add`"):
        read_registry(tmp_path / "models.csv")


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    path = csv_in(tmp_path)
    with path.open("ab") as file:
        file.truncate(10_000_001)
    with pytest.raises(RegistryError, match="larger than 10,000,000 bytes"):
        read_registry(path)


def test_the_published_registry_survives(corpus: Path) -> None:
    source = corpus / "models.csv"
    table = read_registry(source)
    assert render_registry(table).encode() == source.read_bytes()
    assert len(table.rows) == 92
    assert {row.status for row in table.rows} == {"PENDING", "CERTIFIED", "PARTIAL", "BLOCKED", "FAIL"}


_CELL = st.text(st.characters(blacklist_categories=("C", "Z")) | st.sampled_from(' ,"')).filter(
    lambda cell: cell.strip()
)


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(_CELL, _CELL, st.none() | st.integers(0, 1000), st.booleans()), unique_by=lambda row: row[0].lower()
    )
)
def test_rows_survive_being_written_and_read(rows: list[tuple[str, str, int | None, bool]]) -> None:
    table = Registry(WHERE)
    for model, family, score, verified in rows:
        gates = dict.fromkeys(("g1", "g2", "g3", "g4"), verified)
        table = table.with_row(Row(model, family, "7B", mqs_score=score, gates=gates, provenance_verified=verified))
    text = render_registry(table)
    back = parsed(text)
    assert [replace(row, cells={}) for row in back.rows] == [replace(row, cells={}) for row in table.rows]
    assert render_registry(back) == text
    assert back.columns == COLUMNS
