from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.bootstrap.samples import config_file, gguf_file
from tests.cli.running import apr_qa, apr_qa_process
from tests.kernels.samples import DEEPSEEK_V2, LLAMA3
from tests.tiny import make_tiny

ROOT = Path(__file__).resolve().parent.parent.parent
REGISTRY = ("--registry", ROOT / "certifications/models.csv", "--playbooks", ROOT / "playbooks")


def test_a_folder_becomes_a_playbook_that_validates(tmp_path: Path) -> None:
    make_tiny(tmp_path / "my-model")
    done = apr_qa_process("bootstrap", tmp_path / "my-model", "--tier", "smoke")
    assert (done.returncode, done.stderr) == (0, "")
    path = tmp_path / "my-model-smoke.playbook.yaml"
    path.write_text(done.stdout)
    assert ": ok: my-model-smoke 1.0.0, tier smoke, local/my-model" in apr_qa("validate", path, "--strict").stdout


def test_a_file_is_written_checked_and_left_alone(tmp_path: Path) -> None:
    config, out = config_file(tmp_path, LLAMA3), tmp_path / "out.playbook.yaml"
    words = ("bootstrap", config, "--hf-repo", "org/name", "-o", out)
    assert apr_qa(*words, "--dry-run").stderr.endswith("new, not written\n")
    assert not out.exists()
    assert apr_qa(*words, "--check").returncode == 1
    assert apr_qa(*words).returncode == 0
    assert apr_qa(*words, "--check").returncode == 0
    out.write_text(out.read_text() + "# mine\n")
    done = apr_qa(*words, "--check", "--json")
    assert (done.returncode, json.loads(done.stdout)["what"]) == (1, "changed")
    assert out.read_text().endswith("# mine\n")


def test_a_profile_says_what_says_so(tmp_path: Path) -> None:
    done = apr_qa("bootstrap", config_file(tmp_path, DEEPSEEK_V2), "--profile")
    assert done.returncode == 0
    assert "multi_head_latent_attention  kv_lora_rank 512" in done.stdout
    assert "mixture_of_experts" in done.stdout
    assert "formats:" not in done.stdout
    value = json.loads(apr_qa("bootstrap", config_file(tmp_path, DEEPSEEK_V2), "--profile", "--json").stdout)
    assert value["facts"]["experts"] == 64


def test_a_model_of_the_registry_needs_no_files() -> None:
    done = apr_qa("bootstrap", "Qwen/Qwen2.5-Coder-7B-Instruct", "--tier", "mvp", *REGISTRY, "--json")
    value = json.loads(done.stdout)
    assert (value["name"], value["model"]) == ("qwen2.5-coder-7b-mvp", "Qwen/Qwen2.5-Coder-7B-Instruct")
    assert "expected_vocab_size: 152064" in value["text"]


def test_the_users_files_are_named(tmp_path: Path) -> None:
    gguf = gguf_file(tmp_path / "mine.gguf", file_type=7)
    done = apr_qa("bootstrap", config_file(tmp_path, LLAMA3), "--gguf", gguf)
    assert f'gguf: "{gguf}"' in done.stdout
    assert "quantizations: [q8_0]" in done.stdout


def test_all_of_a_registry_are_written_and_then_as_they_should_be(tmp_path: Path) -> None:
    registry = tmp_path / "models.csv"
    lines = (ROOT / "certifications/models.csv").read_text().splitlines()
    registry.write_text("\n".join([lines[0], *(line for line in lines if "gemma-2-9b" in line)]) + "\n")
    words = ("bootstrap", "--all", "--registry", registry, "--playbooks", tmp_path)
    assert apr_qa(*words, "--check").returncode == 1
    assert not (tmp_path / "models").exists()
    done = apr_qa(*words, "--json")
    assert (done.returncode, len(json.loads(done.stdout)["changes"])) == (0, 2)
    assert apr_qa(*words, "--check").stdout == "1 model, 0 files to be written, nothing written\n"


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ((), "either a model or --all"),
        (("a/b", "--all"), "either a model or --all"),
        (("org/absent", *REGISTRY), "does not list it"),
        (("/absent/folder",), "found nothing"),
        (("org/absent", "--gguf", "x.gguf", *REGISTRY), "need a folder or config.json"),
        (("Qwen/QwQ-32B", "--check", *REGISTRY), "--check needs -o"),
        (("Qwen/QwQ-32B", "--dry-run", *REGISTRY), "--dry-run needs -o"),
        (("--all", "--profile", *REGISTRY), "--profile: expected one model, found --all"),
        (("--all", "--tier", "smoke", "-o", "x", *REGISTRY), "--tier, --output: expected one model"),
        (("--all", "--gguf", "x", "--dry-run", *REGISTRY), "--gguf: expected one model"),
        (("x", "--tier", "deepest"), "deepest"),
    ],
)
def test_wrong_usage_is_2_in_one_message(words: tuple[object, ...], problem: str) -> None:
    done = apr_qa("bootstrap", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert problem in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("content", ["", "[]", "{}", "\x1b[31m", '{"model_type": 1e999}'])
def test_a_garbage_configuration_is_2(content: str, tmp_path: Path) -> None:
    done = apr_qa("bootstrap", config_file(tmp_path, content))
    assert done.returncode == 2
    assert done.stderr.startswith("Error: config.json")
    assert "\x1b" not in done.stderr
