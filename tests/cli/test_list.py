from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.running import apr_qa, apr_qa_process
from tests.registry.samples import csv_in, line

ROWS = (
    line("a/Tiny-135M", family="a", parameters="135M", size_category="tiny"),
    line("a/Mid-7B", family="a", parameters="7B", size_category="large", status="PARTIAL", mqs_score="551"),
    line(
        "b/Old-14B",
        family="b",
        parameters="14B",
        size_category="xlarge",
        status="CERTIFIED",
        mqs_score="950",
        certified_tier="deep",
        last_certified="2020-01-01T00:00:00Z",
    ),
)


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    return csv_in(tmp_path, *ROWS)


def listed(csv: Path, *words: str) -> list[str]:
    done = apr_qa("list", "--csv", csv, "--json", *words)
    assert done.returncode == 0
    told = json.loads(done.stdout)
    assert told["of"] == 3
    return [model["model_id"].partition("-")[0] for model in told["models"]]


@pytest.mark.parametrize(
    ("words", "models"),
    [
        ((), ["a/Tiny", "a/Mid", "b/Old"]),
        (("--family", "a"), ["a/Tiny", "a/Mid"]),
        (("--size", "large"), ["a/Mid"]),
        (("--status", "partial"), ["a/Mid"]),
        (("--status", "blocked"), []),
        (("--family", "a", "--status", "certified"), []),
        (("--tier", "deep"), ["b/Old"]),
        (("--tier", "none"), ["a/Tiny", "a/Mid"]),
        (("--stale",), ["b/Old"]),
        (("--text", "old"), ["b/Old"]),
        (("--family", "a", "--size", "xlarge"), []),
        (("--sort", "model"), ["a/Mid", "a/Tiny", "b/Old"]),
        (("--sort", "parameters"), ["a/Tiny", "a/Mid", "b/Old"]),
        (("--sort", "score"), ["b/Old", "a/Mid", "a/Tiny"]),
        (("--sort", "date"), ["b/Old", "a/Mid", "a/Tiny"]),
        (("--sort", "status"), ["b/Old", "a/Mid", "a/Tiny"]),
    ],
)
def test_filters_and_orders(csv: Path, words: tuple[str, ...], models: list[str]) -> None:
    assert listed(csv, *words) == models


def test_a_status_that_does_not_hold_says_so(csv: Path) -> None:
    done = apr_qa_process("list", "--csv", csv)
    assert (done.returncode, done.stderr) == (0, "")
    assert max(map(len, done.stdout.splitlines())) <= 80
    words = " ".join(done.stdout.split())
    assert "CERTIFIED (no evidence" in words
    assert words.endswith("3 of 3 models")
    (old,) = json.loads(apr_qa("list", "--csv", csv, "--stale", "--json").stdout)["models"]
    assert old["standing"].startswith("CERTIFIED (no evidence recorded, unverified, stale, ")
    assert old["holds"] is False


def test_a_missing_registry_is_2(tmp_path: Path) -> None:
    done = apr_qa("list", "--csv", tmp_path / "none.csv")
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no such file" in done.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--family", "A"), "no model has the family 'A'; there are a, b\n"),
        (("--status", "XX"), "there is no status 'XX'; there are PENDING, BLOCKED, PARTIAL, PROVISIONAL, CERTIFIED\n"),
    ],
)
def test_a_word_that_no_row_can_have_is_2_and_those_that_there_are_are_named(
    csv: Path, words: tuple[str, ...], says: str
) -> None:
    done = apr_qa("list", "--csv", csv, *words, "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith(says)


def test_an_unknown_size_is_2_and_names_those_that_there_are(csv: Path) -> None:
    assert "'huge'" in apr_qa("list", "--csv", csv, "--size", "big").stderr
