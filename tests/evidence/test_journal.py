"""The journal: survives a kill at any byte, and says which line is broken."""

from __future__ import annotations

import signal
import subprocess
import sys
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_aprqa.core import EvidenceError
from pytest_aprqa.evidence import Journal, read_journal
from tests.evidence.samples import HEADER, a_record

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

RECORDS = tuple(a_record(index=index, reason="ünïcode \n line") for index in range(3))


def write(path: Path) -> bytes:
    with Journal.start(path, HEADER) as journal:
        for record in RECORDS:
            journal.append(record)
    return path.read_bytes()


def test_what_was_appended_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "new" / "evidence.jsonl"
    write(path)
    contents = read_journal(path)
    assert (contents.header, contents.records, contents.carried) == (HEADER, RECORDS, ())
    assert contents.truncated is None


def test_each_record_is_on_file_as_soon_as_append_returns(tmp_path: Path) -> None:
    path = tmp_path / "j"
    with Journal.start(path, HEADER) as journal:
        for count, record in enumerate(RECORDS, start=1):
            journal.append(record)
            assert len(read_journal(path).records) == count


def test_a_cut_at_any_byte_after_the_header_loses_only_the_last_line(tmp_path: Path) -> None:
    path = tmp_path / "j"
    whole = write(path)
    header_end = whole.index(b"\n") + 1
    for cut in range(header_end, len(whole) + 1, 7):
        path.write_bytes(whole[:cut])
        contents = read_journal(path)
        complete = whole[header_end:cut].count(b"\n")
        assert complete <= len(contents.records) <= complete + 1
        assert contents.records == RECORDS[: len(contents.records)]
        at_line_end = whole[:cut].endswith(b"\n") or len(contents.records) > complete
        assert (contents.truncated is None) == at_line_end


def test_garbage_before_the_last_line_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "j"
    lines = write(path).splitlines(keepends=True)
    for broken in (b"garbage\n", b'{"case_id": 3}\n', b"[]\n", b"\n", b'{"carried": 1}\n'):
        path.write_bytes(b"".join([*lines[:2], broken, *lines[2:]]))
        with pytest.raises(EvidenceError, match=r"j:3: "):
            read_journal(path)


@pytest.mark.parametrize("content", [b"", b"x", b"{}\n", b"[]\n", b"\xff\xfe\n", b'{"journal": "2.0"}\n'])
def test_what_is_no_journal_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "j"
    path.write_bytes(content)
    with pytest.raises(EvidenceError, match="j"):
        read_journal(path)


def test_starting_anew_keeps_what_is_carried(tmp_path: Path) -> None:
    path = tmp_path / "j"
    write(path)
    with Journal.start(path, HEADER, carried=RECORDS[:2]) as journal:
        journal.append(RECORDS[2])
    contents = read_journal(path)
    assert (contents.records, contents.carried) == (RECORDS[2:], RECORDS[:2])


def test_a_killed_process_loses_nothing_that_was_appended(tmp_path: Path) -> None:
    path = tmp_path / "j"
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from pytest_aprqa.evidence import Journal; from tests.evidence.samples import HEADER, a_record\n"
        "journal = Journal.start(Path(sys.argv[1]), HEADER)\n"
        "journal.append(a_record(index=0)); journal.append(a_record(index=1))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(path)], check=False, cwd=Path(__file__).parents[2])
    assert ended.returncode == -signal.SIGKILL
    assert [record.index for record in read_journal(path).records] == [0, 1]


@pytest.mark.parametrize(("after_s", "forced"), [(0.0, 2), (3600.0, 0)])
def test_what_took_long_is_forced_to_the_disk_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after_s: float, forced: int
) -> None:
    monkeypatch.setattr("pytest_aprqa.evidence.journal._SYNC_AFTER_S", after_s)
    with Journal.start(tmp_path / "j", HEADER) as journal:
        seen: list[int] = []
        monkeypatch.setattr("os.fsync", seen.append)
        journal.append(RECORDS[0])
        journal.carry(RECORDS[1])
        assert len(seen) == forced
    contents = read_journal(tmp_path / "j")
    assert (contents.records, contents.carried) == (RECORDS[:1], RECORDS[1:2])


class FullDisk(FileIO):
    """Takes ten bytes of a second line, then is full."""

    room = 10**9

    def write(self, content: Buffer, /) -> int:
        if self.room == 0:
            raise OSError(28, "No space left on device")
        taken = super().write(bytes(content)[: self.room])
        self.room -= taken
        return taken


def test_a_full_disk_is_an_error_of_ours_and_leaves_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "j"
    Journal.start(path, HEADER).close()
    with FullDisk(path, "ab") as disk:
        journal = Journal(path, disk)
        journal.append(RECORDS[0])
        disk.room = 10
        with pytest.raises(EvidenceError, match="cannot append: No space left"):
            journal.append(RECORDS[1])
        with pytest.raises(EvidenceError, match="cannot append: No space left"):
            journal.append(RECORDS[1])
        disk.room = 10**9
        journal.append(RECORDS[2])
    assert read_journal(path).records == (RECORDS[0], RECORDS[2])


def test_a_folder_that_cannot_be_made_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(EvidenceError, match="cannot be written"):
        Journal.start(tmp_path / "file" / "j", HEADER)


def test_closing_twice_is_harmless(tmp_path: Path) -> None:
    journal = Journal.start(tmp_path / "j", HEADER)
    journal.close()
    journal.close()
    assert [path.name for path in tmp_path.iterdir()] == ["j"]


def test_a_disk_that_is_gone_at_the_end_is_an_error_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    journal = Journal.start(tmp_path / "j", HEADER)
    journal.append(RECORDS[0])
    monkeypatch.setattr("os.fsync", gone)
    with pytest.raises(EvidenceError, match="cannot be forced to the disk: Input/output error"):
        journal.close()
    journal.close()
    assert len(read_journal(tmp_path / "j").records) == 1


def test_a_whole_last_line_without_its_newline_counts(tmp_path: Path) -> None:
    path = tmp_path / "j"
    path.write_bytes(write(path)[:-1])
    assert read_journal(path).truncated is None
    assert read_journal(path).records == RECORDS
