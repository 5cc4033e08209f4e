from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_aprqa.playbook import read_playbook
from tests.bootstrap.samples import config_file
from tests.cli.running import apr_qa, apr_qa_process
from tests.cli.test_bootstrap import REGISTRY
from tests.kernels.samples import LLAMA3


def test_scenarios_of_a_registered_model_stand_in_a_playbook(tmp_path: Path) -> None:
    done = apr_qa_process("generate", "Qwen/Qwen3-1.7B", "-c", 12, *REGISTRY)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("# Written by: apr-qa generate Qwen/Qwen3-1.7B -c 12 --seed 42\nscenarios:\n")
    path = tmp_path / "x.playbook.yaml"
    path.write_text("model: { hf_repo: a/b, formats: [safetensors] }\ntest_matrix: {}\n" + done.stdout)
    assert len(read_playbook(path, {}, strict=True).listed_scenarios) == 12


def test_the_same_words_give_the_same_scenarios_and_another_seed_others() -> None:
    words = ("generate", "org/unheard-of", "-c", 60, "-f", "jsonl")
    first = apr_qa(*words)
    assert first.stdout == apr_qa(*words).stdout
    assert first.stdout != apr_qa(*words, "--seed", 7).stdout
    assert len({json.loads(line)["name"] for line in first.stdout.splitlines()}) == 60


def test_json_is_one_object(tmp_path: Path) -> None:
    done = apr_qa("generate", config_file(tmp_path, LLAMA3), "-c", 5, "--category", "code", "--json")
    assert {each["category"] for each in json.loads(done.stdout)["scenarios"]} == {"code"}


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("org/x", "-c", 0), "0 is not in the range"),
        (("org/x", "--category", "poetry"), "unknown category 'poetry'"),
        (("org/x", "-c", 500, "--category", "languages"), "are wanted, and there are"),
        (("/absent",), "found nothing"),
    ],
)
def test_wrong_usage_is_2(words: tuple[object, ...], problem: str) -> None:
    done = apr_qa("generate", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert problem in done.stderr
