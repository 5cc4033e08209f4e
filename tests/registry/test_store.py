from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from filelock import FileLock

from pytest_aprqa.registry import (
    Award,
    Books,
    Origin,
    Registry,
    RegistryError,
    Row,
    read_awards,
    read_books,
    update_books,
    update_registry,
)
from pytest_aprqa.registry import store as store_module
from tests.registry.samples import csv_in, line

WRITER = """
import sys
from pathlib import Path
from tests.registry.test_store import write_many
print("ready", flush=True)
sys.stdin.readline()
write_many(Path(sys.argv[1]), "theirs")
"""
MANY = 20


def write_many(path: Path, name: str) -> None:
    for number in range(MANY):
        update_books(path, partial(with_model, model=f"{name}/{number}"))


def with_model(books: Books, *, model: str) -> Books:
    award = Award(origin=Origin.MEASURED)
    return Books(books.registry.with_row(Row(model)), books.awards.with_award(model, award))


def adding(model: str) -> Callable[[Registry], Registry]:
    return lambda table: table.with_row(Row(model))


def test_two_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "models.csv"
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == "ready\n"
        other.stdin.write("\n")
        other.stdin.flush()
        write_many(path, "ours")
        assert other.wait(timeout=60) == 0
    books = read_books(path)
    expected = {f"{name}/{number}" for name in ("ours", "theirs") for number in range(MANY)}
    assert {row.model_id for row in books.registry.rows} == expected
    assert set(books.awards.awards) == expected


def test_a_missing_file_is_an_empty_registry(tmp_path: Path) -> None:
    after = update_registry(tmp_path / "deep" / "models.csv", adding("a/b"))
    assert [row.model_id for row in after.rows] == ["a/b"]
    assert read_books(after.path).registry.rows[0].status == "PENDING"


def test_a_writer_that_never_ends_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = csv_in(tmp_path)
    monkeypatch.setattr(store_module, "LOCK_TIMEOUT_S", 0.05)
    with FileLock(tmp_path / ".models.csv.lock"), pytest.raises(RegistryError, match="another process has held"):
        update_registry(path, adding("a/b"))


def test_a_change_that_fails_leaves_the_file_alone(tmp_path: Path) -> None:
    path = csv_in(tmp_path, line("a/b"))
    before = path.read_bytes()
    with pytest.raises(RegistryError, match="control character"):
        update_registry(path, adding("x\n/y"))
    assert path.read_bytes() == before
    assert not list(tmp_path.glob("*.part"))


def test_no_change_writes_nothing(tmp_path: Path) -> None:
    path = csv_in(tmp_path, line("a/b"))
    os.utime(path, (1, 1))
    update_registry(path, lambda table: table)
    assert path.stat().st_mtime == 1
    assert not (tmp_path / "awards.json").exists()


def test_mode_and_link_of_the_file_survive(tmp_path: Path) -> None:
    path = csv_in(tmp_path, line("a/b"))
    path.chmod(0o640)
    link = tmp_path / "link.csv"
    link.symlink_to(path)
    update_registry(link, adding("c/d"))
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert len(read_books(path).registry.rows) == 2


def test_records_are_kept_beside_the_csv(tmp_path: Path) -> None:
    path = tmp_path / "models.csv"
    award = Award(
        origin=Origin.MEASURED, evidence="x/evidence.json", evidence_sha256="ab" * 32, status="BLOCKED", mqs=0
    )

    def change(books: Books) -> Books:
        return Books(books.registry, books.awards.with_award("a/b", award).with_run("a/b", award))

    update_books(path, change)
    awards = read_awards(path)
    assert awards.of("a/b") == award
    assert dict(awards.runs_of("a/b")) == {"none": award}
    assert awards.of("c/d") is None


@pytest.mark.parametrize(
    "text",
    ["[]", "{", '{"version": 2}', '{"awards": {"a/b": {"origin": "heard"}}}', '{"unknown": 1}', '{"awards": 3}'],
)
def test_records_that_are_none_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "awards.json").write_text(text)
    with pytest.raises(RegistryError, match=r"awards.json: "):
        read_awards(tmp_path / "models.csv")
