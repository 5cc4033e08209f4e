"""Every error this package raises on purpose, as one tree.

    AprqaError
    ├── PlaybookError            a playbook cannot be read: file:line:column, field, expected, found, hint
    ├── ArtefactError            a model file is broken or hostile: path, offset, expected, found
    ├── WeightsUnavailable       the weights are not on this machine: where we looked, how to get them
    ├── EvidenceError            an evidence file or journal cannot be read
    └── EngineError              an engine could not do its work
        ├── EngineUnavailable    an optional dependency is missing: names the extra to install
        ├── EngineRefused        the engine lives, but refused to load the model or answer the request
        ├── EngineTimeout        the deadline passed; the process group was killed
        ├── EngineCrashed        the process died: signal or exit code, tail of its stderr
        └── EngineOutOfMemory    the process ran out of memory, or was killed for it

    Falsified(AssertionError)    the model was refuted: a failed test, not a bug of ours

Knows nothing of pytest or of any file format.
"""

from __future__ import annotations

import signal
from collections.abc import Sequence
from pathlib import Path


class AprqaError(Exception):
    """Base of all errors that a user can cause or meet; shown without a traceback."""


class PlaybookError(AprqaError):
    """A playbook cannot be read or means nothing.

    Args:
        problem: what is wrong, one sentence without a full stop.
        path: the playbook.
        line: 1-based line, 0 when unknown.
        column: 1-based column, 0 when unknown.
        field: dotted name of the field, such as ``model.hf_repo``.
        expected: what would have been right.
        found: what stands there.
        hint: what to do, such as ``did you mean 'formats'?``.
    """

    def __init__(
        self,
        problem: str,
        *,
        path: Path | str,
        line: int = 0,
        column: int = 0,
        field: str = "",
        expected: str = "",
        found: str = "",
        hint: str = "",
    ) -> None:
        self.problem = problem
        self.path = Path(path)
        self.line = line
        self.column = column
        self.field = field
        self.expected = expected
        self.found = found
        self.hint = hint
        super().__init__(str(self))

    def __str__(self) -> str:
        where = f"{self.path}:{self.line}:{self.column}" if self.line else str(self.path)
        parts = [f"{where}: {f'{self.field}: ' if self.field else ''}{self.problem}"]
        if self.expected:
            parts.append(f"expected {self.expected}")
        if self.found:
            parts.append(f"found {self.found}")
        if self.hint:
            parts.append(self.hint)
        return "; ".join(parts)


class ArtefactError(AprqaError):
    """A model file is broken, truncated or hostile.

    Args:
        problem: what is wrong, with the numbers it rests on.
        path: the file.
        offset: byte offset of the problem, None when it has none.
        expected: what would have been right.
        found: what stands there.
    """

    def __init__(
        self,
        problem: str,
        *,
        path: Path | str,
        offset: int | None = None,
        expected: str = "",
        found: str = "",
    ) -> None:
        self.problem = problem
        self.path = Path(path)
        self.offset = offset
        self.expected = expected
        self.found = found
        super().__init__(str(self))

    def __str__(self) -> str:
        where = self.path.name if self.offset is None else f"{self.path.name} @ {self.offset:#x}"
        parts = [f"{where}: {self.problem}"]
        if self.expected:
            parts.append(f"expected {self.expected}")
        if self.found:
            parts.append(f"found {self.found}")
        return "; ".join(parts)


class WeightsUnavailable(AprqaError):
    """The weights of a model are not on this machine.

    Args:
        model: the model's name, ``org/name``.
        searched: every place looked at, in order, with the reason it was looked at.
        ways: what the user can do, one sentence each, most convenient first.
    """

    def __init__(self, model: str, *, searched: Sequence[str], ways: Sequence[str]) -> None:
        self.model = model
        self.searched = tuple(searched)
        self.ways = tuple(ways)
        super().__init__(str(self))

    def __str__(self) -> str:
        lines = [f"weights of {self.model} are not on this machine"]
        lines += ["looked in:", *(f"  - {place}" for place in self.searched)]
        lines += ["to get them:", *(f"  - {way}" for way in self.ways)]
        return "\n".join(lines)


class EvidenceError(AprqaError):
    """An evidence file or journal cannot be read, or would overwrite another model's."""


class EngineError(AprqaError):
    """An engine could not do its work."""


class EngineUnavailable(EngineError):
    """An engine needs something that is not installed.

    Args:
        engine: its name.
        problem: what is missing.
        install: the command that installs it.
    """

    def __init__(self, engine: str, problem: str, *, install: str) -> None:
        self.engine = engine
        self.install = install
        super().__init__(f"engine {engine!r}: {problem}; install it with: {install}")


class EngineRefused(EngineError):
    """The engine is alive but refused: it could not load the model or take the request."""


class EngineTimeout(EngineError):
    """The deadline passed and the engine's process group was killed.

    Args:
        doing: what it was doing.
        after_ms: the deadline in milliseconds.
    """

    def __init__(self, doing: str, *, after_ms: int) -> None:
        self.after_ms = after_ms
        super().__init__(f"no answer while {doing} within {after_ms} ms; the engine was killed")


class EngineCrashed(EngineError):
    """The engine's process died.

    Args:
        doing: what it was doing.
        exit_code: as `subprocess` gives it; negative means killed by that signal.
        stderr_tail: the last lines of its standard error.
    """

    def __init__(self, doing: str, *, exit_code: int, stderr_tail: str = "") -> None:
        self.exit_code = exit_code
        self.stderr_tail = stderr_tail
        super().__init__(f"the engine died of {death_of(exit_code)} while {doing}")


class EngineOutOfMemory(EngineError):
    """The engine ran out of memory, on the host or on the device."""


class Falsified(AssertionError):
    """The model was refuted; the message is the reason, shown as one line without frames."""


def death_of(exit_code: int) -> str:
    """Names how a process died.

    >>> death_of(-11), death_of(139), death_of(3)
    ('SIGSEGV', 'SIGSEGV', 'exit code 3')
    """
    number = -exit_code if exit_code < 0 else exit_code - 128
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"exit code {exit_code}"
