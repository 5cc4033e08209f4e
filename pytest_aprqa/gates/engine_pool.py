"""Engines for a pair of models, opened when they are first asked and closed together.

A session of tests keeps its own engines; this is for those who have a file and a folder, and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self, cast

from pytest_aprqa.core import Backend, EngineUnavailable, Format, Target, Weights
from pytest_aprqa.engines import Engine, Instruments, Limits, open_engine
from pytest_aprqa.gates.measured import once


@dataclass(slots=True)
class EnginePool:
    """Opens each model once; an engine that does not open is not tried again."""

    limits: Limits
    memory: dict[str, object] = field(default_factory=dict, repr=False)

    def instruments(self, path: Path, format: Format) -> Instruments:
        """The engine with a model in it.

        Args:
            path: a Hugging Face folder, a .gguf or an .apr file.
            format: its format.

        Raises:
            EngineError: it cannot start or cannot load the model.
        """
        engine = once(self.memory, str(path), lambda: self._open(path, format))
        if not hasattr(engine, "logits"):
            raise EngineUnavailable(
                engine.facts.name, "it offers nothing but answers", install="pip install 'pytest-aprqa[transformers]'"
            )
        return cast("Instruments", engine)

    def close(self) -> None:
        """Ends all engines; may be called twice."""
        for engine in self.memory.values():
            if not isinstance(engine, Exception):
                cast("Engine", engine).close()
        self.memory.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _open(self, path: Path, format: Format) -> Engine:
        folder, files = (path, tuple(sorted(path.glob("*.safetensors")))) if path.is_dir() else (path.parent, (path,))
        target = Target(path.name, format, None, Backend.CPU)
        return open_engine(target, Weights(folder, files, "given by path"), self.limits)
