"""Where golden corpora lie: a root of folders ``<family>/<version>/``, and the ones that come with the package.

Reads folders; knows nothing of what a corpus holds beyond its manifest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_aprqa.core import ArtefactError
from pytest_aprqa.golden.corpus import GoldenCorpus
from pytest_aprqa.golden.manifest import MANIFEST
from pytest_aprqa.golden.store import read_golden

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_MOST_FOLDERS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where one corpus lies."""

    family: str
    version: str
    folder: Path


def built_in_root() -> Path:
    """The corpora that come with the package."""
    return Path(__file__).resolve().parent / "corpora"


def default_root(environment: Mapping[str, str]) -> Path:
    """The user's own corpora: ``pytest-aprqa/golden`` in the folder for user data.

    That is ``$XDG_DATA_HOME``, else ``%LOCALAPPDATA%``, else ``~/.local/share``.
    """
    base = environment.get("XDG_DATA_HOME") or environment.get("LOCALAPPDATA")
    home = Path(environment["HOME"]) if environment.get("HOME") else Path.home()
    return (Path(base) if base else home / ".local" / "share") / "pytest-aprqa" / "golden"


def family_of(model: str) -> str:
    """The folder name of a model's or a family's corpora: what follows the last slash, in lower case.

    >>> family_of("Qwen/Qwen2.5-Coder-1.5B-Instruct"), family_of("aprqa-tiny")
    ('qwen2.5-coder-1.5b-instruct', 'aprqa-tiny')
    """
    return model.rstrip("/").rpartition("/")[2].lower()


def list_places(root: Path) -> tuple[Place, ...]:
    """Every corpus below a root, by family and version; a folder without a manifest is none."""
    return tuple(
        Place(family.name, version.name, version)
        for family in _folders(root)
        for version in sorted(_folders(family), key=lambda folder: _version_key(folder.name))
        if (version / MANIFEST).is_file()
    )


def find_golden(given: str, root: Path, *, relative_to: Path | None = None) -> Path | None:
    """The folder of a corpus, None where there is none.

    Args:
        given: a corpus' folder or its manifest; or ``family``, ``family/version`` or ``org/model`` below `root` or
            among the built-in corpora. Without a version the latest is taken.
        root: the user's corpora.
        relative_to: what a relative path starts from, such as a playbook's folder; None takes `given` for no such path.
    """
    path = Path(given).expanduser()
    named = [path] if path.is_absolute() else [] if relative_to is None else [relative_to / path]
    below = [
        base / name
        for base in (root, built_in_root())
        for name in (path, Path(family_of(given)))
        if not name.is_absolute() and ".." not in name.parts
    ]
    return next((found for folder in (*named, *below) if (found := _corpus_in(folder)) is not None), None)


def golden_for(given: str, root: Path, *, relative_to: Path | None = None) -> GoldenCorpus:
    """Reads the corpus that a playbook or a command names, see `find_golden`.

    Raises:
        ArtefactError: there is none, or it is not whole.
    """
    folder = find_golden(given, root, relative_to=relative_to)
    if folder is None:
        raise ArtefactError(
            f"no golden corpus for {given!r}",
            path=root,
            expected=f"a folder with {MANIFEST}, or FAMILY/VERSION in {root} or {built_in_root()}",
        )
    return read_golden(folder)


def corpus_folder(root: Path, family: str) -> Path:
    """Where a new corpus of ``family`` or ``family/version`` goes; version 1 where none is given.

    Raises:
        ArtefactError: the name cannot be a folder's.
    """
    name, _, version = family.partition("/")
    for word in (name, version or "1"):
        if _NAME.fullmatch(word) is None:
            raise ArtefactError("name of a corpus", path=root, expected="FAMILY or FAMILY/VERSION", found=repr(family))
    return root / name / (version or "1")


def _corpus_in(folder: Path) -> Path | None:
    """The corpus that a path means: its manifest's folder, itself, or the latest of the versions in it."""
    if folder.name == MANIFEST and _is_file(folder):
        return folder.parent
    return folder if _is_file(folder / MANIFEST) else _latest(folder)


def _latest(family: Path) -> Path | None:
    found = [folder for folder in _folders(family) if _is_file(folder / MANIFEST)]
    return max(found, key=lambda folder: _version_key(folder.name), default=None)


def _folders(folder: Path) -> list[Path]:
    try:
        found = sorted(each for each in folder.iterdir() if not each.name.startswith(".") and each.is_dir())
    except (OSError, ValueError):
        return []
    return found[:_MOST_FOLDERS]


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _version_key(name: str) -> tuple[tuple[bool, int, str], ...]:
    """Orders versions as people do: v2 before v10."""
    return tuple(
        (not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in re.split(r"(\d+)", name)
    )
