"""Numbers and names in the words of each format: rotary embedding, APR's spellings, special tokens, row order."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aprqa import embedded
from pytest_aprqa.conversion import (
    FAMILIES,
    TokenizerFacts,
    TokenType,
    convert,
    equal_names,
    open_model,
    plain_configuration,
)
from pytest_aprqa.conversion.config_apr import apr_config, config_of_apr
from pytest_aprqa.conversion.names import names_of
from pytest_aprqa.conversion.pre_tokenizers import PRE_TOKENIZERS, name_of, structure_of
from pytest_aprqa.conversion.rope import rope_fields, rope_scaling_of, rope_tensors
from pytest_aprqa.conversion.rows import halved, interleaved
from pytest_aprqa.conversion.tokens import padded, trimmed
from pytest_aprqa.core import ArtefactError, Format, Json
from pytest_aprqa.formats.apr import read_apr
from pytest_aprqa.formats.apr_write import AprTensor, write_apr
from pytest_aprqa.formats.gguf import read_gguf
from pytest_aprqa.formats.gguf_write import GgufTensor, write_gguf
from tests.conversion.models import edit_config
from tests.tiny import make_tiny

HERE = Path("model")


@given(heads=st.integers(1, 4), pairs=st.integers(1, 8), columns=st.integers(1, 3))
def test_the_row_orders_undo_each_other(heads: int, pairs: int, columns: int) -> None:
    rows = np.arange(heads * pairs * 2 * columns).reshape(-1, columns)
    np.testing.assert_array_equal(halved(interleaved(rows, heads), heads), rows)
    np.testing.assert_array_equal(interleaved(halved(rows, heads), heads), rows)


SCALINGS: list[Mapping[str, Json]] = [
    {"rope_type": "linear", "factor": 8.0},
    {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768, "beta_fast": 16.0},
    {
        "rope_type": "llama3",
        "factor": 32.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192,
    },
    {
        "rope_type": "longrope",
        "long_factor": [1.5, 2.0],
        "short_factor": [1.0, 1.25],
        "original_max_position_embeddings": 64,
    },
]


@pytest.mark.parametrize("scaling", SCALINGS, ids=[str(each["rope_type"]) for each in SCALINGS])
def test_scaled_rotary_embedding_is_found_again(scaling: Mapping[str, Json]) -> None:
    config: dict[str, Json] = {
        "rope_scaling": dict(scaling),
        "rope_theta": 500000.0,
        "num_attention_heads": 4,
        "head_dim": 64,
        "max_position_embeddings": 256,
    }
    fields, tensors = rope_fields(config, path=HERE), rope_tensors(config, path=HERE)
    assert rope_scaling_of(fields, tensors, {**config, "rope_scaling": None}, path=HERE) == scaling


def test_factors_that_no_scaling_explains_are_refused() -> None:
    config: dict[str, Json] = {"num_attention_heads": 4, "head_dim": 8}
    with pytest.raises(ArtefactError, match="no known rope_scaling"):
        rope_scaling_of({}, {"rope_freqs.weight": np.array([1, 2, 3, 4], np.float32)}, config, path=HERE)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"rope_theta": 5.0}, {"rope_theta": 5.0}),
        ({"rope_theta": 5.0, "rope_scaling": None}, {"rope_theta": 5.0, "rope_scaling": None}),
        (
            {"rope_scaling": {"type": "linear", "factor": 2.0}},
            {"rope_scaling": {"rope_type": "linear", "factor": 2.0}},
        ),
        (
            {"rope_parameters": {"rope_type": "default", "rope_theta": 7.0, "partial_rotary_factor": 0.5}},
            {"rope_theta": 7.0, "partial_rotary_factor": 0.5, "rope_scaling": None},
        ),
        (
            {
                "rope_parameters": {
                    "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1e6},
                    "sliding_attention": {"rope_type": "default", "rope_theta": 1e4},
                }
            },
            {
                "rope_theta": 1e6,
                "rope_local_base_freq": 1e4,
                "rope_scaling": {"rope_type": "linear", "factor": 8.0},
            },
        ),
    ],
)
def test_config_json_says_rotary_embedding_in_one_way(raw: dict[str, Json], expected: dict[str, Json]) -> None:
    assert plain_configuration(raw) == expected


def test_apr_is_read_with_the_spellings_of_others() -> None:
    metadata: dict[str, Json] = {
        "architecture": "LLaMA",
        "n_layer": 2,
        "num_attention_heads": 4,
        "n_kv_heads": 2,
        "model.hidden_size": 32,
        "context_length": 64,
        "n_vocab": 100,
        "tied_embeddings": True,
        "rope_theta": 1e4,
    }
    assert config_of_apr(metadata) == {
        "model_type": "llama",
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "hidden_size": 32,
        "max_position_embeddings": 64,
        "vocab_size": 100,
        "tie_word_embeddings": True,
        "rope_theta": 1e4,
    }


def test_apr_has_aprenders_keys(tmp_path: Path) -> None:
    metadata = read_apr(convert(embedded.folder(), tmp_path / "a", format=Format.APR).path).metadata
    assert metadata["architecture"] == "llama"
    assert [metadata[key] for key in ("num_layers", "num_heads", "num_kv_heads", "rope_type")] == [3, 4, 2, 2]
    assert metadata["tokenizer.pre_type"] == "smollm"
    assert metadata["tokenizer.bos_token_id"] == 0
    assert isinstance(metadata["tokenizer.vocabulary"], list)
    assert len(metadata["tokenizer.vocabulary"]) == metadata["tokenizer.vocab_size"] == 1024
    assert isinstance(metadata["tensor_shapes"], dict)
    assert metadata["tensor_shapes"]["lm_head.weight"] == [1024, 256]


def test_apr_of_aprenders_gguf_importer_has_its_rows_put_in_order(tmp_path: Path) -> None:
    make_tiny(tmp_path / "tiny")
    source = open_model(tmp_path / "tiny")
    name = "model.layers.0.self_attn.k_proj.weight"
    plain = source.tensors[name].values()
    for origin, expected in (("gguf", halved(plain, 2)), ("safetensors", plain)):
        path = tmp_path / f"{origin}.apr"
        metadata = apr_config(source.config, tied=False) | {"rope_type": 0, "original_format": origin}
        write_apr(path, metadata, [AprTensor(name, "F32", plain.shape, plain.copy)])
        np.testing.assert_array_equal(open_model(path).tensors[name].values(), expected)


def test_what_is_no_tensor_of_the_architecture_is_foreign(tmp_path: Path) -> None:
    made = convert(embedded.folder(), tmp_path / "g", format=Format.GGUF)
    ones = np.ones((1024, 256), np.float32)
    tensors = [
        GgufTensor(name, "F32", (1024, 256), ones.copy) for name in ("token_embd.weight", "blk.99.attn_q.weight")
    ]
    write_gguf(tmp_path / "odd.gguf", read_gguf(made.path).fields, tensors)
    view = open_model(tmp_path / "odd.gguf")
    assert (list(view.tensors), view.foreign) == (["model.embed_tokens.weight"], ("blk.99.attn_q.weight",))


def test_every_family_has_a_gguf_name_for_all_but_tied_heads() -> None:
    for family in FAMILIES:
        names = names_of(family, 2)
        missing = names.known - names.to_gguf.keys()
        assert missing == ({"lm_head.weight"} if family.always_tied else set()), family.model_type
        assert len(names.from_gguf) == len(names.to_gguf)


def test_one_rule_may_have_several_names() -> None:
    assert equal_names("qwen2", "stablelm2")
    assert equal_names(None, None)
    assert not equal_names("qwen2", "gpt-2")
    assert not equal_names("qwen2", None)
    assert not equal_names("nonesuch", "another")


def test_every_rule_is_found_by_its_structure() -> None:
    for rule in PRE_TOKENIZERS:
        found = name_of(structure_of(rule), ignore_merges=rule.ignore_merges, model_type="llama")
        assert found == rule.names[0]
    digits = next(rule for rule in PRE_TOKENIZERS if "starcoder" in rule.names)
    assert name_of(structure_of(digits), ignore_merges=False, model_type="starcoder2") == "starcoder"
    assert name_of(structure_of(digits), ignore_merges=True, model_type="llama") is None


def facts(count: int) -> TokenizerFacts:
    return TokenizerFacts("gpt2", tuple(map(str, range(count))), (), (int(TokenType.NORMAL),) * count, {})


def test_padding_fills_the_rows_and_is_not_part_of_the_vocabulary() -> None:
    full = padded(facts(3), 5, path=HERE)
    assert full.vocabulary == ("0", "1", "2", "[PAD3]", "[PAD4]")
    assert trimmed(full) == facts(3)
    with pytest.raises(ArtefactError, match="more tokens"):
        padded(facts(3), 2, path=HERE)


def tokenizer_of(folder: Path) -> TokenizerFacts:
    found = open_model(folder).tokenizer
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("stated", "expected"), [(None, True), (False, False), (True, True)], ids=["not said", "no", "yes"]
)
def test_bos_is_as_the_settings_say_else_as_the_post_processor_does(
    tmp_path: Path, stated: bool | None, expected: bool
) -> None:
    make_tiny(tmp_path / "tiny")
    path = tmp_path / "tiny" / "tokenizer_config.json"
    if stated is not None:
        path.write_text(json.dumps({**json.loads(path.read_text()), "add_bos_token": stated}))
    assert tokenizer_of(tmp_path / "tiny").add_bos is expected
    made = convert(tmp_path / "tiny", tmp_path / "g", format=Format.GGUF)
    assert read_gguf(made.path).fields["tokenizer.ggml.add_bos_token"] is expected
    back = convert(made.path, tmp_path / "back", format=Format.SAFETENSORS)
    processor = json.loads((back.path / "tokenizer.json").read_text())["post_processor"]
    assert (processor is not None) is expected
    assert tokenizer_of(back.path).add_bos is expected


def test_more_than_one_stop_token_survives(tmp_path: Path) -> None:
    make_tiny(tmp_path / "tiny", stop_ids=(258, 10))
    made = convert(tmp_path / "tiny", tmp_path / "g", format=Format.GGUF)
    fields = read_gguf(made.path).fields
    assert (fields["tokenizer.ggml.eos_token_id"], fields["tokenizer.ggml.eot_token_id"]) == (258, 10)
    back = convert(made.path, tmp_path / "back", format=Format.SAFETENSORS)
    assert json.loads((back.path / "generation_config.json").read_text())["eos_token_id"] == [258, 10]


def test_special_tokens_are_control_tokens_and_templates_travel(tmp_path: Path) -> None:
    source = tokenizer_of(embedded.folder())
    assert [source.token_types[index] for index in range(4)] == [3, 3, 3, 1]
    assert source.special == {"bos": 0, "eos": 2, "pad": 0}
    template = (embedded.folder() / "chat_template.jinja").read_text()
    for format in (Format.GGUF, Format.APR):
        made = convert(embedded.folder(), tmp_path / format, format=format)
        assert tokenizer_of(made.path) == source
        assert source.chat_template == template


@pytest.mark.parametrize(
    "broken",
    [
        {"tokenizer.ggml.tokens": [1, 2]},
        {"tokenizer.ggml.bos_token_id": 99999},
        {"tokenizer.ggml.token_type": [1, 2]},
        {"tokenizer.ggml.token_type": [77] * 1024},
        {"tokenizer.ggml.merges": 7},
        {"llama.block_count": 1 << 31},
        {"llama.block_count": "three"},
        {"llama.attention.head_count": [1, 2]},
        {"llama.rope.freq_base": "x"},
        {"general.architecture": "nonesuch"},
        {"general.architecture": 7},
    ],
    ids=str,
)
def test_broken_metadata_ends_in_our_error(tmp_path: Path, broken: dict[str, Any]) -> None:
    made = convert(embedded.folder(), tmp_path / "g", format=Format.GGUF)
    ones = np.ones((4, 4), np.float32)
    fields = {**read_gguf(made.path).fields, **broken}
    write_gguf(tmp_path / "odd.gguf", fields, [GgufTensor("blk.0.attn_q.weight", "F32", (4, 4), ones.copy)])
    with pytest.raises(ArtefactError):
        open_model(tmp_path / "odd.gguf").tensors["model.layers.0.self_attn.q_proj.weight"].values()


def test_a_head_count_that_does_not_divide_is_our_error_when_values_are_asked_for(tmp_path: Path) -> None:
    made = convert(embedded.folder(), tmp_path / "g", format=Format.GGUF)
    ones = np.ones((6, 4), np.float32)
    fields = {**read_gguf(made.path).fields, "llama.attention.head_count": 5}
    write_gguf(tmp_path / "odd.gguf", fields, [GgufTensor("blk.0.attn_q.weight", "F32", (6, 4), ones.copy)])
    view = open_model(tmp_path / "odd.gguf")
    with pytest.raises(ArtefactError, match="whole heads"):
        view.tensors["model.layers.0.self_attn.q_proj.weight"].values()


def test_names_of_a_source_travel(tmp_path: Path) -> None:
    make_tiny(tmp_path / "tiny")
    edit_config(tmp_path / "tiny", {"_name_or_path": "org/name"})
    made = convert(tmp_path / "tiny", tmp_path / "g", format=Format.GGUF)
    assert read_gguf(made.path).fields["general.name"] == "org/name"
    apr = convert(made.path, tmp_path / "a", format=Format.APR)
    assert read_apr(apr.path).metadata["name"] == "org/name"
