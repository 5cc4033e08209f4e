"""A playbook from a text, in one line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from typing import Protocol

import pytest

from pytest_aprqa.playbook import Playbook, read_playbook

MINIMAL = """\
name: tiny
version: "1.0"
model: {hf_repo: org/tiny}
test_matrix: {}
"""


class Read(Protocol):
    """Reads a playbook of this text."""

    def __call__(
        self,
        text: str | bytes,
        values: Mapping[str, str] | None = None,
        *,
        strict: bool = False,
        name: str = "x.playbook.yaml",
    ) -> Playbook: ...


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read_text(
        text: str | bytes,
        values: Mapping[str, str] | None = None,
        *,
        strict: bool = False,
        name: str = "x.playbook.yaml",
    ) -> Playbook:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else dedent(text).encode())
        return read_playbook(path, values or {}, strict=strict)

    return read_text
