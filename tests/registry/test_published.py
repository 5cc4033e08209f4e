from __future__ import annotations

import shutil
from collections import defaultdict
from pathlib import Path

import pytest

from pytest_aprqa.registry import (
    Awards,
    Books,
    EvidenceIndex,
    Finding,
    Registry,
    check,
    import_published,
    index_evidence,
    read_books,
    read_registry,
    render_registry,
    standing,
    update_books,
)
from tests.registry.samples import NOW, a_run, csv_in, line, only_row, posted
from tests.reports.samples import MODEL

CERTIFIED = 9
WITH_FAILED_G2 = ("Qwen2.5-7B-Instruct", "SmolLM2-135M-Instruct", "SmolLM2-360M-Instruct", "SmolLM2-1.7B-Instruct")


@pytest.fixture(scope="module")
def published(corpus: Path) -> EvidenceIndex:
    return index_evidence(corpus / "evidence")


def by_model(findings: tuple[Finding, ...]) -> dict[str, dict[str, str]]:
    grouped: dict[str, dict[str, str]] = defaultdict(lambda: defaultdict(str))
    for finding in findings:
        grouped[finding.model_id.rpartition("/")[2]][finding.rule.value] += finding.problem + "\n"
    return grouped


def test_each_certified_row_of_the_published_registry_contradicts_its_own_evidence(
    corpus: Path, published: EvidenceIndex
) -> None:
    table = read_registry(corpus / "models.csv")
    found = by_model(check(table, Awards(), root=corpus, now=NOW, evidence=published))
    certified = [row for row in table.rows if row.status == "CERTIFIED"]
    assert len(certified) == CERTIFIED
    for row in certified:
        own = found[row.model_id.rpartition("/")[2]]
        assert "the tier mvp cannot certify" in own["tier"]
        assert "CERTIFIED with g1, g2, g3, g4 not passed in the row itself" in own["gateways"]
        assert f"the score {row.mqs_score} has the grade" in own["grade"]
        assert "no record says on which evidence it rests" in own["evidence"]
        if row.model_id == "Qwen/Qwen3-1.7B":
            assert "there is no evidence of it" in own["evidence"]
        else:
            assert "passed answers to a sum do not hold its result" in own["answers"]
            assert "compared nothing with nothing" in own["answers"]
            assert f"the row says {row.mqs_score}" in own["score"]
    for name in WITH_FAILED_G2:
        assert "G2 failed in its evidence" in found[name]["gateways"]
        assert "gives 0, by the published formula 0" in found[name]["score"]
    assert "18 of 18 passed answers to a sum do not hold its result" in found["TinyLlama-1.1B-Chat-v1.0"]["answers"]
    assert "16 of 18 passed answers to a sum" in found["Qwen2.5-1.5B-Instruct"]["answers"]


def test_other_rows_of_the_published_registry_are_held_against_their_evidence_too(
    corpus: Path, published: EvidenceIndex
) -> None:
    found = by_model(check(read_registry(corpus / "models.csv"), Awards(), root=corpus, now=NOW, evidence=published))
    assert (
        "the row says passed, the evidence not: g1 (unknown), g2 (failed)"
        in found["Qwen2.5-Coder-14B-Instruct"]["gateways"]
    )
    assert "PENDING, although 26 of 27 checks passed in it" in found["stablelm-zephyr-3b"]["status"]
    assert "3B parameters are medium, the row says 'small'" in found["Qwen2.5-Coder-3B-Instruct"]["size"]
    assert sum("size" in own for own in found.values()) == 6
    assert "Qwen3-8B" not in found


def test_every_published_evidence_file_is_read(published: EvidenceIndex) -> None:
    assert sum(map(len, published.by_model.values())) == 27
    assert published.unreadable == ()


def test_a_published_registry_is_taken_over_as_imported_and_unverified(
    tmp_path: Path, corpus: Path, published: EvidenceIndex
) -> None:
    done = import_published(read_books(tmp_path / "models.csv"), corpus / "models.csv", evidence=published)
    assert (len(done.added), len(done.imported), done.kept) == (92, 21, ())
    row = done.books.registry.find("HuggingFaceTB/SmolLM2-135M-Instruct")
    assert row is not None
    award = done.books.awards.of(row.model_id)
    assert award is not None
    assert (row.status, row.mqs_score, row.grade, row.certified_tier) == ("CERTIFIED", 925, "B", "mvp")
    assert standing(row, award, now=NOW).text == "CERTIFIED (imported, unverified, stale, 108 days)"
    assert award.evidence.endswith("evidence/smollm2-135m-instruct.json")
    assert len({finding.model_id for finding in done.findings if "cannot certify" in finding.problem}) == CERTIFIED
    mistral = done.books.registry.find("mistralai/Mistral-7B-Instruct-v0.3")
    assert mistral is not None
    assert mistral.size_category == "large"


def test_an_import_is_checked_against_the_evidence_that_it_recorded(tmp_path: Path, corpus: Path) -> None:
    folder = tmp_path / "evidence"
    folder.mkdir()
    name = "smollm2-135m-instruct.json"
    shutil.copy(corpus / "evidence" / name, folder)
    path = tmp_path / "models.csv"
    index = index_evidence(folder)
    books = update_books(path, lambda books: import_published(books, corpus / "models.csv", evidence=index).books)
    found = by_model(check(books.registry, books.awards, root=tmp_path, now=NOW))["SmolLM2-135M-Instruct"]
    assert "G2 failed in its evidence" in found["gateways"]
    assert "has changed" not in found["evidence"]
    (folder / name).write_bytes((folder / name).read_bytes() + b" ")
    found = by_model(check(books.registry, books.awards, root=tmp_path, now=NOW))["SmolLM2-135M-Instruct"]
    assert "has changed since the import" in found["evidence"]


def test_an_import_never_takes_the_place_of_a_measurement(tmp_path: Path) -> None:
    books = posted(tmp_path, a_run())
    (tmp_path / "published").mkdir()
    source = csv_in(
        tmp_path / "published", line(status="CERTIFIED", mqs_score="1000", grade="A", certified_tier="deep")
    )
    done = import_published(books, source)
    assert done.kept == (MODEL,)
    assert render_registry(done.books.registry) == render_registry(books.registry)
    assert done.books.awards == books.awards


def test_facts_alone_bring_no_status(tmp_path: Path, corpus: Path) -> None:
    books = Books(Registry(tmp_path / "models.csv"), Awards())
    done = import_published(books, corpus / "models.csv", facts_only=True)
    assert {row.status for row in done.books.registry.rows} == {"PENDING"}
    assert {row.mqs_score for row in done.books.registry.rows} == {None}
    assert done.books.awards == Awards()
    assert done.findings == ()


def test_facts_of_a_known_model_stay_and_unknown_columns_are_told(tmp_path: Path) -> None:
    path = csv_in(tmp_path, line("a/b", family="ours", parameters="7B", size_category="large"))
    source = tmp_path / "theirs.csv"
    head, row = path.read_text().splitlines()[0], line("A/B", family="theirs", status="FAIL", mqs_score="10")
    source.write_text(f"{head},notes\n{row},hello\n")
    done = import_published(read_books(path), source)
    made = only_row(done.books)
    assert (made.model_id, made.family, made.parameters, made.status) == ("a/b", "ours", "7B", "FAIL")
    assert done.remarks == ("columns left out: notes",)
    assert done.added == ()
