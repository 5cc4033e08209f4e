"""A file of a hundred megabytes is read in bounded time and memory, or refused by the limit's name."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_aprqa.evidence.parse import MAX_BYTES
from tests.evidence.samples import a_record, an_evidence

_MEMORY_BYTES = 2_000_000_000
_SECONDS = 120

_CHILD = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[2]), int(sys.argv[2])))
from pathlib import Path
from pytest_aprqa.core import EvidenceError
from pytest_aprqa.evidence import read_run
from pytest_aprqa.reports import render_junit, render_report_markdown, render_step_summary
from pytest_aprqa.scoring import Rules, score
try:
    evidence = read_run(Path(sys.argv[1]))
except EvidenceError as exc:
    print(exc)
else:
    mqs = score(evidence.records, Rules())
    for render in (render_junit, render_report_markdown, render_step_summary):
        assert len(render(evidence, mqs)) < 100_000_000
    print(len(evidence.records))
"""


@pytest.fixture
def large(tmp_path: Path) -> Iterator[Path]:
    """A place for a file that is not left lying about."""
    path = tmp_path / "evidence.json"
    yield path
    path.unlink()


def outcome_of(path: Path) -> str:
    """What reading and reporting in a child with little memory says; a MemoryError or a kill fails the test."""
    command = [sys.executable, "-c", _CHILD, str(path), str(_MEMORY_BYTES)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    assert done.stderr == ""
    return done.stdout.strip()


def write_records(path: Path, count: int, text: str) -> None:
    """Evidence whose records hold the text as their answer, without a copy of the whole in memory."""
    whole = an_evidence(a_record(texts=("@answer@",), details={"garbage": False})).to_json()
    head, record, tail = json.dumps(whole, ensure_ascii=False).partition(
        json.dumps(whole["records"], ensure_ascii=False)
    )
    record = record[1:-1].replace("@answer@", text)
    with path.open("w", encoding="utf-8") as file:
        file.write(f"{head}[")
        for index in range(count):
            numbered = record.replace('"index": 0', f'"index": {index}')
            file.write(f"{',' if index else ''}{numbered}")
        file.write(f"]{tail}")


def test_nearly_a_hundred_megabytes_are_read_and_reported(large: Path) -> None:
    write_records(large, 2_500, "é🙂" + "x" * 39_000)
    assert 0.95 * MAX_BYTES < large.stat().st_size <= MAX_BYTES
    assert outcome_of(large) == "2500"


def test_more_than_a_hundred_megabytes_are_refused_by_the_limits_name(large: Path) -> None:
    with large.open("wb") as file:
        file.truncate(50 * MAX_BYTES)
    assert "larger than 100,000,000 bytes; test fewer cases" in outcome_of(large)
