"""The journal: one line for each result as it arrives, so that a killed run loses at most what is being computed.

The file is JSON lines: a header, then records in order of arrival; a line ``{"carried": {...}}`` holds an answer that
is no result of the run yet: of an earlier, interrupted run that it may still take over, or given together with another
case's and judged later. Each line goes straight to the operating system, which survives ``kill -9`` of the process;
every `_SYNC_EVERY` lines, where `_SYNC_AFTER_S` have passed, and at the end it is forced to the disk, which survives a
power cut (3 µs and 0.1 ms a line, measured on a local disk; a slow disk takes 10 ms). Knows nothing of who writes.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

from pytest_aprqa.core import EvidenceError, Json
from pytest_aprqa.evidence.atomic import write_atomically
from pytest_aprqa.evidence.door import EvidenceModel
from pytest_aprqa.evidence.evidence import HostInfo, PlaybookInfo, RunInfo
from pytest_aprqa.evidence.parse import MAX_BYTES, check_count, check_values, parse_json, read_bytes
from pytest_aprqa.evidence.record import Record

JOURNAL_NAME: Final = "evidence.jsonl"
"""File name of the journal in the output folder."""

_SYNC_EVERY: Final = 64
"""Lines between two forced writes to the disk, at most."""
_SYNC_AFTER_S: Final = 1.0
"""Seconds from one forced write to a line that brings the next: what took long to compute is safe at once."""


class JournalHeader(EvidenceModel):
    """First line of a journal."""

    journal: Literal["1.0"] = "1.0"
    """Version of the journal's form."""
    run: RunInfo
    """The pytest run, without its end."""
    host: HostInfo
    """The machine."""
    playbook: PlaybookInfo
    """What is run."""


@dataclass(frozen=True, slots=True)
class JournalContents:
    """What a journal holds."""

    header: JournalHeader
    records: tuple[Record, ...]
    """Of the run itself, in order of arrival."""
    carried: tuple[Record, ...]
    """Of earlier runs, or given ahead; those that are among the records, too, were judged before this one ended."""
    truncated: str | None = None
    """What is wrong with the last line, when the run was killed while writing it."""


class Journal:
    """An open journal; make it with `Journal.start`, use it as a context manager."""

    def __init__(self, path: Path, file: FileIO) -> None:
        self.path = path
        self._file = file  # unbuffered, so that a failed write leaves nothing to be written later
        self._unsynced = 0
        self._synced_at = time.monotonic()

    @classmethod
    def start(cls, path: Path, header: JournalHeader, *, carried: Sequence[Record] = ()) -> Self:
        """Begins a journal, in one step replacing the one that is there.

        Args:
            path: the file, usually ``evidence.jsonl`` in the output folder.
            header: what is run.
            carried: records of an interrupted run, kept so that a second interruption does not lose them.

        Raises:
            EvidenceError: the file cannot be written.
        """
        lines = [_line(header.to_json()), *map(_carried, carried)]
        write_atomically(path, b"".join(lines))
        try:
            return cls(path, FileIO(path, "ab"))
        except OSError as exc:
            raise EvidenceError(f"{path}: cannot append: {exc.strerror}; choose another output folder") from exc

    def append(self, record: Record) -> None:
        """Writes one record down; when this returns, a kill of the process no longer loses it.

        Raises:
            EvidenceError: the disk is full or gone; the journal ends with the record before.
        """
        self._write(_line(record.to_json()))

    def carry(self, record: Record) -> None:
        """Writes down what may be taken over by a run that resumes this one; as safely as `append`.

        Raises:
            EvidenceError: as `append`.
        """
        self._write(_carried(record))

    def _write(self, line: bytes) -> None:
        before = self._file.tell()
        try:
            while line:
                line = line[self._file.write(line) :]
            self._unsynced += 1
            if self._unsynced >= _SYNC_EVERY or time.monotonic() - self._synced_at >= _SYNC_AFTER_S:
                self._sync()
        except OSError as exc:
            self._cut_back(before)
            raise EvidenceError(f"{self.path}: cannot append: {exc.strerror}; free some space") from exc

    def close(self) -> None:
        """Forces everything to the disk and closes; a second call does nothing.

        Raises:
            EvidenceError: the disk is gone; the file is closed all the same.
        """
        if self._file.closed:
            return
        try:
            self._sync()
        except OSError as exc:
            raise EvidenceError(f"{self.path}: cannot be forced to the disk: {exc.strerror}") from exc
        finally:
            self._file.close()

    def _sync(self) -> None:
        os.fsync(self._file.fileno())
        self._unsynced = 0
        self._synced_at = time.monotonic()

    def _cut_back(self, length: int) -> None:
        # Half a line in the middle would make the whole journal unreadable.
        with suppress(OSError):
            self._file.truncate(length)
            self._file.seek(length)  # the next line may fail at once, and is then cut back to here

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def read_journal(path: Path, *, max_bytes: int = MAX_BYTES) -> JournalContents:
    """Reads a journal; a last line that was cut off is reported, not an error.

    Args:
        path: the file.
        max_bytes: a larger file is refused.

    Raises:
        EvidenceError: no such file, not a journal, too large, or a broken line before the last.
    """
    content = read_bytes(path, max_bytes=max_bytes)
    check_values(content, where=str(path))
    check_count(content.count(b"\n"), where=str(path))
    lines = content.split(b"\n")
    # A whole line ends in a newline, so what follows the last newline is empty, or was cut off.
    whole, rest = lines[:-1], lines[-1]
    if not whole:
        raise EvidenceError(f"{path}: not a journal; expected a header line, found {len(rest)} bytes without a newline")
    header = JournalHeader.from_json(parse_json(whole[0], where=f"{path}:1"), where=f"{path}:1")
    records: list[Record] = []
    carried: list[Record] = []
    for number, line in enumerate(whole[1:], start=2):
        _read_line(parse_json(line, where=f"{path}:{number}"), f"{path}:{number}", records, carried)
    truncated = None
    if rest:
        truncated = _read_last(rest, f"{path}:{len(lines)}", records, carried)
    return JournalContents(header, tuple(records), tuple(carried), truncated)


def _read_line(value: Json, where: str, records: list[Record], carried: list[Record]) -> None:
    if isinstance(value, dict) and set(value) == {"carried"}:
        carried.append(Record.from_json(value["carried"], where=where))
    else:
        records.append(Record.from_json(value, where=where))


def _read_last(line: bytes, where: str, records: list[Record], carried: list[Record]) -> str | None:
    # A run killed between the last byte and the newline leaves a line that is whole.
    try:
        _read_line(parse_json(line, where=where), where, records, carried)
    except EvidenceError as exc:
        return str(exc)
    return None


def _carried(record: Record) -> bytes:
    return _line({"carried": record.to_json()})


def _line(value: Json) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8") + b"\n"
