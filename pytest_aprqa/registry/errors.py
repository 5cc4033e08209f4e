"""The error of the registry's files."""

from __future__ import annotations

from pathlib import Path

from pytest_aprqa.core import AprqaError


class RegistryError(AprqaError):
    """The registry, its awards or the table made of it cannot be read, changed or written.

    Args:
        problem: what is wrong, what was expected and what to do; one sentence without a full stop.
        path: the file.
        line: 1-based line, 0 when unknown.
        column: 1-based place in the line, in characters; 0 when unknown.
    """

    def __init__(self, problem: str, *, path: Path | str, line: int = 0, column: int = 0) -> None:
        self.problem = problem
        self.path = Path(path)
        self.line = line
        self.column = column
        place = f":{line}:{column}" if line else ""
        super().__init__(f"{path}{place}: {problem}")
