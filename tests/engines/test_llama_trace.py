"""Where llama.cpp's evaluation callback is set, and that nothing is called where it is not as expected."""

from __future__ import annotations

import ctypes
from pathlib import Path

import pytest

from pytest_aprqa.core import EngineRefused, EngineUnavailable
from pytest_aprqa.engines import llama_trace
from pytest_aprqa.engines.llama_trace import trace_file

pytest.importorskip("xllamacpp")

BEFORE, AFTER = llama_trace._BEFORE_CALLBACK, llama_trace._AFTER_CALLBACK
DEFAULTS = llama_trace._CONTEXT_HEAD + bytes(48) + BEFORE + AFTER + bytes(400)


def test_the_callback_is_found_by_what_stands_around_it() -> None:
    assert llama_trace._find_callback(DEFAULTS) == 16 + 48 + len(BEFORE)
    moved = DEFAULTS[:16] + bytes(4) + DEFAULTS[16:].replace(BEFORE + AFTER, BEFORE + bytes(4) + AFTER)
    assert llama_trace._find_callback(moved) == 16 + 4 + 48 + len(BEFORE) + 4, "pointers are aligned"


@pytest.mark.parametrize(
    "unlike",
    [
        DEFAULTS.replace(BEFORE, bytes(len(BEFORE))),
        DEFAULTS.replace(AFTER, b"\x01" + AFTER[1:]),
        DEFAULTS.replace(BEFORE + AFTER, (BEFORE + AFTER) * 2),
        b"\x01" + DEFAULTS[1:],
    ],
)
def test_other_defaults_than_expected_are_unavailable(unlike: bytes) -> None:
    with pytest.raises(EngineUnavailable, match="the evaluation callback is not where it was"):
        llama_trace._find_callback(unlike)


def test_a_library_without_the_functions_is_unavailable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _path: ctypes.PyDLL(None))
    with pytest.raises(EngineUnavailable, match=r"'llama_cpp': .* does not export llama_model_default_params"):
        trace_file(tmp_path / "any.gguf", [1], threads=1, gpu=False)


def test_a_library_that_is_not_there_is_unavailable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import xllamacpp

    monkeypatch.setattr(xllamacpp, "__file__", str(tmp_path / "__init__.py"))
    with pytest.raises(EngineUnavailable, match="its library cannot be opened"):
        trace_file(tmp_path / "any.gguf", [1], threads=1, gpu=False)


def test_a_file_that_is_not_loaded_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineRefused, match=r"does not load \S+none.gguf for a trace"):
        trace_file(tmp_path / "none.gguf", [1], threads=1, gpu=False)
