"""All six conversions, alone and in chains, on the embedded model: nothing is lost, and equal ways give equal bytes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from pytest_aprqa import embedded
from pytest_aprqa.conversion import Converted, ModelView, convert, format_of, open_model
from pytest_aprqa.core import ArtefactError, Format, Quantization
from pytest_aprqa.formats.apr import read_apr
from pytest_aprqa.formats.gguf import read_gguf
from tests.tiny import make_tiny

S, G, A = Format.SAFETENSORS, Format.GGUF, Format.APR


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Converted]:
    """The embedded model by every way of up to two steps, named after the formats it went through."""
    root = tmp_path_factory.mktemp("pairs")
    made: dict[str, Converted] = {}
    for name, way in {"sg": G, "sa": A, "sgs": S, "sga": A, "sas": S, "sag": G}.items():
        source = made[name[:-1]].path if len(name) > 2 else embedded.folder()
        made[name] = convert(source, root / name, format=way)
    return made


def same(one: ModelView, other: ModelView) -> None:
    """Equal values of all tensors that the first has, and equal tokenizers."""
    assert set(one.tensors) <= set(other.tensors)
    for name, tensor in one.tensors.items():
        assert other.tensors[name].shape == tensor.shape
        np.testing.assert_array_equal(other.tensors[name].values(), tensor.values(), err_msg=name)
    assert one.tokenizer is not None
    assert one.tokenizer == other.tokenizer
    assert {key: value for key, value in other.config.items() if one.config.get(key, value) != value} == {}


@pytest.mark.parametrize("way", ["sg", "sa", "sgs", "sga", "sas", "sag"])
def test_each_conversion_keeps_values_tokenizer_and_configuration(chain: dict[str, Converted], way: str) -> None:
    source = open_model(embedded.folder())
    assert (source.foreign, len(source.tensors)) == ((), 29)
    same(source, open_model(chain[way].path))


def test_the_ways_back_give_the_very_bytes_of_the_weights(chain: dict[str, Converted]) -> None:
    weights = (embedded.folder() / "model.safetensors").read_bytes()
    assert (chain["sgs"].path / "model.safetensors").read_bytes() == weights
    assert (chain["sas"].path / "model.safetensors").read_bytes() == weights


def test_ways_that_commute_give_one_file(chain: dict[str, Converted], tmp_path: Path) -> None:
    again = convert(chain["sgs"].path, tmp_path / "again", format=G)
    assert chain["sg"].digest == chain["sag"].digest == again.digest


def test_gguf_lists_dims_in_reverse_and_interleaves_q_and_k_alone(tmp_path: Path) -> None:
    make_tiny(tmp_path / "tiny")
    source = open_model(tmp_path / "tiny")
    stored = read_gguf(convert(tmp_path / "tiny", tmp_path / "g", format=G).path).tensors
    assert stored["blk.0.attn_k.weight"].shape == (16, 32)
    raw = np.fromfile(stored["blk.0.attn_k.weight"].file, "<f4", 16 * 32, offset=stored["blk.0.attn_k.weight"].start)
    plain = source.tensors["model.layers.0.self_attn.k_proj.weight"].values()
    # Two heads of eight rows: each half of a head alternates with the other.
    order = [0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15]
    np.testing.assert_array_equal(raw.reshape(16, 32), plain[order])
    raw = np.fromfile(stored["blk.0.attn_v.weight"].file, "<f4", 16 * 32, offset=stored["blk.0.attn_v.weight"].start)
    np.testing.assert_array_equal(
        raw.reshape(16, 32), source.tensors["model.layers.0.self_attn.v_proj.weight"].values()
    )


def test_a_tied_head_is_absent_from_gguf_and_a_copy_in_apr(chain: dict[str, Converted]) -> None:
    assert "output.weight" not in read_gguf(chain["sg"].path).tensors
    file = read_apr(chain["sa"].path)
    assert file.metadata["tied_embeddings"] is True
    view = open_model(chain["sa"].path)
    assert view.tied
    np.testing.assert_array_equal(
        view.tensors["lm_head.weight"].values(), view.tensors["model.embed_tokens.weight"].values()
    )


def test_a_head_of_its_own_stays_one(tmp_path: Path) -> None:
    make_tiny(tmp_path / "tiny")
    source = open_model(tmp_path / "tiny")
    for format in (G, A):
        other = open_model(convert(tmp_path / "tiny", tmp_path / format, format=format).path)
        assert not other.tied
        np.testing.assert_array_equal(
            other.tensors["lm_head.weight"].values(), source.tensors["lm_head.weight"].values()
        )


@pytest.mark.parametrize("type_name", ["f32", "f16", "bf16"])
@pytest.mark.parametrize("format", [G, A])
def test_plain_types_are_the_matrices_types(tmp_path: Path, format: Format, type_name: str) -> None:
    made = convert(embedded.folder(), tmp_path / "out", format=format, quantization=Quantization(type_name))
    view = open_model(made.path)
    matrices = {tensor.entry.dtype for tensor in view.tensors.values() if len(tensor.shape) > 1}
    assert matrices == {type_name.upper()}
    source = open_model(embedded.folder())
    worst = max(np.abs(view.tensors[name].values() - source.tensors[name].values()).max() for name in source.tensors)
    assert worst <= (0.01 if type_name == "bf16" else 0)


def test_q8_0_falls_back_where_rows_do_not_divide(tmp_path: Path) -> None:
    make_tiny(tmp_path / "tiny")
    made = convert(tmp_path / "tiny", tmp_path / "g", format=G, quantization=Quantization.Q8_0)
    assert Counter(entry.dtype for entry in read_gguf(made.path).tensors.values()) == {"Q8_0": 16, "F32": 5}
    source, other = open_model(tmp_path / "tiny"), open_model(made.path)
    for name, tensor in source.tensors.items():
        np.testing.assert_allclose(other.tensors[name].values(), tensor.values(), atol=0.01)


def test_the_format_is_read_from_the_bytes_not_from_the_name(chain: dict[str, Converted], tmp_path: Path) -> None:
    renamed = tmp_path / "model.bin"
    renamed.write_bytes(chain["sg"].path.read_bytes())
    assert format_of(renamed) is G
    assert format_of(embedded.folder() / "model.safetensors") is S
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(ArtefactError, match="known format"):
        format_of(tmp_path / "notes.txt")
    with pytest.raises(ArtefactError, match="cannot be read"):
        format_of(tmp_path / "none.gguf")


def test_a_folders_weight_file_opens_the_folder() -> None:
    view = open_model(embedded.folder() / "model.safetensors")
    assert view.path == embedded.folder()


def test_the_source_is_only_read(tmp_path: Path) -> None:
    make_tiny(tmp_path / "tiny")
    before = {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in (tmp_path / "tiny").iterdir()}
    convert(tmp_path / "tiny", tmp_path / "out", format=G)
    after = {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in (tmp_path / "tiny").iterdir()}
    assert before == after
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "tiny"]
