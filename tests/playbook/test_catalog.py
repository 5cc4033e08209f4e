from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from pytest_aprqa.core import PlaybookError, Tier
from pytest_aprqa.playbook import Catalog, read_catalog


def put(folder: Path, name: str, *, model: str = "org/tiny", tier: str = "", extra: str = "") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata = f"metadata: {{tier: {tier}}}\n" if tier else ""
    path.write_text(f"model: {{hf_repo: {model}}}\ntest_matrix: {{}}\n{metadata}{extra}", encoding="utf-8")
    return path


def test_a_playbook_is_found_by_its_content_and_not_by_its_name(tmp_path: Path) -> None:
    put(tmp_path, "tiny-smoke.playbook.yaml", model="org/other", tier="mvp")
    wanted = put(tmp_path, "deep/er/whatever.playbook.yml", tier="mvp")
    put(tmp_path, "tiny-mvp-notes.yaml", tier="mvp")
    put(tmp_path, ".hidden/tiny.playbook.yaml", tier="mvp")
    assert read_catalog(tmp_path).find("org/tiny", Tier.MVP) == wanted


@pytest.mark.parametrize(("word", "tier"), [("ci", Tier.STANDARD), ("full", Tier.DEEP), ("Nightly", Tier.DEEP)])
def test_every_word_for_a_tier_is_understood(tmp_path: Path, word: str, tier: Tier) -> None:
    path = put(tmp_path, "x.playbook.yaml", tier=word)
    assert read_catalog(tmp_path).find("org/tiny", tier) == path


def test_the_end_of_the_name_tells_the_tier_where_the_metadata_does_not(tmp_path: Path) -> None:
    by_file = put(tmp_path, "tiny-quick.playbook.yaml")
    by_name = put(tmp_path, "x.playbook.yaml", extra="name: tiny-smoke\n")
    assert read_catalog(tmp_path).find("org/tiny", Tier.QUICK) == by_file
    assert read_catalog(tmp_path).find("org/tiny", Tier.SMOKE) == by_name


def test_the_repository_in_another_dialect_counts(tmp_path: Path) -> None:
    path = tmp_path / "x-mvp.playbook.yaml"
    path.write_text("model: {id: org/tiny, formats: [gguf]}\ntest_matrix: {}\n", encoding="utf-8")
    assert read_catalog(tmp_path).find("org/tiny", Tier.MVP) == path


def test_none_names_what_there_is_and_how_to_get_one(tmp_path: Path) -> None:
    put(tmp_path, "tiny-smoke.playbook.yaml")
    put(tmp_path, "tiny.playbook.yaml")
    (tmp_path / "broken.playbook.yaml").write_text("model: [", encoding="utf-8")
    with pytest.raises(PlaybookError) as raised:
        read_catalog(tmp_path).find("org/tiny", Tier.MVP)
    message = str(raised.value)
    assert "no playbook is for org/tiny at tier mvp" in message
    assert "tiny-smoke.playbook.yaml (smoke), tiny.playbook.yaml (no tier)" in message
    assert "not readable" in message
    assert "broken.playbook.yaml:" in message
    assert "apr-qa bootstrap org/tiny --tier mvp" in message


def test_a_model_that_is_nearly_called_so_is_named(tmp_path: Path) -> None:
    put(tmp_path, "tiny-mvp.playbook.yaml", model="Qwen/Qwen3-0.6B")
    with pytest.raises(PlaybookError, match=r"1 playbooks of 1 other models, one of them for Qwen/Qwen3-0\.6B"):
        read_catalog(tmp_path).find("Qwen/Qwen3-0.6", Tier.MVP)


def test_several_are_named_and_none_is_chosen(tmp_path: Path) -> None:
    put(tmp_path, "a/tiny-mvp.playbook.yaml")
    put(tmp_path, "b/tiny-mvp.playbook.yaml")
    with pytest.raises(PlaybookError, match=r"2 playbooks .* found a/tiny-mvp\.playbook\.yaml, b/tiny-mvp\."):
        read_catalog(tmp_path).find("org/tiny", Tier.MVP)


def test_a_folder_that_is_none_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PlaybookError, match="there is no such folder"):
        read_catalog(tmp_path / "missing")


def test_what_is_no_playbook_is_not_listed(tmp_path: Path) -> None:
    put(tmp_path, "b-mvp.playbook.yaml", extra="name: called\n")
    for name, text in {
        "a": "tests: []\n",
        "c": "model: {hf_repo: 3}\ntest_matrix: {}\n",
        "d": "model: 3\ntest_matrix: {}\n",
        "e": "[]\n",
    }.items():
        (tmp_path / f"{name}.playbook.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "folder.playbook.yaml").mkdir()
    listed = read_catalog(tmp_path).listed
    assert [(one.path.name, one.name, one.model, one.tier) for one in listed] == [
        ("b-mvp.playbook.yaml", "called", "org/tiny", Tier.MVP)
    ]


def test_the_order_is_that_of_the_paths(tmp_path: Path) -> None:
    for name in ("b/x", "a/y", "a-b/z", "c"):
        put(tmp_path, f"{name}.playbook.yaml")
    assert [one.path.relative_to(tmp_path).as_posix().split(".")[0] for one in read_catalog(tmp_path).listed] == [
        "a/y",
        "a-b/z",
        "b/x",
        "c",
    ]


def test_real_playbooks_are_found_by_model_and_tier(corpus: Path) -> None:
    found = read_catalog(corpus / "playbooks").find("Qwen/Qwen2.5-Coder-7B-Instruct", Tier.DEEP)
    assert found.name == "qwen2.5-coder-7b-full.playbook.yaml"
    assert len(read_catalog(corpus / "playbooks").listed) == 76


def test_three_hundred_playbooks_are_surveyed_within_a_second(tmp_path: Path) -> None:
    prompts = "".join(f"- prompt: 'What is {k}+{k}?'\n" for k in range(30))
    for number in range(300):
        put(tmp_path, f"m{number}-mvp.playbook.yaml", model=f"org/m{number}", extra=f"scenarios:\n{prompts}")
    start_s = time.process_time()
    read_catalog(tmp_path).find("org/m7", Tier.MVP)
    assert time.process_time() - start_s < (1 if sys.gettrace() is None else 10)


def test_a_playbook_of_a_single_file_is_not_that_of_its_model(tmp_path: Path) -> None:
    whole = put(tmp_path, "tiny-mvp.playbook.yaml", tier="mvp")
    text = "model: {hf_repo: org/tiny, files: {gguf: x.gguf}, ground_truth: dequantized}\ntest_matrix: {}\n"
    (tmp_path / "tiny-file-mvp.playbook.yaml").write_text(text, encoding="utf-8")
    assert read_catalog(tmp_path).find("org/tiny", Tier.MVP) == whole
    whole.unlink()
    assert read_catalog(tmp_path).fitting("org/tiny", Tier.MVP) == ()
    with pytest.raises(PlaybookError, match="no playbook is for org/tiny"):
        read_catalog(tmp_path).find("org/tiny", Tier.MVP)


def test_a_folder_that_is_not_there_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(PlaybookError, match="found no such folder; write one with"):
        Catalog(tmp_path / "missing").find("org/tiny", Tier.MVP)
