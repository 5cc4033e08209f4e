"""What cannot be converted is refused with one of our errors that says why, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from pytest_aprqa import embedded
from pytest_aprqa.conversion import convert, open_model, write_hf_folder
from pytest_aprqa.core import ArtefactError, Format, Quantization
from tests.conversion.models import edit_config, edit_tokenizer
from tests.tiny import make_tiny

Damage = Callable[[Path], object]


def without(name: str) -> Damage:
    def damage(folder: Path) -> None:
        tensors = load_file(folder / "model.safetensors")
        del tensors[name]
        save_file(tensors, folder / "model.safetensors")

    return damage


def with_tensor(name: str, value: float = 0.0) -> Damage:
    def damage(folder: Path) -> None:
        tensors = load_file(folder / "model.safetensors")
        tensors[name] = np.full((4, 4), value, np.float32)
        save_file(tensors, folder / "model.safetensors")

    return damage


def config(**changes: object) -> Damage:
    return lambda folder: edit_config(folder, changes)


def tokenizer(**changes: object) -> Damage:
    return lambda folder: edit_tokenizer(folder, changes)


def no_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


WORDPIECE = {"type": "WordPiece", "vocab": {"a": 0}}
STRANGE = {"type": "Sequence", "pretokenizers": [{"type": "Whitespace"}, {"type": "ByteLevel"}]}

REFUSED: list[tuple[str, Damage, str]] = [
    ("another architecture", config(model_type="mamba"), "model_type"),
    ("no architecture", config(model_type=None), "model_type"),
    ("a foreign tensor", with_tensor("model.layers.0.adapter.weight"), "adapter"),
    ("a missing head", without("lm_head.weight"), "head is missing"),
    ("a missing embedding", without("model.embed_tokens.weight"), "embedding is missing"),
    ("no heads", config(num_attention_heads=None), "num_attention_heads"),
    ("heads of an odd size", config(num_attention_heads=32), "whole heads"),
    ("no layers", config(num_hidden_layers=-1), "num_hidden_layers"),
    ("too many layers", config(num_hidden_layers=1 << 30), "num_hidden_layers"),
    ("no epsilon", config(rms_norm_eps=None), "rms_norm_eps"),
    ("another activation", config(hidden_act="relu"), "hidden_act"),
    ("half of a head rotated", config(partial_rotary_factor=0.5), "partial_rotary_factor"),
    ("dynamic rope", config(rope_scaling={"rope_type": "dynamic", "factor": 2.0}), "rope_scaling"),
    ("yarn without a length", config(rope_scaling={"rope_type": "yarn", "factor": 2.0}), "original_max_position"),
    ("linear without a factor", config(rope_scaling={"rope_type": "linear"}), "factor"),
    ("no tokenizer", no_tokenizer, "tokenizer.json"),
    ("another kind of tokenizer", tokenizer(model=WORDPIECE), "WordPiece"),
    ("another way to split", tokenizer(pre_tokenizer=STRANGE), "Whitespace"),
    ("no way to split", tokenizer(pre_tokenizer=None), "pre-tokenizer"),
    ("another normalizer", tokenizer(normalizer={"type": "Lowercase"}), "Lowercase"),
]


@pytest.mark.parametrize(("damage", "words"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_what_gguf_cannot_say_is_refused(tmp_path: Path, damage: Damage, words: str) -> None:
    make_tiny(tmp_path / "tiny")
    damage(tmp_path / "tiny")
    with pytest.raises(ArtefactError, match=words):
        convert(tmp_path / "tiny", tmp_path / "out", format=Format.GGUF)
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]


def test_more_tokens_than_rows_is_refused(tmp_path: Path) -> None:
    make_tiny(tmp_path / "tiny")
    tensors = load_file(tmp_path / "tiny" / "model.safetensors")
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        tensors[name] = tensors[name][:100].copy()
    save_file(tensors, tmp_path / "tiny" / "model.safetensors")
    with pytest.raises(ArtefactError, match="more tokens than the embedding has rows"):
        convert(tmp_path / "tiny", tmp_path / "out", format=Format.GGUF)


def test_values_too_large_for_f16_are_refused_and_infinities_pass(tmp_path: Path) -> None:
    make_tiny(tmp_path / "tiny")
    path = tmp_path / "tiny" / "model.safetensors"
    name = "model.layers.0.mlp.up_proj.weight"
    for value, refused in ((1e5, True), (np.inf, False), (np.nan, False)):
        tensors = load_file(path)
        tensors[name][3, 3] = value
        save_file(tensors, path)
        if refused:
            with pytest.raises(ArtefactError, match="F16 cannot store"):
                convert(tmp_path / "tiny", tmp_path / "f16", format=Format.GGUF, quantization=Quantization.F16)
            continue
        made = convert(tmp_path / "tiny", tmp_path / f"{value}", format=Format.GGUF, quantization=Quantization.F16)
        got = open_model(made.path).tensors[name].values()[3, 3]
        assert np.isnan(got) if np.isnan(value) else got == value


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"query_pre_attn_scalar": 999}, "query_pre_attn_scalar"),
        ({"layer_types": ["full_attention", "full_attention"]}, "layer_types"),
    ],
)
def test_gemma_settings_that_llama_cpp_does_not_have_are_refused(changes: dict[str, object], words: str) -> None:
    from pytest_aprqa.conversion.config_gguf import gguf_fields
    from pytest_aprqa.conversion.families import family_of_type

    plain = {
        "num_hidden_layers": 2,
        "max_position_embeddings": 64,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_attention_heads": 4,
        "head_dim": 8,
        "rms_norm_eps": 1e-6,
        "vocab_size": 100,
    }
    family = family_of_type("gemma2", path=Path("x"))
    assert gguf_fields(family, plain, path=Path("x"))["gemma2.attention.key_length"] == 8
    with pytest.raises(ArtefactError, match=words):
        gguf_fields(family, {**plain, **changes}, path=Path("x"))  # type: ignore[dict-item]  # any JSON


@pytest.mark.parametrize("part", [0, -1.0, 1.5, 1e30])
def test_a_part_of_a_head_is_a_part(tmp_path: Path, part: float) -> None:
    make_tiny(tmp_path / "tiny")
    edit_config(tmp_path / "tiny", {"model_type": "stablelm", "layer_norm_eps": 1e-5, "partial_rotary_factor": part})
    with pytest.raises(ArtefactError, match="partial_rotary_factor"):
        convert(tmp_path / "tiny", tmp_path / "out", format=Format.GGUF)


def test_the_output_is_never_the_source_nor_replaced(tmp_path: Path) -> None:
    make_tiny(tmp_path / "tiny")
    for into in (tmp_path / "tiny", tmp_path / "tiny" / "below"):
        with pytest.raises(ArtefactError, match="the source's own"):
            convert(tmp_path / "tiny", into, format=Format.GGUF)
    made = convert(tmp_path / "tiny", tmp_path / "out", format=Format.GGUF)
    with pytest.raises(ArtefactError, match="there already"):
        convert(tmp_path / "tiny", tmp_path / "out", format=Format.GGUF)
    with pytest.raises(ArtefactError, match="the source's own"):
        convert(made.path, tmp_path / "out", format=Format.APR)
    with pytest.raises(ArtefactError, match="there already"):
        convert(made.path, tmp_path / "tiny", format=Format.SAFETENSORS)


def test_a_conversion_to_the_same_format_or_of_safetensors_in_a_quantization_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="safetensors already"):
        convert(embedded.folder(), tmp_path / "out", format=Format.SAFETENSORS)
    made = convert(embedded.folder(), tmp_path / "g", format=Format.GGUF)
    with pytest.raises(ArtefactError, match="none of safetensors"):
        convert(made.path, tmp_path / "out", format=Format.SAFETENSORS, quantization=Quantization.F16)


def test_an_unknown_architecture_can_still_be_looked_at(tmp_path: Path) -> None:
    make_tiny(tmp_path / "tiny")
    edit_config(tmp_path / "tiny", {"model_type": "mamba"})
    view = open_model(tmp_path / "tiny")
    assert view.family is None
    assert len(view.tensors) == 21


def test_a_copy_of_a_folder_keeps_its_files_as_they_are(tmp_path: Path) -> None:
    write_hf_folder(open_model(embedded.folder()), tmp_path / "copy")
    for name in ("config.json", "tokenizer.json", "model.safetensors", "chat_template.jinja"):
        assert (tmp_path / "copy" / name).read_bytes() == (embedded.folder() / name).read_bytes()


def test_an_unknown_name_of_a_pre_tokenizer_is_refused_by_name(tmp_path: Path) -> None:
    from pytest_aprqa.formats.gguf import read_gguf
    from pytest_aprqa.formats.gguf_write import write_gguf

    made = convert(embedded.folder(), tmp_path / "g", format=Format.GGUF)
    fields = {**read_gguf(made.path).fields, "tokenizer.ggml.pre": "nonesuch"}
    write_gguf(tmp_path / "odd.gguf", fields, [])
    with pytest.raises(ArtefactError):
        convert(tmp_path / "odd.gguf", tmp_path / "out", format=Format.SAFETENSORS)
    from pytest_aprqa.conversion.tokenizer_write import tokenizer_json

    facts = open_model(tmp_path / "odd.gguf").tokenizer
    assert facts is not None
    with pytest.raises(ArtefactError, match="'nonesuch'"):
        tokenizer_json(facts, path=tmp_path)


def test_broken_configurations_end_in_our_error(tmp_path: Path) -> None:
    make_tiny(tmp_path / "tiny")
    good = json.loads((tmp_path / "tiny" / "config.json").read_text())
    values: tuple[object, ...] = (True, -1, "x", [], {}, 1e400)
    for key in good:
        for value in values:
            (tmp_path / "tiny" / "config.json").write_text(json.dumps({**good, key: value}))
            # Some of these are harmless; whatever is not must be an error of ours.
            with contextlib.suppress(ArtefactError):
                convert(tmp_path / "tiny", tmp_path / "out" / f"{key}-{value}", format=Format.GGUF)
