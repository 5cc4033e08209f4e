"""A model folder in Hugging Face layout: which weight files it names, and what their headers say.

Pickle files (``pytorch_model.bin``) run code when they are opened and are never loaded. Every file must lie inside the
folder; in the hub's cache, whose snapshots are links into ``blobs``, inside the repository's folder.
Knows nothing of architectures: whether the tensors are the right ones is for the gates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_aprqa.core import ArtefactError, Json
from pytest_aprqa.formats.bounded_json import read_json
from pytest_aprqa.formats.safetensors import TensorEntry, read_header

SINGLE_FILE: Final = "model.safetensors"
INDEX_FILE: Final = "model.safetensors.index.json"

SIDE_FILES: Final = (
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "tokenizer.model",
    "chat_template.jinja",
    "chat_template.json",
)
"""What a folder has besides its weights that decides what the model says."""

_MAX_CONFIG_BYTES: Final = 16 << 20
_MAX_INDEX_BYTES: Final = 64 << 20
_PICKLES: Final = ("pytorch_model*.bin", "consolidated*.pth", "*.pt", "*.ckpt")


@dataclass(frozen=True, slots=True)
class ShardIndex:
    """What ``model.safetensors.index.json`` says."""

    path: Path
    weight_map: Mapping[str, str]
    """Tensor name to shard file name."""
    total_bytes: int | None
    """``metadata.total_size``, None where it is not given."""

    @property
    def shards(self) -> tuple[str, ...]:
        """File names in the order of their first mention."""
        return tuple(dict.fromkeys(self.weight_map.values()))


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """All tensors of a model folder, by their headers."""

    folder: Path
    files: tuple[Path, ...]
    """One file, or all shards in index order."""
    tensors: Mapping[str, TensorEntry]


def read_config(folder: Path) -> dict[str, Json]:
    """The folder's config.json."""
    return read_json(inside(folder, "config.json"), max_bytes=_MAX_CONFIG_BYTES)


def holds_weights(folder: Path) -> bool:
    """True when the folder has safetensors weights, be they good or bad.

    Raises:
        ArtefactError: it has pickle files instead.
    """
    if any((folder / name).exists() or (folder / name).is_symlink() for name in (SINGLE_FILE, INDEX_FILE)):
        return True
    pickles = sorted(path.name for pattern in _PICKLES for path in folder.glob(pattern))
    if pickles:
        raise ArtefactError(
            f"{folder} has its weights as pickle ({pickles[0]}), which can run code when it is opened and is never "
            "loaded; convert it where you trust it, with transformers: "
            "AutoModelForCausalLM.from_pretrained(folder).save_pretrained(new_folder, safe_serialization=True)",
            path=folder / pickles[0],
            expected=f"{SINGLE_FILE} or {INDEX_FILE}",
        )
    return False


def weight_files(folder: Path) -> tuple[Path, ...]:
    """The weight files that the folder names: one, or all shards in index order; every one is there."""
    if not holds_weights(folder):
        raise ArtefactError(
            f"{folder} has no safetensors weights", path=folder, expected=f"{SINGLE_FILE} or {INDEX_FILE}"
        )
    if (folder / SINGLE_FILE).exists() or (folder / SINGLE_FILE).is_symlink():
        return (inside(folder, SINGLE_FILE),)
    index = read_index(folder)
    missing = [name for name in index.shards if not (folder / name).exists()]
    if missing:
        raise ArtefactError(
            f"{len(missing)} of {len(index.shards)} shards are missing",
            path=index.path,
            expected=", ".join(missing[:5]),
        )
    return tuple(inside(folder, name) for name in index.shards)


def read_index(folder: Path) -> ShardIndex:
    """Reads the shard index; its file names are plain names that end in ``.safetensors``."""
    path = inside(folder, INDEX_FILE)
    value = read_json(path, max_bytes=_MAX_INDEX_BYTES)
    weight_map = value.get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise ArtefactError("the index names no tensors", path=path, expected="weight_map: {tensor: file}")
    for tensor, name in weight_map.items():
        if not isinstance(name, str) or not _is_shard_name(name):
            raise ArtefactError(
                f"the index names no safe file for tensor {tensor[:80]!r}",
                path=path,
                expected="the plain name of a .safetensors file beside the index",
                found=repr(name)[:120],
            )
    metadata = value.get("metadata")
    total = metadata.get("total_size") if isinstance(metadata, dict) else None
    # Some writers give the size as a float.
    total_bytes = int(total) if isinstance(total, int | float) and 0 <= total < 1 << 63 else None
    return ShardIndex(path, {tensor: str(name) for tensor, name in weight_map.items()}, total_bytes)


def open_checkpoint(folder: Path) -> Checkpoint:
    """Reads all headers of a folder; shards and index must agree on every tensor.

    Raises:
        ArtefactError: a file is missing, broken, outside the folder, or not what the index says.
    """
    files = weight_files(folder)
    tensors: dict[str, TensorEntry] = {}
    for path in files:
        for name, entry in read_header(path).tensors.items():
            if name in tensors:
                raise ArtefactError(
                    f"tensor {name[:80]!r} is in two files", path=path, found=f"also in {tensors[name].file.name}"
                )
            tensors[name] = entry
    if files[0].name != SINGLE_FILE:
        _require_agreement(read_index(folder), tensors)
    return Checkpoint(folder, files, tensors)


def _require_agreement(index: ShardIndex, tensors: Mapping[str, TensorEntry]) -> None:
    for name, shard in index.weight_map.items():
        if name not in tensors or tensors[name].file.name != shard:
            found = tensors[name].file.name if name in tensors else "in no shard"
            raise ArtefactError(
                f"tensor {name[:80]!r} is not where it should be", path=index.path, expected=shard, found=found
            )
    extra = [name for name in tensors if name not in index.weight_map]
    if extra:
        raise ArtefactError(
            f"{len(extra)} tensors of the shards are not in the index", path=index.path, found=repr(extra[0])[:120]
        )
    total_bytes = sum(entry.stop - entry.start for entry in tensors.values())
    if index.total_bytes not in (None, total_bytes):
        raise ArtefactError(
            "metadata.total_size is not the sum of the tensors",
            path=index.path,
            expected=f"{total_bytes}",
            found=f"{index.total_bytes}",
        )


def inside(folder: Path, name: str) -> Path:
    """The path of a file of the folder, once it is sure that it does not lead out of it.

    Returns:
        ``folder / name`` itself, links unresolved, so that messages and shard names stay readable.

    Raises:
        ArtefactError: there is no such file, or a link leads elsewhere.
    """
    path = folder / name
    try:
        real = path.resolve(strict=True)
        root = _root(folder.resolve(strict=True))
    except (OSError, RuntimeError, ValueError) as exc:
        raise ArtefactError("is not there", path=path, expected=f"a file in {folder}") from exc
    if not real.is_relative_to(root):
        raise ArtefactError(
            "the link leads out of the model's folder", path=path, expected=f"below {root}", found=f"{real}"
        )
    if not real.is_file():
        raise ArtefactError("is no file", path=path)
    return path


def _root(folder: Path) -> Path:
    """The folder that links may not leave: the repository's, in the hub's cache."""
    repository = folder.parent.parent
    in_hub = folder.parent.name == "snapshots" and repository.name.startswith("models--")
    return repository if in_hub else folder


def _is_shard_name(name: str) -> bool:
    """True for a plain file name.

    >>> [_is_shard_name(name) for name in ("a-1.safetensors", "../a.safetensors", "/a.safetensors", "index.json")]
    [True, False, False, False]
    """
    plain = not any(mark in name for mark in "/\\:\0") and not name.startswith(".")
    return plain and name.endswith(".safetensors") and len(name) < 256
