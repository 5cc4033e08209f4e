from __future__ import annotations

from pytest_aprqa.reports import header_lines
from tests.reports.snapshot import check_snapshot


def test_the_header_names_everything_that_is_tested() -> None:
    lines = header_lines(
        "aprqa-tiny-mvp",
        aprqa_version="0.1.0",
        playbook_version="1.2",
        tier="mvp",
        model="aprqa/aprqa-tiny",
        targets=["safetensors-cpu", "gguf-q4_k_m-cpu"],
        devices=["cpu (2 cores)", "no CUDA device"],
        engines={"transformers": "5.0.0", "torch": "2.9.0"},
        scenarios=100,
        distinct_prompts=98,
    )
    check_snapshot("header.txt", "\n".join(lines) + "\n")


def test_a_header_of_little_knowledge_has_no_empty_lines() -> None:
    lines = header_lines("p", aprqa_version="0.1.0", model="a/b", targets=[])
    assert lines == ["aprqa 0.1.0: playbook p (no tier)", "  model: a/b", "  targets: none"]


def test_hostile_names_stay_on_their_line() -> None:
    lines = header_lines("p\n\x1b[31m", aprqa_version="0.1.0", model="a/b\nc", targets=["t\r"], devices=["\x07"])
    assert all(line.isprintable() for line in lines)
    assert len(lines) == 4


def test_dozens_of_targets_are_counted() -> None:
    lines = header_lines("p", aprqa_version="0.1.0", model="a/b", targets=[f"t{number}" for number in range(30)])
    assert lines[2].endswith("t7 and 22 more")
