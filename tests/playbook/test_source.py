from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from pytest_aprqa.core import PlaybookError
from pytest_aprqa.playbook import read_playbook
from pytest_aprqa.playbook.source import MAX_BYTES
from tests.playbook.conftest import MINIMAL, Read


def test_a_byte_order_mark_is_no_part_of_the_text(read: Read) -> None:
    assert read(b"\xef\xbb\xbf" + MINIMAL.encode()).name == "tiny"


def test_line_ends_of_windows_are_understood(read: Read) -> None:
    assert read(MINIMAL.replace("\n", "\r\n").encode()).line_of("model") == 3


def test_the_digest_is_of_the_raw_bytes(read: Read) -> None:
    data = MINIMAL.encode() + b"# \xc3\xa9\r\n"
    assert read(data).sha256 == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "the file is empty"),
        (b" \n\n", "the file is empty"),
        (b"# nothing\n", "the file holds only comments"),
        (MINIMAL.encode("utf-16"), "the file is UTF-16"),
        (b"\x7fELF\x00\x00", "this is a binary file"),
        (b"name: \xff\n", ":1:1: the file is not UTF-8; expected UTF-8; found byte 0xff"),
        (b"a: b\nc: d\x07\n", ":2:5: a control character stands in the text; found U+0007"),
        pytest.param(b"#" * (MAX_BYTES + 1), "the file is too large for a playbook", id="large"),
    ],
)
def test_a_file_that_is_no_small_text_is_refused(read: Read, data: bytes, problem: str) -> None:
    with pytest.raises(PlaybookError) as caught:
        read(data)
    assert problem in str(caught.value)


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(PlaybookError, match="there is no such file"):
        read_playbook(tmp_path / "absent.yaml", {})


def test_a_folder_is_said_to_be_one(tmp_path: Path) -> None:
    with pytest.raises(PlaybookError, match="this is a folder"):
        read_playbook(tmp_path, {})


def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(PlaybookError, match="not a regular file"):
        read_playbook(tmp_path / "pipe", {})


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000])
def test_an_impossible_path_is_a_playbook_error(name: str) -> None:
    with pytest.raises(PlaybookError, match="cannot be read"):
        read_playbook(Path(name), {})
