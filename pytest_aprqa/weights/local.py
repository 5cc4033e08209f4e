"""Weights that lie on this machine because the user put them there: playbook paths and the model cache.

Each function looks at one place and returns what it found, what it looked at, or None where it does not apply.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pytest_aprqa.core import ArtefactError, Format
from pytest_aprqa.formats import INDEX_FILE, SINGLE_FILE, holds_weights
from pytest_aprqa.weights.hub_cache import in_hub_folder, is_complete
from pytest_aprqa.weights.places import Found, NotFound, Search, Wanted, is_commit


def from_playbook_file(wanted: Wanted, _search: Search) -> Found | NotFound | None:
    """``model.files.safetensors``: a folder, its weight file, or its shard index."""
    path = wanted.files.get(Format.SAFETENSORS)
    return None if path is None else _from_playbook(path, "playbook model.files.safetensors", wanted)


def from_local_path(wanted: Wanted, _search: Search) -> Found | NotFound | None:
    """``model.local_path``: a folder, its weight file, or its shard index."""
    path = wanted.local_path
    return None if path is None else _from_playbook(path, "playbook model.local_path", wanted)


def from_model_cache(wanted: Wanted, search: Search) -> Found | NotFound | None:
    """``--aprqa-model-cache DIR``, in any of the layouts of `_layouts`."""
    if search.model_cache is None:
        return None
    option = "--aprqa-model-cache"
    if not wanted.on_hub:
        return NotFound((f"{search.model_cache} ({option}): not looked at, {wanted.model!r} is not like org/name",))
    looked = []
    for folder in _layouts(search.model_cache, wanted):
        if not folder.is_dir() or not holds_weights(folder):
            looked.append(f"{folder} ({option})")
        elif _other_commit(folder, wanted):
            looked.append(f"{folder} ({option}): is commit {commit_of(folder)}, not {wanted.revision}")
        else:
            return Found(folder, option, commit_of(folder))
    cached = in_hub_folder(search.model_cache, wanted, reason=option)
    if isinstance(cached, Found) and is_complete(cached.folder):
        return cached
    looked += cached.looked if isinstance(cached, NotFound) else (f"{cached.folder} ({option}): incomplete",)
    return NotFound(tuple(looked))


def _layouts(cache: Path, wanted: Wanted) -> Iterator[Path]:
    """Where a model may lie in a model cache; the hub's own layout is tried after these."""
    yield cache / wanted.model
    if wanted.organization:
        yield cache / wanted.name
        yield cache / f"{wanted.organization}--{wanted.name}"
    if cache.name == wanted.name:
        yield cache


def _from_playbook(path: Path, source: str, wanted: Wanted) -> Found | NotFound:
    """A path that the playbook names is the one that counts: nothing else is tried when it fails."""
    folder = _folder_of(path)
    if not path.exists():
        return NotFound((f"{path} ({source}): does not exist",), final=True)
    if not holds_weights(folder):
        return NotFound((f"{folder} ({source}): has neither {SINGLE_FILE} nor {INDEX_FILE}",), final=True)
    if _other_commit(folder, wanted):
        return NotFound((f"{folder} ({source}): is commit {commit_of(folder)}, not {wanted.revision}",), final=True)
    return Found(folder, source, commit_of(folder))


def _folder_of(path: Path) -> Path:
    if not path.is_file():
        return path
    if path.name not in (SINGLE_FILE, INDEX_FILE):
        raise ArtefactError(
            f"{path}: engines load a whole folder; a weight file must have the usual name beside its config.json",
            path=path,
            expected=f"a folder, {SINGLE_FILE} or {INDEX_FILE}",
            found=path.name,
        )
    return path.parent


def _other_commit(folder: Path, wanted: Wanted) -> bool:
    commit = commit_of(folder)
    return bool(commit and wanted.pinned_commit and commit != wanted.pinned_commit)


def commit_of(folder: Path) -> str | None:
    """The hub commit that a folder came from, where the hub's client has left a trace of it.

    A snapshot of the cache is named after its commit; ``hf download --local-dir`` writes it into a metadata file.
    """
    if folder.parent.name == "snapshots" and is_commit(folder.name):
        return folder.name
    trace = folder / ".cache" / "huggingface" / "download" / "config.json.metadata"
    try:
        with trace.open(encoding="ascii") as stream:
            first = stream.readline(64).strip()
    except (OSError, ValueError):
        return None
    return first if is_commit(first) else None
