from __future__ import annotations

from pathlib import Path

import pytest

from pytest_aprqa.core import Format, PlaybookError, Quantization, Tier
from tests.playbook.conftest import MINIMAL, Read

BASE = "model: {hf_repo: org/tiny}\ntest_matrix: {}\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model: {hf_repo: a/b}", ":1:1: test_matrix: is missing"),
        ("model: {hf_repo: a/b}\nmatrix: {}", "test_matrix: is missing; is it what 'matrix' in line 2 means?"),
        ("model: {hf_rep: a/b}\ntest_matrix: {}", ":1:1: model.hf_repo: is missing; is it what 'hf_rep'"),
        ("model: {hf_repo: ab}\ntest_matrix: {}", ":1:18: model.hf_repo: is malformed; expected org/name"),
        ("model: a/b\ntest_matrix: {}", ":1:8: model: has a wrong value; expected a mapping; found the text 'a/b'"),
        ("model: {hf_repo: a/b}\ntest_matrix:", "test_matrix: has a wrong value; expected a mapping; found nothing"),
        (
            "model: {hf_repo: a/b}\ntest_matrix: {modalities: [run, chatt]}",
            ":2:33: test_matrix.modalities[1]: has a wrong value; expected run, chat or serve; found the text 'chatt'; "
            "did you mean 'chat'?",
        ),
        ("model: {hf_repo: a/b}\ntest_matrix: {modalities: []}", "wrong length; expected at least 1 items"),
        ("model: {hf_repo: a/b}\ntest_matrix: {backends: [cpu, CPU]}", "lists 'cpu' twice; expected each value once"),
        ("model: {hf_repo: a/b}\ntest_matrix: {prompts: []}", "prompts: has a wrong length"),
        (
            "model: {hf_repo: a/b}\ntest_matrix: {prompts: [a, 4]}",
            ":2:28: test_matrix.prompts[1]: has a wrong value; expected a text; found the number 4; put it in quotes",
        ),
        (
            "model: {hf_repo: a/b}\ntest_matrix: {scenario_count: 0}",
            ":2:31: test_matrix.scenario_count: is out of range; expected at least 1; found the number 0",
        ),
        ("model: {hf_repo: a/b}\ntest_matrix: {scenario_count: 1001}", "expected at most 1000"),
        ("model: {hf_repo: a/b}\ntest_matrix: {timeout_ms: 999}", "expected at least 1000"),
        ("model: {hf_repo: a/b}\ntest_matrix: {timeout_ms: 600001}", "expected at most 600000"),
        ("model: {hf_repo: a/b}\ntest_matrix: {seed: true}", "expected a whole number; found true"),
        ("model: {hf_repo: a/b}\ntest_matrix: {seed: 1.5}", "expected a whole number; found the number 1.5"),
        ("model: {hf_repo: a/b}\ntest_matrix: {seed: '1'}", "numbers stand without quotes"),
        ("model: {hf_repo: a/b}\ntest_matrix: {temperature: 2.1}", "expected at most 2"),
        (BASE + "version: 1.0", "version: has a wrong value; expected a text; found the number 1.0; put it in quotes"),
        (BASE + "version: one", "version: is malformed; expected two or three numbers"),
        (BASE + "name: a b", "name: is malformed"),
        (BASE + "gates: {g1_model_loads: maybe}", "gates.g1_model_loads: has a wrong value; expected true or false"),
        (BASE + "gates: {g1_model_loads: 1}", "expected true or false; found the number 1"),
        (BASE + "failure_policy: stop", "expected stop-on-first, stop-on-p0, collect-all or fail-fast"),
        (BASE + "oracles: [arithmetik]", "oracles[0]: has a wrong value; expected arithmetic"),
        (BASE + "oracles: [{type: garbage, config: 3}]", "oracles[0].config: has a wrong value; expected a mapping"),
        (BASE + "contract_tests: {invariants: [I-9]}", "expected I-1, I-2, I-3, I-4 or I-5"),
        (BASE + "skips: [{reason: x}]", ":3:9: skips[0]: names no cell; expected a format, backend"),
        (BASE + "scenarios: [{name: x}]", ":3:13: scenarios[0]: gives none of them; expected one of prompt, turns"),
        (BASE + "scenarios: [{prompt: x, turns: [y]}]", "scenarios[0]: gives prompt and turns"),
        (BASE + "scenarios: [{prompt: x, only: [cpu, tpu]}]", "only[1]: is no word of a cell; expected safetensors"),
        (BASE + "metadata: {x: 1}\nmodel2: {}\nskips: 3", ":5:8: skips: has a wrong value; expected a list"),
        (
            "model: {hf_repo: a/b}\ntest_matrix: {seed: -1, temperature: 3, max_tokens: 0}",
            ":2:21: test_matrix.seed: is out of range; expected at least 0; found the number -1; (and 2 more)",
        ),
    ],
)
def test_a_wrong_value_is_refused_with_place_expectation_and_finding(read: Read, text: str, message: str) -> None:
    with pytest.raises(PlaybookError) as caught:
        read(text)
    assert message in str(caught.value)


def test_a_playbook_that_says_little_gets_the_documented_defaults(read: Read) -> None:
    playbook = read(MINIMAL)
    assert playbook.model.formats == (Format.SAFETENSORS, Format.APR, Format.GGUF)
    assert playbook.model.revision == "main"
    matrix = playbook.matrix
    assert (matrix.scenario_count, matrix.seed, matrix.timeout_ms) == (100, 42, 60_000)
    assert (matrix.max_tokens, matrix.temperature, matrix.prompting, matrix.system) == (32, 0.0, None, None)
    assert playbook.gates.g0
    assert playbook.failure_policy == "stop-on-p0"
    assert (playbook.listed_scenarios, playbook.reports, playbook.warnings, playbook.tier) == ((), (), (), None)


@pytest.mark.parametrize("word", ['"true"', "true", "Yes", '"on"', "TRUE"])
def test_booleans_may_stand_in_quotes(read: Read, word: str) -> None:
    assert read(BASE + f"gates: {{g4_output_quality: {word}}}").gates.g4 is True


def test_a_gateway_that_is_switched_off_is_reported(read: Read) -> None:
    playbook = read(BASE + "gates: {g4_output_quality: 'off'}")
    assert playbook.gates.g4 is False
    assert playbook.reports == ("line 3: gateway G4 is switched off: it is shown, but fails nothing",)


def test_words_may_be_written_in_capitals(read: Read) -> None:
    playbook = read("model: {hf_repo: a/b, formats: [GGUF], quantizations: [Q4_K_M]}\ntest_matrix: {}")
    assert (playbook.model.formats, playbook.model.quantizations) == ((Format.GGUF,), (Quantization.Q4_K_M,))


def test_unknown_keys_are_warnings_with_a_hint(read: Read, tmp_path: Path) -> None:
    text = "model: {hf_repo: a/b}\ntest_matrix:\n  modalites: [run]\n"
    text += "scenarios:\n  - {prompt: x, orcale: garbage}\nzzz: 1\n"
    path = tmp_path / "x.playbook.yaml"
    assert read(text).warnings == (
        f"{path}:3:3: unknown key 'modalites' in test_matrix; did you mean 'modalities'?",
        f"{path}:5:17: unknown key 'orcale' in scenarios[0]; did you mean 'oracle'?",
        f"{path}:6:1: unknown key 'zzz'",
    )
    with pytest.raises(PlaybookError, match=":3:3: unknown key 'modalites' in test_matrix; did you mean"):
        read(text, strict=True)


@pytest.mark.parametrize("key", ["__class__", "model_fields", "model_extra", "copy", "g0", "", "é", "1"])
def test_no_unknown_key_is_special(read: Read, key: str) -> None:
    (warning,) = read(BASE + f'gates: {{"{key}": false}}').warnings
    assert f"unknown key {key!r} in gates" in warning
    assert read(BASE + f'gates: {{"{key}": false}}').gates.g0 is True


def test_a_flood_of_unknown_keys_is_cut_and_says_so(read: Read) -> None:
    warnings = read(BASE + "".join(f"k{k}: 1\n" for k in range(60))).warnings
    assert len(warnings) == 51
    assert warnings[-1].endswith("there may be more unknown keys")


def test_metadata_is_free_form(read: Read) -> None:
    playbook = read(BASE + "metadata: {author: me, anything: {deep: [1, on]}}", strict=True)
    assert playbook.metadata == {"author": "me", "anything": {"deep": [1, "on"]}}


def test_paths_are_relative_to_the_playbook(read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    model = read(
        """\
        model:
          hf_repo: a/b
          local_path: weights/tiny
          files: {gguf: ~/x.gguf, safetensors: /abs/model.safetensors}
        test_matrix: {}
        """
    ).model
    assert model.local_path == tmp_path / "weights/tiny"
    assert model.files.gguf == Path("/home/me/x.gguf")
    assert model.files.safetensors == Path("/abs/model.safetensors")
    assert model.files.apr is None


@pytest.mark.parametrize("value", ["''", '"a\\0b"', "3", "~no_such_user_here/x"])
def test_what_is_no_path_is_refused(read: Read, value: str) -> None:
    with pytest.raises(PlaybookError, match=r"model\.local_path"):
        read(f"model: {{hf_repo: a/b, local_path: {value}}}\ntest_matrix: {{}}")


@pytest.mark.parametrize(
    ("name", "metadata", "tier"),
    [
        ("x-smoke.playbook.yaml", "", Tier.SMOKE),
        ("x.playbook.yaml", "metadata: {tier: MVP}", Tier.MVP),
        ("x-ci.playbook.yml", "", Tier.STANDARD),
        ("x.playbook.yaml", "metadata: {tier: full}", Tier.DEEP),
        ("x-nightly.playbook.yaml", "", Tier.DEEP),
        ("x.playbook.yaml", "name: y-quick", Tier.QUICK),
        ("smoke-x.playbook.yaml", "", None),
        ("x.playbook.yaml", "metadata: {tier: verification}", None),
    ],
)
def test_the_tier_is_what_the_metadata_or_a_name_says(read: Read, name: str, metadata: str, tier: Tier | None) -> None:
    assert read(BASE + metadata, name=name).tier is tier


def test_a_tier_that_contradicts_the_name_is_warned_about(read: Read) -> None:
    playbook = read(BASE + "metadata: {tier: ci}", name="x-smoke.playbook.yaml")
    assert playbook.tier is Tier.STANDARD
    assert "'ci' is the standard tier, but the file's name says smoke" in playbook.warnings[0]
    assert "names no tier; did you mean 'smoke'?" in read(BASE + "metadata: {tier: smok}").warnings[0]


def test_fields_have_lines(read: Read) -> None:
    playbook = read("name: x\nmodel:\n  hf_repo: a/b\ntest_matrix:\n  prompts:\n    - one\n    - two\n")
    fields = ["model", "model.hf_repo", "test_matrix.prompts[1]", "model.revision", "absent", "test_matrix.prompts[9]"]
    assert [playbook.line_of(field) for field in fields] == [2, 3, 7, 2, 1, 5]
