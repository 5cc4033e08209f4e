"""The bytes of a playbook and their text: size, kind of file, encoding, characters.

Knows nothing of YAML. Whatever is wrong with the file itself ends here, before anything is parsed.
"""

from __future__ import annotations

import hashlib
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_aprqa.core import PlaybookError

MAX_BYTES: Final = 1 << 20
"""The longest real playbook has 5 KB; a million bytes is no playbook."""

_UTF16_BOMS: Final = (b"\xff\xfe", b"\xfe\xff")
# YAML 1.2, section 5.1: everything but these may stand in a document.
_UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Source:
    """A playbook's text and the digest of its bytes."""

    text: str
    sha256: str
    """Of the raw bytes, 64 hex digits."""


def read_source(path: Path) -> Source:
    """Reads a playbook's text; refuses what is no small UTF-8 text file."""
    data = _read_bytes(path)
    if not data.strip():
        raise PlaybookError("the file is empty", path=path, expected="a playbook with 'model' and 'test_matrix'")
    return Source(_decode(data, path), hashlib.sha256(data).hexdigest())


def _read_bytes(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise PlaybookError("this is a folder", path=path, expected="a playbook file")
        if not stat.S_ISREG(mode):  # a pipe or a device would block or never end
            raise PlaybookError("this is not a regular file", path=path, expected="a playbook file")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise PlaybookError("there is no such file", path=path) from error
    except (OSError, ValueError) as error:  # ValueError: the path itself holds a NUL
        raise PlaybookError(f"the file cannot be read: {error}", path=path) from error
    if len(data) > MAX_BYTES:
        raise PlaybookError("the file is too large for a playbook", path=path, expected=f"at most {MAX_BYTES} bytes")
    return data


def _decode(data: bytes, path: Path) -> str:
    if data.startswith(_UTF16_BOMS):
        raise PlaybookError("the file is UTF-16", path=path, expected="UTF-8", hint="save it as UTF-8")
    if b"\x00" in data:
        offset = data.index(b"\x00")
        raise PlaybookError("this is a binary file", path=path, expected="UTF-8 text", found=f"a NUL at byte {offset}")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        found = f"byte {data[error.start]:#04x}"
        raise PlaybookError(
            "the file is not UTF-8", path=path, line=line, column=1, expected="UTF-8", found=found
        ) from error
    if unprintable := _UNPRINTABLE.search(text):
        start = unprintable.start()
        raise PlaybookError(
            "a control character stands in the text",
            path=path,
            line=text.count("\n", 0, start) + 1,
            column=start - text.rfind("\n", 0, start),
            found=f"U+{ord(unprintable[0]):04X}",
            hint="write it as an escape in double quotes",
        )
    return text
