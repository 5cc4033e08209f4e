"""The JSON manifest of an APR model in several files: which shards there are, and whether they are what it says.

Every shard is an APR file of its own, with the flag SHARDED and metadata ``sharding``. File names are plain names
beside the manifest. Knows nothing of what is inside an APR file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_aprqa.core import ArtefactError, Json
from pytest_aprqa.formats.apr_layout import AprFile, AprFlag, AprPart, AprProblem, shown
from pytest_aprqa.formats.bounded_json import read_json
from pytest_aprqa.formats.folder import inside

MANIFEST_VERSION: Final = "2.0"

_MAX_MANIFEST_BYTES: Final = 64 << 20
_MAX_SHARDS: Final = 10_000
_OF_ONE_FILE: Final = frozenset({"sharding", "total_size", "param_count", "tensor_shapes", "created_at"})
"""Metadata that may speak of one shard alone; all other keys must agree."""


@dataclass(frozen=True, slots=True)
class ManifestShard:
    """One entry of ``shards``."""

    path: Path
    shard_bytes: int
    tensors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the manifest says."""

    path: Path
    shards: tuple[ManifestShard, ...]
    """By index."""
    total_bytes: int
    """``total_size``."""


def is_manifest(path: Path) -> bool:
    """True for a JSON object by its first byte that is no white space."""
    with path.open("rb") as stream:
        return stream.read(64).lstrip().startswith(b"{")


def read_manifest(path: Path) -> Manifest:
    """Reads a manifest; every shard is a file beside it, every tensor is in one shard.

    Raises:
        ArtefactError: it is malformed, contradicts itself, or names a file that is not there or lies elsewhere.
    """
    value = read_json(path, max_bytes=_MAX_MANIFEST_BYTES)
    if value.get("version") != MANIFEST_VERSION:
        raise ArtefactError(
            "the shard manifest's version",
            path=path,
            expected=repr(MANIFEST_VERSION),
            found=repr(value.get("version"))[:80],
        )
    listed = value.get("shards")
    if not isinstance(listed, list) or not 0 < len(listed) <= _MAX_SHARDS:
        raise ArtefactError("the manifest names no shards", path=path, expected=f"shards: a list of 1 to {_MAX_SHARDS}")
    shards = tuple(_shard(raw, place, path) for place, raw in enumerate(listed))
    manifest = Manifest(path, shards, sum(shard.shard_bytes for shard in shards))
    _require_own_agreement(value, manifest)
    return manifest


def shard_problems(manifest: Manifest, place: int, shard: AprFile) -> Iterator[AprProblem]:
    """Where a shard is not what its manifest says."""
    listed = manifest.shards[place]

    def problem(message: str) -> AprProblem:
        return AprProblem(AprPart.INDEX, message, None, shard.path)

    if not shard.flags & AprFlag.SHARDED:
        yield problem(f"the shard does not have the flag SHARDED ({AprFlag.SHARDED:#x})")
    said = shard.metadata.get("sharding")
    own = said if isinstance(said, dict) else {}
    wanted = {"shard_count": len(manifest.shards), "shard_index": place, "total_size": manifest.total_bytes}
    for key, expected in wanted.items():
        if own.get(key) != expected:
            yield problem(f"the shard's metadata sharding.{key}; expected {expected}; found {own.get(key)!r:.80}")
    differing = set(listed.tensors) ^ set(shard.tensors)
    if differing:
        yield problem(f"the shard does not hold the tensors that the manifest lists, such as {shown(min(differing))}")
    tensor_bytes = sum(entry.stop - entry.start for entry in shard.tensors.values())
    file_bytes = shard.path.stat().st_size
    # The format does not say whether headers and padding count.
    if listed.shard_bytes not in (file_bytes, tensor_bytes):
        yield problem(f"the shard's size; expected {listed.shard_bytes} bytes by the manifest; found {file_bytes}")


def metadata_problems(first: AprFile, shard: AprFile) -> Iterator[AprProblem]:
    """Where the metadata of two shards contradict each other."""
    for key in sorted(shard.metadata.keys() & first.metadata.keys() - _OF_ONE_FILE):
        if shard.metadata[key] != first.metadata[key]:
            yield AprProblem(
                AprPart.METADATA, f"metadata {shown(key)} is not the same in {first.path.name}", None, shard.path
            )


def _shard(raw: Json, place: int, path: Path) -> ManifestShard:
    problem = f"shard {place} of the manifest"
    if not isinstance(raw, dict):
        raise ArtefactError(problem, path=path, expected="{filename, index, size, tensors}", found=repr(raw)[:80])
    name, tensors, shard_bytes = raw.get("filename"), raw.get("tensors"), raw.get("size")
    if not isinstance(name, str) or not _is_shard_name(name):
        raise ArtefactError(
            f"{problem}: no safe file name",
            path=path,
            expected="the plain name of an .apr file beside the manifest",
            found=repr(name)[:120],
        )
    if raw.get("index") != place or isinstance(raw.get("index"), bool):
        raise ArtefactError(f"{problem}: index", path=path, expected=f"{place}", found=repr(raw.get("index"))[:80])
    if not isinstance(shard_bytes, int) or isinstance(shard_bytes, bool) or shard_bytes < 0:
        raise ArtefactError(f"{problem}: size", path=path, expected="bytes", found=repr(shard_bytes)[:80])
    if not isinstance(tensors, list) or not all(isinstance(tensor, str) for tensor in tensors):
        raise ArtefactError(f"{problem}: tensors", path=path, expected="a list of names", found=repr(tensors)[:80])
    return ManifestShard(inside(path.parent, name), shard_bytes, tuple(str(tensor) for tensor in tensors))


def _require_own_agreement(value: Mapping[str, Json], manifest: Manifest) -> None:
    path = manifest.path
    names = [shard.path.name for shard in manifest.shards]
    if len(set(names)) != len(names):
        raise ArtefactError("the manifest names a shard twice", path=path, found=", ".join(names)[:200])
    places = {tensor: place for place, shard in enumerate(manifest.shards) for tensor in shard.tensors}
    listed = sum(len(shard.tensors) for shard in manifest.shards)
    if listed != len(places):
        raise ArtefactError("the manifest lists a tensor in two shards", path=path)
    wanted = {"shard_count": len(names), "tensor_count": listed, "total_size": manifest.total_bytes}
    for key, expected in wanted.items():
        if value.get(key) != expected:
            raise ArtefactError(
                f"the manifest's {key}", path=path, expected=f"{expected}", found=f"{value.get(key)!r:.80}"
            )
    if value.get("weight_map") != places:
        raise ArtefactError("the manifest's weight_map and its shards' tensors disagree", path=path)


def _is_shard_name(name: str) -> bool:
    """True for a plain file name.

    >>> [_is_shard_name(name) for name in ("a-1.apr", "../a.apr", "/a.apr", "a.json")]
    [True, False, False, False]
    """
    plain = not any(mark in name for mark in "/\\:\0") and not name.startswith(".")
    return plain and name.endswith(".apr") and len(name) < 256
