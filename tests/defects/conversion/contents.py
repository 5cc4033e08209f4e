"""What a converted model's file holds, opened for changes: its tensors and what it says, in Hugging Face's words.

One class for each format knows the format's own names; the defects know none.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from pytest_aprqa.core import Json
from tests.defects.conversion.apr_contents import AprContents
from tests.defects.conversion.folder_contents import FolderContents
from tests.defects.conversion.gguf_contents import GgufContents
from tests.defects.conversion.stored import Stored


class Contents(Protocol):
    """A file's content."""

    tensors: dict[str, Stored]
    """By Hugging Face name, bytes and rows as the format has them."""
    vocabulary: list[str]
    """Token texts by id."""
    merges: list[str]
    """``left right``, best first; empty takes them away altogether."""
    template: str | None
    """The chat template; None takes it away."""

    def state(self, word: str, value: Json) -> None:
        """Says something else of the model, by config.json's word."""
        ...

    def appoint(self, role: str, token: int) -> None:
        """Gives the role of ``bos`` or ``eos`` to a token."""
        ...

    def begin_with_bos(self, wanted: bool) -> None:
        """Says whether a prompt begins with BOS."""
        ...

    def save(self) -> None:
        """Writes the file anew, well formed."""
        ...


@contextmanager
def edited(path: Path) -> Iterator[Contents]:
    """The content of a model folder, a .gguf or an .apr file; written back at the end."""
    contents = _opened(path)
    yield contents
    contents.save()


def _opened(path: Path) -> Contents:
    if path.is_dir():
        return FolderContents(path)
    return GgufContents(path) if path.suffix == ".gguf" else AprContents(path)
