"""llama.cpp's quantizer in its own process, and the blocks that APR takes over."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from pytest_aprqa import embedded
from pytest_aprqa.conversion import convert, open_model, quantize
from pytest_aprqa.core import ArtefactError, EngineCrashed, EngineTimeout, EngineUnavailable, Format, Quantization
from pytest_aprqa.formats.gguf import read_gguf
from tests.tiny import make_tiny

pytest.importorskip("cyllama")

MOSTLY = {
    Quantization.Q6_K: ("Q6_K", 0.9995),
    Quantization.Q5_K_M: ("Q5_K", 0.998),
    Quantization.Q5_0: ("Q5_0", 0.998),
    Quantization.Q4_K_M: ("Q4_K", 0.995),
    Quantization.Q4_0: ("Q4_0", 0.99),
    Quantization.Q3_K_M: ("Q3_K", 0.98),
    Quantization.Q2_K: ("Q2_K", 0.9),
}
"""The type that most matrices get, and the least cosine with the source."""


@pytest.mark.parametrize("quantization", MOSTLY)
def test_llama_cpps_recipes_are_made_and_read(tmp_path: Path, quantization: Quantization) -> None:
    made = convert(embedded.folder(), tmp_path / "out", format=Format.GGUF, quantization=quantization)
    assert "cyllama" in made.made_by
    source, other = open_model(embedded.folder()), open_model(made.path)
    dtype, least = MOSTLY[quantization]
    counts = Counter(tensor.entry.dtype for tensor in other.tensors.values() if len(tensor.shape) > 1)
    assert counts.most_common(1)[0][0] == dtype
    for name, tensor in source.tensors.items():
        one, two = tensor.values().ravel().astype(np.float64), other.tensors[name].values().ravel().astype(np.float64)
        assert one @ two / np.sqrt((one @ one) * (two @ two)) > least, name
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]


def test_apr_takes_the_blocks_bit_for_bit_with_q_and_k_in_order(tmp_path: Path) -> None:
    q4 = convert(embedded.folder(), tmp_path / "g", format=Format.GGUF, quantization=Quantization.Q4_K_M)
    apr = convert(q4.path, tmp_path / "a", format=Format.APR, quantization=Quantization.Q4_K_M)
    one, two = open_model(q4.path), open_model(apr.path)
    types = Counter(tensor.entry.dtype for tensor in two.tensors.values())
    assert types["Q4_K"] > 10
    assert types["Q6_K"] > 1
    for name, tensor in one.tensors.items():
        assert two.tensors[name].entry.dtype == tensor.entry.dtype
        np.testing.assert_array_equal(two.tensors[name].values(), tensor.values(), err_msg=name)
        if "v_proj" in name:
            assert stored(two.tensors[name].entry) == stored(tensor.entry)
    back = convert(apr.path, tmp_path / "back", format=Format.GGUF)
    for name, entry in read_gguf(q4.path).tensors.items():
        assert stored(read_gguf(back.path).tensors[name]) == stored(entry), name


def stored(entry: object) -> bytes:
    from pytest_aprqa.formats import TensorEntry

    assert isinstance(entry, TensorEntry)
    with entry.file.open("rb") as stream:
        stream.seek(entry.start)
        return stream.read(entry.stop - entry.start)


@pytest.mark.parametrize("quantization", [Quantization.Q4_K_M, Quantization.Q6_K, Quantization.Q8_0, Quantization.Q2_K])
def test_apr_quantizes_nothing_itself(tmp_path: Path, quantization: Quantization) -> None:
    with pytest.raises(ArtefactError, match="nothing is quantized"):
        convert(embedded.folder(), tmp_path / "out", format=Format.APR, quantization=quantization)
    assert list(tmp_path.iterdir()) == []


def test_rows_of_no_multiple_of_256_fall_back_as_llama_cpp_does(tmp_path: Path) -> None:
    make_tiny(tmp_path / "tiny")
    made = convert(tmp_path / "tiny", tmp_path / "g", format=Format.GGUF, quantization=Quantization.Q4_K_M)
    types = {entry.dtype for entry in read_gguf(made.path).tensors.values() if len(entry.shape) > 1}
    assert "Q4_K" not in types
    assert types <= {"Q5_0", "Q8_0", "Q5_1", "Q4_0"}


def test_without_the_package_the_command_that_installs_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quantize, "quantizer_version", lambda: None)
    with pytest.raises(EngineUnavailable, match=r"pip install 'pytest-aprqa\[llamacpp\]'"):
        convert(embedded.folder(), tmp_path / "out", format=Format.GGUF, quantization=Quantization.Q4_K_M)


def test_a_quantizer_that_does_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child = tmp_path / "child.py"
    child.write_text("import time\ntime.sleep(60)\n")
    monkeypatch.setattr(quantize, "_CHILD", child)
    with pytest.raises(EngineTimeout, match="quantizing"):
        quantize.quantize(child, tmp_path / "out.gguf", Quantization.Q4_0, timeout_s=0.5)


def test_a_quantizer_that_dies_is_named_with_its_death(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child = tmp_path / "child.py"
    child.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    monkeypatch.setattr(quantize, "_CHILD", child)
    with pytest.raises(EngineCrashed, match="SIGSEGV"):
        quantize.quantize(child, tmp_path / "out.gguf", Quantization.Q4_0)


def test_a_file_that_llama_cpp_refuses_is_an_error_of_the_artefact(tmp_path: Path) -> None:
    broken = tmp_path / "x.gguf"
    broken.write_bytes(b"GGUF" + bytes(60))
    with pytest.raises((ArtefactError, EngineCrashed)):
        quantize.quantize(broken, tmp_path / "out.gguf", Quantization.Q4_0)
    assert not (tmp_path / "out.gguf").exists()


def test_the_child_needs_four_words() -> None:
    done = subprocess.run([sys.executable, str(quantize._CHILD), "one"], capture_output=True, check=False)
    assert done.returncode not in (0, 3)
