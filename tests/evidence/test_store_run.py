"""Whatever file of a run is at hand: the evidence of it, or one clear refusal."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_aprqa.core import EvidenceError
from pytest_aprqa.evidence import Evidence, Journal, Record, Selection, of_model, read_run, write_evidence
from tests.evidence.samples import HEADER, MODEL, a_record, an_evidence

RECORDS = tuple(a_record(index=index) for index in range(3))


def journal(folder: Path) -> Path:
    with Journal.start(folder / "evidence.jsonl", HEADER) as made:
        for record in RECORDS:
            made.append(record)
    return made.path


def of(*models: str) -> Evidence:
    records: tuple[Record, ...] = tuple(
        a_record(index=index).model_copy(update={"model": model, "turns": (f"{index}",)})
        for index, model in enumerate(models)
    )
    return an_evidence(*records)


def test_an_evidence_file_is_read_as_it_is(tmp_path: Path) -> None:
    evidence = an_evidence(*RECORDS)
    assert read_run(write_evidence(tmp_path, evidence)) == evidence


def test_a_journal_is_a_partial_run(tmp_path: Path) -> None:
    evidence = read_run(journal(tmp_path))
    assert (evidence.records, evidence.playbook) == (RECORDS, HEADER.playbook)
    assert (evidence.run.selection, evidence.run.selection_reason) == (Selection.PARTIAL, "read from a journal")


def test_an_answer_that_was_not_judged_is_in_no_run_that_is_scored(tmp_path: Path) -> None:
    with Journal.start(tmp_path / "evidence.jsonl", HEADER, carried=RECORDS[:1]) as made:
        made.append(RECORDS[1])
        made.carry(RECORDS[2])
    assert read_run(made.path).records == RECORDS[1:2]


def test_a_torn_last_line_is_told_and_loses_one_record(tmp_path: Path) -> None:
    path = journal(tmp_path)
    path.write_bytes(path.read_bytes()[:-20])
    evidence = read_run(path)
    assert evidence.records == RECORDS[:2]
    assert "evidence.jsonl:4: not JSON" in evidence.run.selection_reason


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "not a journal; expected a header line"),
        (b"{}\n", "evidence.jsonl:1: not a valid JournalHeader"),
        (b"\xff\n", "evidence.jsonl:1: not JSON"),
        (b"\n\n\n", "evidence.jsonl:1: not JSON"),
        (b"[" * 100_000 + b"\n", "nested too deeply"),
        (b"\n" * 100_001, "holds 100,001 records; expected at most 100,000"),
        (b"[],\n" * 6_000_000, "may hold 12,000,001 values; expected at most 10,000,000"),
    ],
)
def test_hostile_journals_end_in_our_error(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "evidence.jsonl"
    path.write_bytes(content)
    with pytest.raises(EvidenceError) as caught:
        read_run(path)
    assert problem in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_a_torn_line_in_the_middle_is_refused_by_its_number(tmp_path: Path) -> None:
    path = journal(tmp_path)
    lines = path.read_bytes().split(b"\n")
    lines[2] = lines[2][:-5]
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(EvidenceError, match=r"evidence\.jsonl:3: not JSON"):
        read_run(path)


@pytest.mark.parametrize("name", ["evidence.json", "evidence.jsonl"])
def test_the_limit_is_named_with_the_way_out(tmp_path: Path, name: str) -> None:
    path = journal(tmp_path) if name.endswith("l") else write_evidence(tmp_path, an_evidence(*RECORDS))
    with pytest.raises(EvidenceError, match=r"larger than 100 bytes; test fewer cases in one run .*max_bytes"):
        read_run(path, max_bytes=100)


@pytest.mark.parametrize("model", [MODEL, MODEL.upper(), "tiny-1.0"])
def test_a_model_is_found_by_its_name(model: str) -> None:
    evidence = an_evidence(*RECORDS)
    assert of_model(evidence, model, where="f") == evidence


def test_of_several_models_one_is_picked() -> None:
    picked = of_model(of(MODEL, "acme/other", MODEL, "acme/other"), "other", where="f")
    assert [record.index for record in picked.records] == [1, 3]
    assert (picked.playbook.model, picked.distinct_prompts) == ("acme/other", 2)


@pytest.mark.parametrize(
    ("model", "problem"),
    [
        ("acme/tiny-1.1", "f: holds no evidence of acme/tiny-1.1, but of acme/Tiny-1.0; did you mean acme/Tiny-1.0?"),
        ("zzz", "f: holds no evidence of zzz, but of acme/Tiny-1.0"),
    ],
)
def test_another_model_is_refused_with_a_hint(model: str, problem: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        of_model(an_evidence(*RECORDS), model, where="f")
    assert str(caught.value) == problem


def test_a_name_that_several_models_have_is_refused() -> None:
    with pytest.raises(EvidenceError, match=r"holds several models named m: a/m, b/m; give the organisation"):
        of_model(of("a/m", "b/m"), "m", where="f")


def test_a_thousand_models_are_not_all_listed() -> None:
    with pytest.raises(EvidenceError) as caught:
        of_model(of(*(f"{'x' * 10_000}/{number}" for number in range(50))), "none", where="f")
    assert len(str(caught.value)) < 1000
