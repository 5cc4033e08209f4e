"""What is wanted, where it may be searched, and what a search of one place found.

Values only; the places themselves are in `local`, `hub_cache` and `hub`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pytest_aprqa.core import Format

_HUB_NAME: Final = re.compile(r"(?!.*(?:--|\.\.))\w[\w.-]{0,95}(?:/\w[\w.-]{0,95})?", re.ASCII)
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class Wanted:
    """The weights that a playbook asks for; they are always the safetensors ones, the ground truth."""

    model: str
    """``org/name``."""
    revision: str | None = None
    """Branch, tag or commit of the hub repository; None takes ``main``."""
    local_path: Path | None = None
    """``model.local_path`` of the playbook: a Hugging Face folder."""
    files: Mapping[Format, Path] = field(default_factory=dict)
    """``model.files`` of the playbook: artefacts that the user already has, by format."""

    @property
    def organization(self) -> str:
        """The text before the slash; empty without one."""
        return self.model.rpartition("/")[0]

    @property
    def name(self) -> str:
        """The text after the slash."""
        return self.model.rpartition("/")[2]

    @property
    def on_hub(self) -> bool:
        """True when the name can be one of the hub's, and so cannot lead out of a cache folder.

        >>> Wanted("org/name-1.5B").on_hub, Wanted("../name").on_hub, Wanted("a/b/c").on_hub
        (True, False, False)
        """
        return _HUB_NAME.fullmatch(self.model) is not None

    @property
    def pinned_commit(self) -> str | None:
        """The revision, when it is a full commit."""
        return self.revision if self.revision and is_commit(self.revision) else None


@dataclass(frozen=True, slots=True)
class Search:
    """Where a search may look, and whether it may use the network."""

    model_cache: Path | None = None
    """``--aprqa-model-cache``."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables that say where the Hugging Face cache is; usually ``os.environ``."""
    download: bool = False
    """``--aprqa-download``: the network may be used."""
    progress: bool = True
    """Shows the download's progress bars."""


@dataclass(frozen=True, slots=True)
class Found:
    """A folder that has the model's weights."""

    folder: Path
    source: str
    """Such as ``Hugging Face cache``."""
    revision: str | None = None


@dataclass(frozen=True, slots=True)
class NotFound:
    """A place that has not."""

    looked: tuple[str, ...]
    """Every path looked at, with the reason it was."""
    final: bool = False
    """True where the playbook itself named the place: the search goes no further."""


def is_commit(text: str) -> bool:
    """True for 40 lower-case hexadecimal digits."""
    return _COMMIT.fullmatch(text) is not None
