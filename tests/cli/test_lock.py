from __future__ import annotations

import json
from pathlib import Path

from tests.cli.running import Done, apr_qa, apr_qa_process

TEXT = "name: x\nmodel: {hf_repo: org/tiny}\ntest_matrix: {seed: 1}\n"


def put(folder: Path, text: str = TEXT, name: str = "x") -> Path:
    path = folder / f"{name}.playbook.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_it_locks_and_checks(tmp_path: Path) -> None:
    put(tmp_path)
    lock = tmp_path / "playbook.lock.yaml"
    assert apr_qa_process("lock-playbooks", tmp_path) == Done(0, f"{lock}: 1 playbook locked\n", "")
    assert apr_qa("lock-playbooks", tmp_path, "--check") == Done(0, f"{lock}: fits 1 playbook\n", "")


def test_a_changed_seed_is_1_and_named(tmp_path: Path) -> None:
    put(tmp_path)
    apr_qa("lock-playbooks", tmp_path)
    put(tmp_path, TEXT.replace("seed: 1", "seed: 2, max_tokens: 9"))
    put(tmp_path, name="y")
    lock = tmp_path / "playbook.lock.yaml"
    before = lock.read_bytes()
    assert apr_qa("lock-playbooks", tmp_path, "--check") == Done(
        1,
        "x.playbook.yaml: test_matrix.max_tokens was added, test_matrix.seed changed\n"
        f"y.playbook.yaml: is not in the lock\n{lock}: does not fit 2 playbooks\n",
        "",
    )
    assert lock.read_bytes() == before


def test_other_bytes_are_a_remark(tmp_path: Path) -> None:
    put(tmp_path)
    apr_qa("lock-playbooks", tmp_path)
    put(tmp_path, "# a comment\n" + TEXT)
    done = apr_qa("lock-playbooks", tmp_path, "--check")
    assert done.returncode == 0
    assert "x.playbook.yaml: remark: has other bytes and the same meaning\n" in done.stdout


def test_an_unreadable_playbook_is_1_and_nothing_is_written(tmp_path: Path) -> None:
    put(tmp_path)
    put(tmp_path, "model: [", name="broken")
    done = apr_qa("lock-playbooks", tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "broken.playbook.yaml:2:1: this is not YAML" in done.stderr
    assert "nothing was written; 1 playbook can be read" in done.stderr
    assert not (tmp_path / "playbook.lock.yaml").exists()


def test_a_playbook_that_became_unreadable_does_not_fit(tmp_path: Path) -> None:
    put(tmp_path)
    apr_qa("lock-playbooks", tmp_path)
    put(tmp_path, "model: [")
    done = apr_qa("lock-playbooks", tmp_path, "--check")
    assert done.returncode == 1
    assert "is in the lock, but cannot be found or read" in done.stdout
    assert "this is not YAML" in done.stderr


def test_json_is_one_object(tmp_path: Path) -> None:
    put(tmp_path)
    lock = tmp_path / "elsewhere.yaml"
    written = json.loads(apr_qa("lock-playbooks", tmp_path, "-o", lock, "--json").stdout)
    assert written == {"lock": str(lock), "playbooks": 1, "written": True, "unreadable": []}
    put(tmp_path, TEXT.replace("seed: 1", "seed: 2"))
    done = apr_qa("lock-playbooks", tmp_path, "-o", lock, "--check", "--json")
    assert (done.returncode, done.stderr) == (1, "")
    assert json.loads(done.stdout) == {
        "lock": str(lock),
        "playbooks": 1,
        "fits": False,
        "differences": [{"playbook": "x.playbook.yaml", "problem": "test_matrix.seed changed", "matters": True}],
        "unreadable": [],
    }


def test_what_is_missing_is_2(tmp_path: Path) -> None:
    assert apr_qa("lock-playbooks", tmp_path / "none").returncode == 2
    put(tmp_path)
    done = apr_qa("lock-playbooks", tmp_path, "--check")
    assert (done.returncode, "there is no such file" in done.stderr) == (2, True)


def test_a_hostile_name_does_not_reach_the_terminal(tmp_path: Path) -> None:
    put(tmp_path, name="\x1b[31mred")
    apr_qa("lock-playbooks", tmp_path)
    put(tmp_path, TEXT.replace("seed: 1", "seed: 2"), name="\x1b[31mred")
    assert "\x1b" not in apr_qa("lock-playbooks", tmp_path, "--check").stdout
