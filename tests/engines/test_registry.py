"""Engines are found by name, also a third party's, and what is missing is named with the way to get it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_aprqa.core import Backend, EngineUnavailable, Format, Quantization, Target, Weights
from pytest_aprqa.engines import Limits, engine_names, open_engine, registry

TARGET = Target("org/name", Format.SAFETENSORS, None, Backend.CPU)
LIMITS = Limits(threads=1)


@pytest.fixture
def weights(tmp_path: Path) -> Weights:
    return Weights(folder=tmp_path, files=(), source="test")


@pytest.fixture
def declare(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    def declare_one(name: str, value: str) -> None:
        point = EntryPoint(name, value, registry.GROUP)
        monkeypatch.setattr(
            importlib.metadata, "entry_points", lambda group: (point,) if group == registry.GROUP else ()
        )

    return declare_one


def test_our_own_engines_are_known_without_an_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: ())
    assert engine_names() == ("apr", "fake", "llama_cpp", "transformers")


def test_the_engine_is_opened_by_its_name(weights: Weights) -> None:
    engine = open_engine(TARGET, weights, LIMITS, name="fake")
    assert engine.facts.name == "fake"
    engine.close()


def test_an_unknown_name_lists_the_known_and_guesses(weights: Weights) -> None:
    with pytest.raises(
        EngineUnavailable, match=r"known: apr, fake, llama_cpp, transformers.*; did you mean 'transformers'\?"
    ):
        open_engine(TARGET, weights, LIMITS, name="transfomers")


def test_what_is_opened_and_is_no_engine_is_told_with_what_it_lacks(
    weights: Weights, declare: Callable[[str, str], None]
) -> None:
    declare("plain", f"{__name__}:_no_engine")
    with pytest.raises(EngineUnavailable, match="no 'generate' and no 'batches' and no 'close'"):
        open_engine(TARGET, weights, LIMITS, name="plain")


def test_what_is_no_engine_and_can_be_closed_is_closed(weights: Weights, declare: Callable[[str, str], None]) -> None:
    _closed.clear()
    declare("plain", f"{__name__}:_half_an_engine")
    with pytest.raises(EngineUnavailable, match="no 'generate' and no 'batches'"):
        open_engine(TARGET, weights, LIMITS, name="plain")
    assert _closed == ["closed"]


_closed: list[str] = []


def _no_engine(*_: object) -> object:
    return SimpleNamespace(facts=None)


def _half_an_engine(*_: object) -> object:
    return SimpleNamespace(facts=None, close=lambda: _closed.append("closed"))


def test_every_format_has_an_engine_that_is_known() -> None:
    assert set(registry.DEFAULT_ENGINES) == set(Format)
    assert set(registry.DEFAULT_ENGINES.values()) <= set(engine_names())


def test_a_format_without_an_engine_says_so(weights: Weights, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "DEFAULT_ENGINES", {})
    target = Target("org/name", Format.GGUF, Quantization.Q4_0, Backend.CPU)
    with pytest.raises(EngineUnavailable, match="no engine runs gguf by default; known engines: apr, fake"):
        open_engine(target, weights, LIMITS)


def test_a_third_party_adds_an_engine(weights: Weights, declare: Callable[[str, str], None]) -> None:
    declare("mine", "pytest_aprqa.engines.fake:open_engine")
    assert "mine" in engine_names()
    engine = open_engine(TARGET, weights, LIMITS, name="mine")
    assert engine.facts.name == "fake"
    engine.close()


@pytest.mark.parametrize("value", ["no_such_package.engine:open_engine", "pytest_aprqa.engines.fake:nothing"])
def test_an_engine_that_cannot_be_imported_is_unavailable(
    weights: Weights, declare: Callable[[str, str], None], value: str
) -> None:
    declare("broken", value)
    with pytest.raises(EngineUnavailable, match="cannot be imported"):
        open_engine(TARGET, weights, LIMITS, name="broken")


@pytest.mark.parametrize(
    ("format_", "named"),
    [
        (Format.SAFETENSORS, r"'transformers': torch and transformers.*pip install 'pytest-aprqa\[transformers\]'"),
        (Format.APR, r"'apr': torch and transformers.*pip install 'pytest-aprqa\[transformers\]'"),
        (Format.GGUF, r"'llama_cpp': xllamacpp and cyllama.*pip install 'pytest-aprqa\[llamacpp\]'"),
    ],
)
def test_a_missing_extra_is_named_with_the_command_that_installs_it(
    weights: Weights, monkeypatch: pytest.MonkeyPatch, format_: Format, named: str
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EngineUnavailable, match=named):
        open_engine(Target("org/name", format_, None, Backend.CPU), weights, LIMITS)


@pytest.mark.parametrize("engine", ["transformers", "apr", "llama_cpp"])
def test_a_broken_installation_found_out_in_the_child_is_named_too(
    weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    for name in ("torch", "transformers", "xllamacpp", "cyllama"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise ImportError('libcudart.so.12: no such file')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(EngineUnavailable, match=rf"^engine '{engine}': libcudart.*pip install") as caught:
        open_engine(TARGET, weights, LIMITS, name=engine)
    assert str(caught.value).count("install it with") == 1
