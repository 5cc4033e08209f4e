"""What the plugin costs and what batching wins, side by side in one run: ``python -m tests.benchmarks.plugin_cost``.

Whole processes are timed, imports and loading included, on the same prompts: a plain loop over ``model.generate``, the
plugin with one request at a time, the plugin with batches. Then what one case costs above a bare pytest item, with an
engine that answers at once. Prints a table; asserts nothing, because these numbers belong to the machine.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from pytest_aprqa import embedded
from pytest_aprqa.suite import plan_playbook
from tests.tiny import make_tiny

_LOOP = """
import json, sys, torch
from transformers import AutoModelForCausalLM, AutoTokenizer
folder, prompts, tokens = sys.argv[1], json.load(open(sys.argv[2])), int(sys.argv[3])
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
for prompt in prompts:
    messages = [{"role": "user", "content": prompt}]
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    inputs = tokenizer(text, return_tensors="pt", add_special_tokens=False)
    ids = model.generate(**inputs, max_new_tokens=tokens, do_sample=False, pad_token_id=0)
    tokenizer.decode(ids[0, inputs.input_ids.shape[1]:])
"""
"""What a user would write by hand."""


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, help="Hugging Face folder (default: the embedded model)")
    parser.add_argument("--scenarios", type=int, default=100)
    parser.add_argument("--max-tokens", type=int, default=32)
    parser.add_argument("--items", type=int, default=1000, help="items for the cost of one case")
    options = parser.parse_args()
    model = (options.model or embedded.folder()).resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _compare_inference(folder, model, options.scenarios, options.max_tokens)
        _compare_items(folder, options.items)
    return 0


def _compare_inference(folder: Path, model: Path, scenarios: int, max_tokens: int) -> None:
    playbook = _write_playbook(folder, model, scenarios, max_tokens)
    plan = plan_playbook(playbook, {}, strict=True, unavailable={})
    prompts = folder / "prompts.json"
    prompts.write_text(json.dumps([scenario.turns[0] for scenario in plan.scenarios]))
    loop = _timed([sys.executable, "-c", _LOOP, str(model), str(prompts), str(max_tokens)])
    alone = _timed(_pytest(playbook, "--aprqa-batch=1"))
    batched = _timed(_pytest(playbook, "--aprqa-batch=16"))
    _say(f"{len(plan.scenarios)} scenarios of {max_tokens} tokens on {model.name}, whole process")
    _say(f"  plain loop over generate   {loop:7.1f} s   1.00")
    _say(f"  plugin, one at a time      {alone:7.1f} s   {alone / loop:.2f}")
    _say(f"  plugin, batches of 16      {batched:7.1f} s   {batched / loop:.2f}")


def _compare_items(folder: Path, count: int) -> None:
    make_tiny(folder / "tiny")
    # The cost of starting (imports, gateways, the engine's process) is taken off by a run with one item.
    bare_ms = _each_ms(count, lambda n: _timed(_pytest(_write_bare(folder, n))))
    ours_ms = _each_ms(
        count, lambda n: _timed(_pytest(_write_playbook(folder, folder / "tiny", n, 8), "--aprqa-engine=fake"))
    )
    _say(f"one case with its evidence, of {count}")
    _say(f"  bare pytest item           {bare_ms:7.2f} ms")
    _say(f"  playbook case              {ours_ms:7.2f} ms")


def _each_ms(count: int, seconds: Callable[[int], float]) -> float:
    return (seconds(count) - seconds(1)) / (count - 1) * 1000


def _write_bare(folder: Path, count: int) -> Path:
    path = folder / f"test_bare_{count}.py"
    path.write_text(f"import pytest\n@pytest.mark.parametrize('n', range({count}))\ndef test_it(n): pass\n")
    return path


def _write_playbook(folder: Path, model: Path, scenarios: int, max_tokens: int) -> Path:
    path = folder / f"bench-{model.name}-{scenarios}.playbook.yaml"
    sums = {"name": "sums", "generator": "arithmetic(a: 1..99, b: 1..99, op: +|-)", "oracle": "correct", "count": 1}
    content = {
        "name": path.name.partition(".")[0].lower().replace("_", "-"),
        "version": "1.0.0",
        "model": {"hf_repo": "bench/model", "local_path": str(model), "formats": ["safetensors"]},
        "test_matrix": {
            "modalities": ["run"],
            "backends": ["cpu"],
            "scenario_count": scenarios,
            "max_tokens": max_tokens,
        },
        "property_tests": [sums],
        "failure_policy": "collect-all",
        "metadata": {"tier": "smoke"},
    }
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


def _pytest(path: Path, *arguments: str) -> list[str]:
    # Answers may be wrong here: what is measured is how long they take.
    quiet = ["-q", "--no-header", "--no-summary", "-p", "no:cacheprovider", f"--rootdir={path.parent}"]
    return [sys.executable, "-m", "pytest", str(path), *quiet, f"--aprqa-output={path.parent / 'out'}", *arguments]


def _timed(command: list[str]) -> float:
    started = time.monotonic()
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.monotonic() - started


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
