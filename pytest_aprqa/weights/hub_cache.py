"""The Hugging Face cache: where it is, and which snapshot of a model it holds.

Reads the cache's documented layout (``models--org--name/{refs,snapshots,blobs}``) itself: `huggingface_hub` takes half
a second to import, reads the environment once at its import, and calls a snapshot found even when files are missing.

Reference: https://huggingface.co/docs/huggingface_hub/guides/manage-cache
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import NamedTuple

from pytest_aprqa.core import ArtefactError
from pytest_aprqa.formats import holds_weights, weight_files
from pytest_aprqa.weights.places import Found, NotFound, Search, Wanted, is_commit


class HubCache(NamedTuple):
    """The hub's cache folder and the variable that says so."""

    folder: Path
    reason: str


def hub_cache(environment: Mapping[str, str]) -> HubCache:
    """The cache folder by the rules of `huggingface_hub`; an empty variable counts as unset.

    >>> hub_cache({"HF_HOME": "/data/hf"})
    HubCache(folder=PosixPath('/data/hf/hub'), reason='HF_HOME')
    """
    for variable, below in (
        ("HF_HUB_CACHE", ""),
        ("HUGGINGFACE_HUB_CACHE", ""),
        ("HF_HOME", "hub"),
        ("XDG_CACHE_HOME", "huggingface/hub"),
    ):
        if value := environment.get(variable):
            return HubCache(Path(Template(value).safe_substitute(environment)).expanduser() / below, variable)
    home = Path(environment["HOME"]) if environment.get("HOME") else Path.home()
    return HubCache(home / ".cache/huggingface/hub", "the default Hugging Face cache")


def from_hub_cache(wanted: Wanted, search: Search) -> Found | NotFound:
    """The Hugging Face cache of the environment."""
    cache = hub_cache(search.environment)
    if not wanted.on_hub:
        return NotFound((f"{cache.folder} ({cache.reason}): not looked at, {wanted.model!r} is not like org/name",))
    found = in_hub_folder(cache.folder, wanted, reason=cache.reason)
    if isinstance(found, Found) and not is_complete(found.folder):
        return NotFound((f"{found.folder} ({cache.reason}): incomplete",))
    if isinstance(found, Found):
        return Found(found.folder, "Hugging Face cache", found.revision)
    return found


def in_hub_folder(cache: Path, wanted: Wanted, *, reason: str) -> Found | NotFound:
    """The snapshot of the wanted revision: the commit itself, else what refs say, else the newest without a wish."""
    repository = cache / f"models--{wanted.model.replace('/', '--')}"
    if not repository.is_dir():
        return NotFound((f"{repository} ({reason})",))
    commit = wanted.pinned_commit or _commit_of_ref(repository, wanted.revision or "main")
    if commit is None and wanted.revision is None:
        commit = _newest(repository)
    if commit is None:
        return NotFound((f"{repository} ({reason}): has no revision {wanted.revision or 'main'}",))
    folder = repository / "snapshots" / commit
    if not folder.is_dir():
        return NotFound((f"{folder} ({reason})",))
    if not holds_weights(folder):
        return NotFound((f"{folder} ({reason}): has no safetensors weights",))
    return Found(folder, reason, commit)


def is_complete(folder: Path) -> bool:
    """True when all weight files that a cache folder names are there; an interrupted download leaves holes."""
    try:
        return bool(weight_files(folder)) and (folder / "config.json").exists()
    except ArtefactError:
        return False


def _commit_of_ref(repository: Path, revision: str) -> str | None:
    """What ``refs/<revision>`` says; a revision cannot lead out of refs."""
    refs = repository / "refs"
    path = refs / revision
    try:
        if not path.resolve(strict=True).is_relative_to(refs.resolve(strict=True)):
            return None
        with path.open(encoding="ascii") as stream:
            commit = stream.read(64).strip()
    except (OSError, RuntimeError, ValueError):
        return None
    return commit if is_commit(commit) else None


def _newest(repository: Path) -> str | None:
    """The snapshot written last, for caches whose refs were lost."""
    snapshots = [path for path in repository.glob("snapshots/*") if is_commit(path.name)]
    return max(snapshots, key=lambda path: (path.stat().st_mtime_ns, path.name)).name if snapshots else None
