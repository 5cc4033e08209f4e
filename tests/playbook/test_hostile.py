"""Whatever is in the file: a playbook or a PlaybookError, within a second."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_aprqa.core import PlaybookError
from pytest_aprqa.playbook import expand, read_playbook
from tests.playbook.conftest import MINIMAL

_DOUBLING = "\n".join(f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 9)}]" for k in range(1, 40))

BOMBS = {
    "aliases": f"a0: &a0 lol\n{_DOUBLING}\n" + MINIMAL,
    "merges": "a0: &a0 {x: 1}\n"
    + "\n".join(f"a{k}: &a{k} {{<<: [*a{k - 1}, *a{k - 1}], y{k}: 1}}" for k in range(1, 60)),
    "cycle": "a: &a [*a]",
    "lists": "[" * 100_000,
    "closed lists": "[" * 100_000 + "]" * 100_000,
    "mappings": "{a: " * 100_000,
    "dashes": "- " * 100_000,
    "question marks": "? " * 100_000,
    "indentation": "\n".join(" " * k + "a:" for k in range(1000)),
    "many keys": "\n".join(f"k{k}: 1" for k in range(70_000)),
    "many unknown keys": MINIMAL + "\n".join(f"k{k}: 1" for k in range(20_000)),
    "one long key": MINIMAL + "k" * 900_000 + ": 1",
    "many bad items": MINIMAL + "scenarios:\n" + "- 3\n" * 40_000,
    "many scenarios": MINIMAL + "scenarios:\n" + "".join(f"- prompt: same {k % 7}\n" for k in range(12_000)),
    "equal prompts": MINIMAL.replace("{}", "{prompts: [" + "a, " * 40_000 + "]}"),
    "many formats": MINIMAL.replace("{hf_repo", "{formats: [" + "gguf, " * 40_000 + "], hf_repo"),
    "long scalar": MINIMAL + "description: " + "x" * 1_000_000,
    "placeholders": MINIMAL + "description: '" + "${a:-" * 150_000 + "'",
    "directives": "".join(f"%TAG !{k}! tag:x,2000:\n" for k in range(30_000)) + "--- a\n",
    "anchors": "".join(f"- &a{k} x\n" for k in range(70_000)),
    "documents": "--- a\n" * 100_000,
    "huge integer": MINIMAL + "metadata: {x: " + "9" * 900_000 + "}",
    "huge float": MINIMAL + "metadata: {x: 0." + "9" * 900_000 + "e5}",
    "hex": MINIMAL + "metadata: {x: 0x" + "f" * 900_000 + "}",
    "name": "name: " + "a-" * 400_000 + "\n" + MINIMAL.partition("\n")[2],
    "escapes": MINIMAL + 'metadata: {x: "\\uD800 \\0 \\x07"}',
    "object": "a: !!python/object/apply:os.system ['touch /tmp/never']",
    "nul": "a: \0",
    "tag": "!<tag:yaml.org,2002:python/name:os.system> x",
}


def limit_s() -> float:
    """A second; a tracer such as coverage slows every line down."""
    return 1.0 if sys.gettrace() is None else 10.0


def read_within_a_second(path: Path) -> None:
    start_s = time.process_time()
    try:
        playbook = read_playbook(path, {})
        expand(playbook, playbook.listed_scenarios, unavailable={})
        said = [*playbook.warnings, *playbook.reports]
    except PlaybookError as error:
        said = [str(error)]
    assert time.process_time() - start_s < limit_s()
    assert all(len(sentence) < 2000 for sentence in said)


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_over_within_a_second(tmp_path: Path, bomb: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(BOMBS[bomb], encoding="utf-8")
    read_within_a_second(path)


def test_a_file_of_50_megabytes_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    with path.open("wb") as file:
        file.truncate(50 << 20)
    with pytest.raises(PlaybookError, match="too large"):
        read_playbook(path, {})
    read_within_a_second(path)


_FRAGMENTS = st.sampled_from(
    ["a", "model", "hf_repo", "scenarios", ": ", "\n", "  ", "- ", "[", "]", "{", "}", "&x ", "*x", "<<", "!!str ",
     "? ", "\ufeff", "'",
     '"', "\\", "|\n", ">\n", "#", "%", "---\n", "${A}", "$${", "1e5", "true", "~", "\t", "é", "\u2028"]
)  # fmt: skip
QUICK = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)


@QUICK
@given(st.lists(_FRAGMENTS, max_size=40).map("".join) | st.text(max_size=60))
def test_any_text_is_a_playbook_or_a_playbook_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    read_within_a_second(path)


@QUICK
@given(st.binary(max_size=80))
def test_any_bytes_are_a_playbook_or_a_playbook_error(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(data)
    read_within_a_second(path)


WHOLE = """\
name: whole
version: "1.0"
model: {hf_repo: a/b, formats: [gguf], quantizations: [q8_0], local_path: x, files: {gguf: y}}
test_matrix: {modalities: [run], backends: [cpu], scenario_count: 3, seed: 1, prompts: [a], timeout_ms: 3000}
gates: {g1_model_loads: "true"}
oracles: [arithmetic, {type: garbage, config: {min_unique_chars: 3}}]
failure_policy: collect_all
scenarios: [{name: s, prompt: p, oracle: garbage, expected: 4, only: [cpu], language: python}]
mvp_matrix: [{format: gguf, prompt: q}]
verification_tests: [{name: v, prompt: w, expect: "4", format: gguf}]
golden_outputs: [{prompt: g, must_contain: [h]}]
property_tests: [{name: t, generator: g(), oracle: o, count: 5}]
skips: [{format: gguf, reason: r}]
metadata: {tier: mvp, tags: [x]}
profile_ci: {enabled: true, assertions: {max_p99_ms: 1.5}, min_throughput: 3}
differential_tests: {fingerprint: {enabled: true, tensors: all}}
state_machine: {states: {a: {}}}
"""
_VALUES = st.sampled_from(
    ["", "~", "3", "-1", "1.5", "true", "x", "''", "[]", "[3]", "[[]]", "{}", "{a: {b: 1}}", "'a/b'"]
)


@QUICK
@given(st.data())
def test_a_whole_playbook_with_one_value_replaced_is_one_or_an_error(tmp_path: Path, data: st.DataObject) -> None:
    keys = [index for index in range(len(WHOLE)) if WHOLE.startswith(": ", index)]
    start = data.draw(st.sampled_from(keys)) + 2
    ends = [WHOLE.find(mark, start) for mark in (",", "}", "]", "\n")]
    end = data.draw(st.sampled_from([end for end in ends if end > 0]))
    path = tmp_path / "x.yaml"
    path.write_text(WHOLE[:start] + data.draw(_VALUES) + WHOLE[end:], encoding="utf-8")
    read_within_a_second(path)


@QUICK
@given(st.data())
def test_a_whole_playbook_with_a_piece_moved_is_one_or_an_error(tmp_path: Path, data: st.DataObject) -> None:
    places = st.integers(0, len(WHOLE))
    start, end, to = (data.draw(places) for _ in range(3))
    path = tmp_path / "x.yaml"
    path.write_text(WHOLE[:to] + WHOLE[min(start, end) : max(start, end)] + WHOLE[to:], encoding="utf-8")
    read_within_a_second(path)


def test_the_whole_playbook_itself_loads(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(WHOLE, encoding="utf-8")
    assert len(read_playbook(path, {}, strict=True).listed_scenarios) == 5
