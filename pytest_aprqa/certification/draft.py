"""The playbook of a model: found in a folder of playbooks, else drafted from the model's own files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pytest_aprqa.certification.errors import CertificationError
from pytest_aprqa.certification.wishes import Wishes
from pytest_aprqa.core import AprqaError, PlaybookError, Tier
from pytest_aprqa.evidence import model_folder
from pytest_aprqa.evidence.atomic import write_atomically
from pytest_aprqa.playbook import Catalog, Playbook, read_catalog, read_playbook
from pytest_aprqa.weights import Search, Wanted, resolve


@dataclass(frozen=True, slots=True)
class Found:
    """A playbook, and whether it was written just now."""

    path: Path
    drafted: bool = False


def catalog_of(root: Path) -> Catalog:
    """The playbooks below a folder; none where there is no such folder."""
    return read_catalog(root) if root.is_dir() else Catalog(root)


def playbook_for(model: str, tier: Tier, catalog: Catalog, output: Path, wishes: Wishes) -> Found:
    """The playbook of a model and a tier.

    Args:
        model: ``org/name``.
        tier: how deep.
        catalog: is searched.
        output: folder for what has to be drafted, in the model's own folder there.
        wishes: where the weights may be.

    Raises:
        PlaybookError: there are several.
        CertificationError: there is none, and no config.json to draft one from.
    """
    try:
        return Found(catalog.find(model, tier))
    except PlaybookError as problem:
        if catalog.fitting(model, tier):
            raise
        missing = problem
    try:
        folder = resolve(Wanted(model, local_path=wishes.model_path), Search(wishes.model_cache, os.environ)).folder
    except AprqaError as problem:
        first = str(problem).partition("\n")[0]
        raise CertificationError(f"{missing}; none can be drafted either: {first}") from problem
    from pytest_aprqa.bootstrap import bootstrap  # slow to import, and seldom needed

    return Found(_write(bootstrap(folder, tier, hf_repo=model), output), drafted=True)


def draft_for_files(
    hf: Path, gguf: Path | None, apr: Path | None, *, tier: Tier, output: Path, name: str = ""
) -> Playbook:
    """The playbook for artefacts that a user has, written into the output folder.

    Args:
        hf: the original, in Hugging Face layout.
        gguf: a GGUF file made of it.
        apr: an APR file made of it.
        tier: how deep.
        output: folder with a folder for each model.
        name: ``org/name``; empty to name it after the folder.

    Raises:
        AprqaError: a file is not what it should be.
    """
    from pytest_aprqa.bootstrap import bootstrap_artefacts  # slow to import, and seldom needed

    if not (hf / "config.json").is_file():
        raise CertificationError(f"{hf}: expected a model folder in Hugging Face layout, found no config.json in it")
    text = bootstrap_artefacts(hf.absolute(), gguf=_absolute(gguf), apr=_absolute(apr), tier=tier, hf_repo=name)
    return read_playbook(_write(text, output), os.environ)


def _absolute(path: Path | None) -> Path | None:
    return None if path is None else path.absolute()


def _write(text: str, output: Path) -> Path:
    """Into the folder of the model that the text is about, under the playbook's own name."""
    with TemporaryDirectory(prefix="aprqa-draft-") as scratch:
        draft = Path(scratch, "draft.playbook.yaml")
        draft.write_text(text, encoding="utf-8")
        playbook = read_playbook(draft, os.environ)
    path = output.absolute() / model_folder(playbook.model.hf_repo) / f"{playbook.name}.playbook.yaml"
    write_atomically(path, text.encode("utf-8"))
    return path
