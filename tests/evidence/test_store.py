"""The evidence file: written whole or not at all, never over another model's, read back or refused in time."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aprqa.core import EvidenceError
from pytest_aprqa.evidence import (
    Journal,
    model_folder,
    output_folder,
    read_evidence,
    write_evidence,
)
from pytest_aprqa.evidence.parse import MAX_RECORDS
from tests.evidence.samples import HEADER, MODEL, a_record, an_evidence


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    evidence = an_evidence(a_record(reason="ünïcode ✓"), a_record(index=1))
    path = write_evidence(tmp_path / "new" / "folder", evidence)
    assert path.name == "evidence.json"
    assert read_evidence(path) == evidence


def test_nothing_but_the_file_is_left_behind(tmp_path: Path) -> None:
    write_evidence(tmp_path, an_evidence(a_record()))
    write_evidence(tmp_path, an_evidence(a_record(index=1)))
    assert [path.name for path in tmp_path.iterdir()] == ["evidence.json"]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_evidence(tmp_path, an_evidence(a_record()))
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(EvidenceError, match="cannot be written: No space left"):
        write_evidence(tmp_path, an_evidence(a_record(index=1)))
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ("model", "folder"),
    [
        ("Qwen/Qwen2.5-0.5B", "qwen--qwen2.5-0.5b"),
        ("other/Qwen2.5-0.5B", "other--qwen2.5-0.5b"),
        ("tiny", "tiny"),
        ("../../etc/passwd", "etc-passwd"),
        ("/abs/olute", "abs-olute"),
        ("..", "x"),
        ("a\\b\x00c/d", "a-b-c--d"),
    ],
)
def test_folder_of_a_model(model: str, folder: str) -> None:
    assert model_folder(model) == folder


@given(st.text())
def test_a_model_folder_is_one_plain_name(model: str) -> None:
    name = model_folder(model)
    assert name == Path(name).name
    assert name not in ("", ".", "..")
    assert len(name) <= 120


def test_the_same_model_may_write_again(tmp_path: Path) -> None:
    folder = output_folder(tmp_path, MODEL)
    write_evidence(folder, an_evidence(a_record()))
    assert output_folder(tmp_path, MODEL.upper()) == folder
    assert output_folder(tmp_path, MODEL, playbook="Tiny Smoke") == folder / "tiny-smoke"


def test_another_models_evidence_is_never_overwritten(tmp_path: Path) -> None:
    write_evidence(tmp_path / "acme--tiny-2", an_evidence(a_record()))
    with pytest.raises(EvidenceError, match=r"holds evidence of acme/Tiny-1.0, not of acme/tiny~2; move it away"):
        output_folder(tmp_path, "acme/tiny~2")


def test_another_models_journal_is_never_overwritten(tmp_path: Path) -> None:
    Journal.start(tmp_path / "acme--other" / "evidence.jsonl", HEADER).close()
    with pytest.raises(EvidenceError, match=r"holds evidence of acme/Tiny-1\.0"):
        output_folder(tmp_path, "acme/other")


def test_unreadable_evidence_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "acme--tiny-1.0").mkdir()
    (tmp_path / "acme--tiny-1.0" / "evidence.json").write_text("{")
    with pytest.raises(EvidenceError, match="cannot be read, so it is not overwritten"):
        output_folder(tmp_path, MODEL)


OURS = json.dumps(an_evidence(a_record()).to_json())


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "not JSON"),
        (OURS[:-5], "truncated"),
        (OURS[: len(OURS) // 2], "not JSON"),
        ("null", "not evidence"),
        ("3", "not evidence"),
        ('{"evidence": {}}', "not evidence"),
        ('{"schema_version": "2.0"}', "expected '1.0', found '2.0'"),
        ('{"schema_version": "1.0"}', "Field required"),
        ('{"a": 1, "a": 2}', "key 'a' stands twice"),
        ("[NaN]", "NaN is not a JSON number"),
        ("[-Infinity]", "-Infinity is not a JSON number"),
        (OURS.replace('"index": 0', '"index": 1e999'), "the number 1e999 is too large"),
        (OURS.replace('"details": {}', '"details": {"x": -1e999}'), "the number -1e999 is too large"),
        (OURS.replace('"details": {}', '"details": {"x": 1' + "0" * 400 + "}"), "a number of 401 digits is too large"),
        (OURS.replace('"reason": "because"', '"reason": "\\ud800"'), "not a valid Evidence"),
        (OURS.replace('"details": {}', '"details": {"x": ' + "[" * 500 + "]" * 500 + "}"), "not a valid Evidence"),
        (OURS.replace('"records": [', '"records": 5, "x": ['), "records: Input should be a valid array"),
        (OURS + OURS, "not JSON: Extra data"),
        (OURS.replace('"index": 0', '"index": "0"'), "records.0.index"),
        (OURS.replace('"outcome": "corroborated"', '"outcome": "passed"'), "records.0.outcome"),
        ("[" * 200_000, "nested too deeply"),
        ('{"a":' * 200_000, "nested too deeply"),
        ("[" + "9" * 5000 + "]", "not JSON"),
        ("[1, 2]", "record 0: expected an object, found 1"),
    ],
)
def test_hostile_files_end_in_our_error(tmp_path: Path, content: str, problem: str) -> None:
    path = tmp_path / "evidence.json"
    path.write_text(content)
    with pytest.raises(EvidenceError) as caught:
        read_evidence(path)
    assert problem in str(caught.value)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "evidence.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(EvidenceError, match="not JSON"):
        read_evidence(path)


def test_a_file_above_the_limit_is_refused_without_parsing(tmp_path: Path) -> None:
    path = tmp_path / "evidence.json"
    path.write_text(OURS)
    with pytest.raises(EvidenceError, match="larger than 1,000 bytes"):
        read_evidence(path, max_bytes=1000)
    assert read_evidence(path, max_bytes=len(OURS)).records


def test_many_tiny_values_are_refused_before_they_are_made(tmp_path: Path) -> None:
    path = tmp_path / "evidence.json"
    path.write_bytes(b"[" + b"[]," * 12_000_000 + b"[]]")
    began = time.perf_counter()
    with pytest.raises(EvidenceError, match="expected at most 10,000,000"):
        read_evidence(path)
    assert time.perf_counter() - began < 5


@pytest.mark.parametrize(("name", "found"), [("missing.json", "found nothing"), (".", "found a folder$")])
def test_what_is_no_file_is_refused(tmp_path: Path, name: str, found: str) -> None:
    with pytest.raises(EvidenceError, match=f"expected an evidence file, {found}"):
        read_evidence(tmp_path / name)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(EvidenceError, match="what is not a plain file"):
        read_evidence(tmp_path / "pipe")


def test_a_folder_of_evidence_is_refused_with_the_file_that_was_meant(tmp_path: Path) -> None:
    path = write_evidence(tmp_path, an_evidence(a_record()))
    with pytest.raises(EvidenceError, match=rf"found a folder; did you mean {path}\?"):
        read_evidence(tmp_path)


def test_a_long_row_of_digits_in_a_text_is_no_number(tmp_path: Path) -> None:
    evidence = an_evidence(a_record(reason="7" * 5000))
    assert read_evidence(write_evidence(tmp_path, evidence)) == evidence


def test_more_records_than_the_limit_are_refused_with_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "evidence.json"
    path.write_text("[" + ",".join(['{"gate_id":"X","outcome":"skipped"}'] * (MAX_RECORDS + 1)) + "]")
    began = time.perf_counter()
    with pytest.raises(EvidenceError, match=r"holds 100,001 records; expected at most 100,000; test fewer cases"):
        read_evidence(path)
    assert time.perf_counter() - began < 5


def test_equal_ids_are_evidence_all_the_same(tmp_path: Path) -> None:
    twice = an_evidence(a_record(), a_record())
    assert len(read_evidence(write_evidence(tmp_path, twice)).records) == 2


def test_a_byte_order_mark_is_tolerated(tmp_path: Path) -> None:
    path = tmp_path / "evidence.json"
    path.write_text("\ufeff" + OURS, encoding="utf-8")
    assert read_evidence(path).playbook.model == MODEL
