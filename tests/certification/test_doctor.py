from __future__ import annotations

import importlib.util
import json
import sys
from dataclasses import replace
from importlib.machinery import ModuleSpec
from pathlib import Path

import httpx
import pytest

from pytest_aprqa.certification import examine, packages
from pytest_aprqa.certification.doctor import tier_outlook
from pytest_aprqa.certification.packages import EXTRAS, engines, extras, servers
from pytest_aprqa.core import TIERS, Format, Tier


def without(monkeypatch: pytest.MonkeyPatch, *modules: str) -> None:
    """Makes these modules look as if they were not installed."""
    real = importlib.util.find_spec

    def find(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name in modules else real(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", find)


def test_engines_are_told_with_the_command_that_brings_them(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "torch", "cyllama")
    found = {it.name: it for it in engines()}
    assert not found["transformers"].ready
    assert "torch" in found["transformers"].missing
    assert found["transformers"].install == "pip install 'pytest-aprqa[transformers]'"
    assert "cyllama cannot be imported" in found["llama_cpp"].reason
    assert {it for runner in engines() for it in runner.formats} == set(Format)
    assert {it for runner in servers() for it in runner.formats} == set(Format)


def test_every_extra_of_the_project_is_told_of() -> None:
    import tomllib

    project = tomllib.loads(Path(__file__).parents[2].joinpath("pyproject.toml").read_text())["project"]
    declared = set(project["optional-dependencies"]) - {"all"}
    assert declared <= set(EXTRAS)
    assert declared <= {it.extra for it in extras()}


def test_extras_come_from_the_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        "pyyaml>=6",
        "pytest>=8 ; extra == 'xdist'",
        'no-such-thing[a,b] (>=1) ; extra == "html"',
        "x ; extra == 'all'",
    ]
    monkeypatch.setattr(packages, "requires", lambda _name: lines)
    found = {it.extra: it for it in extras()}
    assert found["xdist"].complete
    assert dict(found["html"].versions) == {"no-such-thing": None}
    assert not found["html"].complete
    assert "all" not in found


def test_a_tier_counts_cells_and_reasons() -> None:
    ready = tuple(replace(it, missing=()) for it in engines())
    offered = tuple(replace(it, missing=()) for it in servers())
    plan = TIERS[Tier.MVP]
    everything = tier_outlook(plan, ready, offered, {})
    assert (everything.cells, everything.runnable) == (18, 18)
    no_gpu = tier_outlook(plan, ready, offered, {"gpu": "no CUDA device"})
    assert (no_gpu.runnable, dict(no_gpu.skips)) == (9, {"no CUDA device": 9})
    lame = [replace(it, missing=("xllamacpp",)) if it.name == "llama_cpp" else it for it in ready]
    assert tier_outlook(plan, lame, offered, {}).runnable == 12
    mute = [replace(it, missing=("fastapi",)) if "transformers" in it.name else it for it in offered]
    assert tier_outlook(plan, ready, mute, {}).runnable == 14
    assert tier_outlook(TIERS[Tier.DEEP], ready, offered, {}).cells == 36


def test_the_machine_is_looked_at_and_nothing_heavy_is_imported(tmp_path: Path) -> None:
    (tmp_path / "hub" / "models--a--b").mkdir(parents=True)
    before = set(sys.modules)
    health = examine({"HF_HUB_CACHE": str(tmp_path / "hub"), "CUDA_VISIBLE_DEVICES": "-1", "HOME": str(tmp_path)})
    assert not {"torch", "transformers", "xllamacpp", "cyllama"} & (set(sys.modules) - before)
    assert health.cores >= 1
    assert health.memory_bytes > 0
    assert health.hub is None
    assert health.no_gpu == "CUDA_VISIBLE_DEVICES hides every CUDA device"
    hub, conversions = health.caches
    assert (hub.exists, hub.models, conversions.exists, conversions.models) == (True, 1, False, 0)
    assert conversions.free_bytes
    assert json.loads(json.dumps(health.to_json()))["tiers"].keys() == set(Tier)


def test_without_an_engine_the_smoke_test_cannot_run(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "transformers")
    health = examine({})
    assert not health.able
    assert health.problems[0].startswith("transformers: ")
    assert "pip install 'pytest-aprqa[transformers]'" in health.installs


@pytest.mark.parametrize(
    ("answer", "told"),
    [(httpx.Response(200), "answers (200)"), (httpx.ConnectError("no route"), "not reached: ConnectError: no route")],
)
def test_the_hub_is_asked_only_when_wanted(
    monkeypatch: pytest.MonkeyPatch, answer: httpx.Response | httpx.HTTPError, told: str
) -> None:
    asked: list[str] = []

    def head(url: str, **_how: object) -> httpx.Response:
        asked.append(url)
        if isinstance(answer, httpx.Response):
            return answer
        raise answer

    monkeypatch.setattr(httpx, "head", head)
    assert examine({}).hub is None
    assert asked == []
    hub = examine({"HF_ENDPOINT": "https://hub.example"}, online=True).hub
    assert asked == ["https://hub.example"]
    assert hub == f"https://hub.example: {told}"
