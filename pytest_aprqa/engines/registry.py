"""Finds engines by name: the entry-point group ``pytest_aprqa.engines``, so that a third party can add one.

Knows which engine a format takes when none is named; knows nothing of how an engine works.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pytest_aprqa.core import EngineUnavailable, Format, Target, Weights
from pytest_aprqa.engines.protocol import Engine, Limits, OpenEngine

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "pytest_aprqa.engines"

DEFAULT_ENGINES: Mapping[Format, str] = {
    Format.SAFETENSORS: "transformers",
    Format.GGUF: "llama_cpp",
    Format.APR: "apr",
}
"""Format to the engine that runs it when none is named."""

_BUILT_IN: Mapping[str, str] = {
    "apr": "pytest_aprqa.engines.apr:open_engine",
    "fake": "pytest_aprqa.engines.fake:open_engine",
    "llama_cpp": "pytest_aprqa.engines.llama_cpp:open_engine",
    "transformers": "pytest_aprqa.engines.transformers:open_engine",
}
"""Ours again, for a source checkout that is not installed."""


def engine_names() -> tuple[str, ...]:
    """Every engine that could be opened, sorted; whether its libraries are installed shows on opening."""
    return tuple(sorted(_found()))


def open_engine(target: Target, weights: Weights, limits: Limits, *, name: str | None = None) -> Engine:
    """Loads `weights` in the engine called `name`, or in the default one of the target's format.

    Raises:
        EngineUnavailable: no such engine, or something that it needs is not installed.
        EngineRefused: the model cannot be loaded.
        EngineTimeout: loading passed `Limits.load_timeout_ms`.
        EngineCrashed: the process died while loading.
        EngineOutOfMemory: the model does not fit.
    """
    chosen = name or DEFAULT_ENGINES.get(target.format)
    if chosen is None:
        raise EngineUnavailable(
            target.format,
            f"no engine runs {target.format} by default; known engines: {', '.join(engine_names())}",
            install=f"pip install a package with an entry point in the group {GROUP!r}, and name it",
        )
    engine = _opener(chosen)(target, weights, limits)
    if lacking := [it for it in ("facts", "generate", "batches", "close") if not hasattr(engine, it)]:
        if "close" not in lacking:
            engine.close()
        raise EngineUnavailable(
            chosen,
            f"what it opens has no {' and no '.join(map(repr, lacking))}",
            install="let it return pytest_aprqa.engines.supervise(...), or something with the same methods",
        )
    return engine


def _found() -> Mapping[str, EntryPoint]:
    from importlib import metadata  # slow to import, and each child imports this room without ever looking here

    built_in = (metadata.EntryPoint(name, value, GROUP) for name, value in _BUILT_IN.items())
    return {point.name: point for point in (*built_in, *metadata.entry_points(group=GROUP))}


def _opener(name: str) -> OpenEngine:
    found = _found()
    if name not in found:
        close = difflib.get_close_matches(name, found, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise EngineUnavailable(
            name,
            f"no such engine; known: {', '.join(sorted(found))}{hint}",
            install=f"pip install a package with the entry point {name!r} in the group {GROUP!r}",
        )
    try:
        opener: OpenEngine = found[name].load()
    except (ImportError, AttributeError) as exc:
        package = found[name].value.partition(".")[0].partition(":")[0]
        raise EngineUnavailable(name, f"cannot be imported: {exc}", install=f"pip install {package}") from exc
    return opener
