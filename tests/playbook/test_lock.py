from __future__ import annotations

import hashlib
import os
import sys
import time
from pathlib import Path

import pytest

from pytest_aprqa.core import PlaybookError
from pytest_aprqa.playbook import (
    LOCK_NAME,
    LockFile,
    Playbook,
    compare_locks,
    gather_lock,
    lock_playbooks,
    lock_problem,
    question_digest,
    read_lock,
    read_playbook,
    render_lock,
    semantic_digest,
    verify,
)
from tests.playbook.conftest import Read

BASE = """\
name: tiny-mvp
version: "1.0.0"
description: "What it is for"
model:
  hf_repo: org/tiny
  revision: main
  formats: [safetensors, gguf]
  files: {gguf: models/tiny.gguf}
test_matrix:
  modalities: [run]
  backends: [cpu]
  seed: 42
  prompts: ["What is 2+2?"]
oracles:
  - {type: response, config: {min_relevance: 0.5}}
scenarios:
  - {name: sum, prompt: "What is 3+4?", oracle: arithmetic, expected: 7}
gates: {g1_model_loads: true}
failure_policy: stop_on_p0
skips:
  - {format: gguf, modality: run, reason: "no run"}
profile_ci:
  assertions: {min_throughput: 10}
limits: {q8_0: {kl: 0.01}}
metadata: {tier: mvp, author: someone}
"""

MEANS_MORE = {
    "profile_ci.assertions.min_throughput changed": ("min_throughput: 10", "min_throughput: 9"),
    "model.revision changed": ("revision: main", "revision: v2"),
    "model.hf_repo changed": ("org/tiny", "org/tinier"),
    "model.files.gguf changed": ("models/tiny.gguf", "models/tiny-2.gguf"),
    "model.formats changed": ("[safetensors, gguf]", "[safetensors, apr]"),
    "test_matrix.seed changed": ("seed: 42", "seed: 43"),
    "test_matrix.seed was removed": ("  seed: 42\n", ""),
    "test_matrix.prompts changed": ("2+2", "2+3"),
    "test_matrix.scenario_count was added": ("  seed: 42\n", "  seed: 42\n  scenario_count: 100\n"),
    "oracles changed": ("min_relevance: 0.5", "min_relevance: 0.4"),
    "scenarios changed": ("expected: 7", "expected: 8"),
    "gates.g1_model_loads changed": ("g1_model_loads: true", "g1_model_loads: false"),
    "failure_policy changed": ("stop_on_p0", "collect_all"),
    "skips changed": ("modality: run, reason", "modality: run, backend: cpu, reason"),
    "skips was removed": ('skips:\n  - {format: gguf, modality: run, reason: "no run"}\n', ""),
    "limits.q8_0.kl changed": ("kl: 0.01", "kl: 0.02"),
    "tier changed": ("tier: mvp", "tier: smoke"),
}
MEANS_THE_SAME = {
    "comment": ("model:", "# about the model\nmodel:"),
    "order of keys": ("  modalities: [run]\n  backends: [cpu]\n", "  backends: [cpu]\n  modalities: [run]\n"),
    "quotes": ("failure_policy: stop_on_p0", 'failure_policy: "stop_on_p0"'),
    "quoted switch": ("g1_model_loads: true", 'g1_model_loads: "true"'),
    "description": ("What it is for", "What it was for"),
    "name": ("name: tiny-mvp", "name: small-mvp"),
    "version": ("1.0.0", "1.0.1"),
    "author": ("author: someone", "author: another"),
    "kernel profile": ("metadata:", "kernel_profile: {family: llama}\nmetadata:"),
    "dialect of the repository": ("hf_repo: org/tiny", "id: org/tiny"),
    "dialect of a word": ("stop_on_p0", "stop-on-p0"),
    "dialect of a threshold": ("  assertions: {min_throughput: 10}", "  min_throughput: 10.0"),
    "block style": ("gates: {g1_model_loads: true}", "gates:\n  g1_model_loads: true"),
    "oracle in short": ("oracle: arithmetic", "oracle: [arithmetic]"),
    "where a file lies": ("models/tiny.gguf", "/srv/weights/tiny.gguf"),
    "line ends": ("\n", "\r\n"),
}


def put(path: Path, text: str = BASE) -> Playbook:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return read_playbook(path, {})


def locked(folder: Path) -> LockFile:
    lock_playbooks(folder, lock=folder / LOCK_NAME)
    return read_lock(folder / LOCK_NAME)


@pytest.mark.parametrize("phrase", MEANS_MORE)
def test_what_bears_on_the_verdict_is_noticed_and_named(tmp_path: Path, phrase: str) -> None:
    path = tmp_path / "x.playbook.yaml"
    before, lock = put(path), locked(tmp_path)
    assert verify(before, lock) == ()
    changed = BASE.replace(*MEANS_MORE[phrase])
    after = put(path, changed)
    assert changed != BASE
    assert semantic_digest(after) != semantic_digest(before)
    asks_the_same = phrase == "model.files.gguf changed"
    assert (question_digest(after) == question_digest(before)) == asks_the_same
    assert phrase in verify(after, lock)
    assert len(verify(after, lock)) == 1


@pytest.mark.parametrize("kind", MEANS_THE_SAME)
def test_what_does_not_bear_on_the_verdict_is_a_remark(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x.playbook.yaml"
    before, lock = put(path), locked(tmp_path)
    after = put(path, BASE.replace(*MEANS_THE_SAME[kind]))
    assert after.sha256 != before.sha256
    assert semantic_digest(after) == semantic_digest(before)
    assert verify(after, lock) == ()
    (difference,) = compare_locks(lock, gather_lock(tmp_path, lock=lock.path))
    assert (difference.matters, difference.problem) == (False, "has other bytes and the same meaning")


def test_a_default_that_is_written_down_counts(read: Read) -> None:
    """Where a threshold has a default of its own the playbook decides only what it writes down."""
    unsaid = read(BASE)
    said = read(BASE.replace("{min_throughput: 10}", "{min_throughput: 10, min_gpu_ratio: 1.0}"))
    assert semantic_digest(said) != semantic_digest(unsaid)


def test_the_tier_counts_where_it_stands_in_the_name_alone(tmp_path: Path) -> None:
    text = BASE.replace("tier: mvp, ", "").replace("name: tiny-mvp\n", "")
    smoke, mvp = put(tmp_path / "x-smoke.playbook.yaml", text), put(tmp_path / "x-mvp.playbook.yaml", text)
    assert semantic_digest(smoke) != semantic_digest(mvp)


def test_a_value_that_another_sets_differs_and_a_place_does_not(tmp_path: Path) -> None:
    path = tmp_path / "x.playbook.yaml"
    text = BASE.replace("seed: 42", "seed: ${SEED:-42}").replace("models/tiny.gguf", "'${MODELS}/tiny.gguf'")
    path.write_text(text, encoding="utf-8")
    lock = locked(tmp_path)
    assert verify(read_playbook(path, {"MODELS": "/srv/models"}), lock) == ()
    other = read_playbook(path, {"MODELS": "/srv/models", "SEED": "43"})
    assert verify(other, lock) == ("test_matrix.seed changed",)


def test_two_of_one_name_are_two_entries(tmp_path: Path) -> None:
    for folder in ("b", "a"):
        put(tmp_path / folder / "x.playbook.yaml")
    assert list(locked(tmp_path).entries) == ["a/x.playbook.yaml", "b/x.playbook.yaml"]


def test_the_lock_may_lie_elsewhere(tmp_path: Path) -> None:
    playbook = put(tmp_path / "books" / "x.playbook.yaml")
    lock = tmp_path / "locks" / "mine.yaml"
    lock.parent.mkdir()
    lock_playbooks(tmp_path / "books", lock=lock)
    assert list(read_lock(lock).entries) == ["../books/x.playbook.yaml"]
    assert lock_problem(playbook, lock) is None


def test_a_playbook_reached_through_a_linked_folder_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "books" / "x.playbook.yaml")
    lock = locked(tmp_path / "books")
    (tmp_path / "link").symlink_to(tmp_path / "books")
    monkeypatch.chdir(tmp_path)
    assert verify(read_playbook(Path("link/x.playbook.yaml"), {}), lock) == ()


def test_the_lock_is_the_same_bytes_every_time(tmp_path: Path) -> None:
    for name in ("b", "a", "c"):
        put(tmp_path / f"{name}.playbook.yaml")
    lock_playbooks(tmp_path, lock=tmp_path / LOCK_NAME)
    first = (tmp_path / LOCK_NAME).read_bytes()
    lock_playbooks(tmp_path, lock=tmp_path / LOCK_NAME)
    assert (tmp_path / LOCK_NAME).read_bytes() == first
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "a.playbook.yaml",
        "b.playbook.yaml",
        "c.playbook.yaml",
        LOCK_NAME,
    ]
    digest = hashlib.sha256(BASE.encode()).hexdigest()
    assert first.decode().count(f"sha256: {digest}") == 3


def test_nothing_is_written_while_a_playbook_is_unreadable(tmp_path: Path) -> None:
    put(tmp_path / "a.playbook.yaml")
    (tmp_path / "b.playbook.yaml").write_text("model: 3\ntest_matrix: {}\n", encoding="utf-8")
    made = lock_playbooks(tmp_path, lock=tmp_path / LOCK_NAME)
    assert list(made.entries) == ["a.playbook.yaml"]
    assert "b.playbook.yaml:1:8: model: has a wrong value" in made.unreadable[0]
    assert not (tmp_path / LOCK_NAME).exists()


def test_a_name_that_is_not_utf_8_is_unreadable(tmp_path: Path) -> None:
    try:
        (tmp_path / os.fsdecode(b"\xff.playbook.yaml")).write_text(BASE, encoding="utf-8")
    except OSError:
        pytest.skip("this file system takes only UTF-8")
    assert "not UTF-8" in gather_lock(tmp_path, lock=tmp_path / LOCK_NAME).unreadable[0]


def test_a_lock_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    put(tmp_path / "a.playbook.yaml")
    with pytest.raises(PlaybookError, match="the lock cannot be written"):
        lock_playbooks(tmp_path, lock=tmp_path / "missing" / LOCK_NAME)


def test_a_playbook_that_is_not_locked_or_gone_is_named(tmp_path: Path) -> None:
    old = put(tmp_path / "old.playbook.yaml")
    lock = locked(tmp_path)
    new = put(tmp_path / "new.playbook.yaml")
    old.path.unlink()
    assert verify(new, lock) == ("new.playbook.yaml is not in the lock",)
    found = compare_locks(lock, gather_lock(tmp_path, lock=lock.path))
    assert [(one.playbook, one.problem, one.matters) for one in found] == [
        ("new.playbook.yaml", "is not in the lock", True),
        ("old.playbook.yaml", "is in the lock, but cannot be found or read", True),
    ]


def test_an_edited_digest_is_noticed(tmp_path: Path) -> None:
    playbook = put(tmp_path / "x.playbook.yaml")
    lock = locked(tmp_path)
    text = render_lock(lock).replace(lock.entries["x.playbook.yaml"].semantic_sha256, "0" * 64)
    lock.path.write_text(text, encoding="utf-8")
    (difference,) = verify(playbook, read_lock(lock.path))
    assert "the lock was edited" in difference


def test_the_problem_is_one_sentence_for_the_user(tmp_path: Path) -> None:
    path = tmp_path / "x.playbook.yaml"
    assert lock_problem(put(path), tmp_path / LOCK_NAME) == (
        f"the lock cannot be used: {tmp_path / LOCK_NAME}: there is no such file"
    )
    lock = locked(tmp_path)
    assert lock_problem(read_playbook(path, {}), lock.path) is None
    after = put(path, BASE.replace("seed: 42", "seed: 1"))
    assert lock_problem(after, lock.path) == (
        f"{path}: differs from {lock.path}: test_matrix.seed changed; "
        "if this is meant, lock it again with: apr-qa lock-playbooks"
    )


_HEX = "0" * 64
_ENTRY = f"lock_version: 1\nentries: {{x: {{sha256: {_HEX}, semantic_sha256: {_HEX}, fields: %s}}}}\n"
HOSTILE = {
    "": "the file is empty",
    "# nothing\n": "holds only comments",
    "[]\n": "has no place in a lock file; expected mappings",
    "x\n": "not a lock file; expected a mapping; found 'x'",
    "a: b: c\n": ":1:5: this is not YAML",
    "a: 1\na: 2\n": "2:1: the key 'a' stands here twice",
    "a: &x 1\n": "has no place",
    "a: &x {}\nb: *x\n": "has no place",
    "a: !!python/object:os.system {}\n": "has no place",
    "? [a]\n: 1\n": "no place as a key",
    "a: {b: {c: {d: {e: 1}}}}\n": "has no place",
    "{a: " * 50_000: "has no place",
    "%TAG ! x\n---\na: 1\n": "directive",
    "a: 1\n---\nb: 1\n": "a second document",
    "a\0b": "binary",
    "x: y\n" + "#" * (1 << 20): "too large",
    f"entries: {{x: {{sha256: {_HEX}, locked_fields: a}}}}\n": "lock_version: this is no lock file that can be used",
    "lock_version: 2\nentries: {}\n": "expected 1; found '2'; write it anew",
    "lock_version: 1\n": "no lock file that can be used",
    "lock_version: 1\nentries: 3\n": "no lock file that can be used",
    "lock_version: 1\nentries: {x: 3}\n": "entries.x: this is no lock file that can be used; expected a mapping",
    f"lock_version: 1\nentries: {{x: {{sha256: {_HEX}}}}}\n": "entries.x.semantic_sha256: ",
    "lock_version: 1\nentries: {x: {sha256: 12}}\n": "expected 64 hex digits; found '12'",
    _ENTRY % "{a: {}}": "has no place",
    _ENTRY % "a": "entries.x.fields: ",
}


@pytest.mark.parametrize("text", HOSTILE, ids=[str(number) for number in range(len(HOSTILE))])
def test_a_hostile_lock_is_an_error_that_says_what_is_wrong(tmp_path: Path, text: str) -> None:
    path = tmp_path / LOCK_NAME
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PlaybookError) as raised:
        read_lock(path)
    assert HOSTILE[text] in str(raised.value)
    assert len(str(raised.value)) < 1000


def test_real_playbooks_are_locked_and_read_back(corpus: Path, tmp_path: Path) -> None:
    made = lock_playbooks(corpus / "playbooks", lock=tmp_path / LOCK_NAME)
    assert (len(made.entries), made.unreadable) == (76, ())
    assert compare_locks(read_lock(tmp_path / LOCK_NAME), made) == ()


def test_two_hundred_playbooks_are_locked_and_verified_in_seconds(tmp_path: Path) -> None:
    for number in range(200):
        put(tmp_path / f"{number}.playbook.yaml", BASE.replace("org/tiny", f"org/tiny-{number}"))
    start_s = time.process_time()
    lock = locked(tmp_path)
    assert len(lock.entries) == 200
    assert time.process_time() - start_s < (4 if sys.gettrace() is None else 40)
