"""The playbooks of a folder, known by what stands in them: which model, and how deep.

Reads only as much of each file as tells that. What else a playbook says, and whether it could be run, is not known
here.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from pytest_aprqa.core import PlaybookError, Tier
from pytest_aprqa.playbook.dialects import normalise
from pytest_aprqa.playbook.document import GroundTruth
from pytest_aprqa.playbook.parse import parse_yaml
from pytest_aprqa.playbook.playbook import stem, tier_of
from pytest_aprqa.playbook.source import read_source
from pytest_aprqa.playbook.tree import Node

SUFFIXES: Final = (".playbook.yaml", ".playbook.yml")
"""How the name of a playbook's file ends."""
_SHOWN: Final = 5
"""So many of a list are named in a message."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One playbook of a folder."""

    path: Path
    name: str
    model: str
    """``org/name``."""
    tier: Tier | None
    of_a_file: bool = False
    """Its ground truth is a file, dequantized: it says nothing of the model that the file was made of."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """What a folder holds."""

    root: Path
    listed: tuple[Listed, ...] = ()
    """Sorted by path; files that are no playbook are left out."""
    unreadable: tuple[str, ...] = ()
    """One sentence each."""

    def of_model(self, model: str) -> tuple[Listed, ...]:
        """The playbooks of a model, of any tier; those of single files are left out."""
        return tuple(one for one in self.listed if one.model == model and not one.of_a_file)

    def fitting(self, model: str, tier: Tier) -> tuple[Path, ...]:
        """The playbooks of a model and a tier, whatever their files are called."""
        return tuple(one.path for one in self.of_model(model) if one.tier is tier)

    def find(self, model: str, tier: Tier) -> Path:
        """The playbook of a model and a tier.

        Raises:
            PlaybookError: there is none, or more than one.
        """
        fitting = self.fitting(model, tier)
        if len(fitting) == 1:
            return fitting[0]
        if not fitting:
            raise _none(self, model, tier)
        raise PlaybookError(
            f"{len(fitting)} playbooks are for {model} at tier {tier}",
            path=self.root,
            expected="one",
            found=_several([str(path.relative_to(self.root)) for path in fitting]),
            hint="name the playbook itself, or change the tier of all but one",
        )


def playbook_files(root: Path) -> tuple[Path, ...]:
    """Every file below a folder that is called a playbook, sorted; hidden folders are left out.

    Raises:
        PlaybookError: there is no such folder.
    """
    if not root.is_dir():
        raise PlaybookError("there is no such folder", path=root, expected="a folder of playbooks")
    found = []
    for folder, below, files in os.walk(root):
        below[:] = [name for name in below if not name.startswith(".")]
        found += [Path(folder, name) for name in files if name.endswith(SUFFIXES)]
    return tuple(sorted(found, key=lambda path: path.relative_to(root).parts))


def read_catalog(root: Path) -> Catalog:
    """Looks at every playbook below a folder.

    Raises:
        PlaybookError: there is no such folder.
    """
    listed, unreadable = [], []
    for path in playbook_files(root):
        try:
            one = _listed(path)
        except PlaybookError as error:
            unreadable.append(str(error))
            continue
        if one is not None:
            listed.append(one)
    return Catalog(root, tuple(listed), tuple(unreadable))


def _none(catalog: Catalog, model: str, tier: Tier) -> PlaybookError:
    if of_model := catalog.of_model(model):
        found = _several([f"{one.path.relative_to(catalog.root)} ({one.tier or 'no tier'})" for one in of_model])
    elif not catalog.root.is_dir():
        found = "no such folder"
    else:
        models = sorted({listed.model for listed in catalog.listed})
        close = get_close_matches(model, models, n=1)
        more = f", one of them for {close[0]}" if close else ""
        found = f"{len(catalog.listed)} playbooks of {len(models)} other models{more}"
    if catalog.unreadable:
        found += f"; not readable: {_several(catalog.unreadable)}"
    return PlaybookError(
        f"no playbook is for {model} at tier {tier}",
        path=catalog.root,
        found=found,
        hint=f"write one with: apr-qa bootstrap {model} --tier {tier}",
    )


def _several(words: list[str] | tuple[str, ...]) -> str:
    more = f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""
    return ", ".join(words[:_SHOWN]) + more


def _listed(path: Path) -> Listed | None:
    """What a file says of itself; None for one without a model and a matrix, which is no playbook."""
    root = normalise(parse_yaml(read_source(path).text, path), path)
    model = _text(root, "model", "hf_repo")
    if model is None or "test_matrix" not in root.entries:
        return None
    name = _text(root, "name") or stem(path)
    declared = _text(root, "metadata", "tier")
    tier = tier_of({} if declared is None else {"tier": declared}, path, name)
    truth = (_text(root, "model", "ground_truth") or "").lower()
    return Listed(path, name, model, tier, of_a_file=truth == GroundTruth.DEQUANTIZED)


def _text(node: Node, *steps: str) -> str | None:
    """The text at a path of keys."""
    for step in steps:
        entry = node.entries.get(step)
        if entry is None:
            return None
        node = entry.node
    return node.value if isinstance(node.value, str) else None
