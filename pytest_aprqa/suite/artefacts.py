"""Which files a target is tested with: the ground truth, the user's own artefact, or one made from the ground truth.

A user's file is read and never written; what has to be made goes into a cache of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pytest_aprqa.conversion import CONVERTER, convert_cached
from pytest_aprqa.core import Format, Target, Weights, WeightsUnavailable
from pytest_aprqa.playbook import GroundTruth, Playbook, users_file
from pytest_aprqa.weights import (
    Search,
    Wanted,
    compare_signature,
    digest_files,
    digest_memory,
    digested,
    resolve,
    told_origin,
)


def conversion_cache(environment: Mapping[str, str]) -> Path:
    """The folder of the user's cache that holds converted models."""
    return digest_memory(environment).parent / "conversions"


def ground_truth(playbook: Playbook, search: Search, cache: Path) -> Weights:
    """The safetensors weights that everything else of a playbook is compared with.

    Raises:
        WeightsUnavailable: they are not on this machine.
        ArtefactError: they are here and broken, or the file they are to be made of is.
    """
    model, memory = playbook.model, digest_memory(search.environment)
    if model.ground_truth is GroundTruth.DEQUANTIZED:
        source = _present(model.files.gguf or model.files.apr, playbook)
        made_from = digest_files([source], memory=memory)
        made = convert_cached(source, made_from, format=Format.SAFETENSORS, quantization=None, cache=cache)
        files = tuple(sorted(made.path.glob("*.safetensors")))
        by = f"{made.made_by} ({source.name})"
        return digested(Weights(made.path, files, by, converter=CONVERTER, made_from=made_from), memory=memory)
    named = {it: path for it in Format if (path := getattr(model.files, it)) is not None}
    found = resolve(Wanted(model.hf_repo, model.revision, model.local_path, named), search)
    if origin := told_origin(found.folder):
        found = replace(found, source=f"{found.source}; {origin}")
    return _with_signature(digested(found, memory=memory))


def artefact(playbook: Playbook, target: Target, truth: Weights | None, search: Search, cache: Path) -> Weights:
    """The file of a target whose format is not the ground truth's.

    Args:
        playbook: names the user's own files.
        target: what is to be tested.
        truth: what it is made from where the user has no file; None where that is not here.
        search: gives the environment.
        cache: where converted models lie.

    Raises:
        WeightsUnavailable: the user's file, or the ground truth, is not there.
        ArtefactError: the ground truth cannot be converted.
    """
    memory = digest_memory(search.environment)
    if (own := users_file(playbook.model, target)) is not None:
        file = _present(own, playbook)
        source = f"playbook model.files.{target.format}"
        return _with_signature(Weights(file.parent, (file,), source, digests=digest_files([file], memory=memory)))
    assert truth is not None
    made = convert_cached(
        truth.folder, truth.digests, format=target.format, quantization=target.quantization, cache=cache
    )
    return Weights(
        made.path.parent,
        (made.path,),
        made.made_by,
        truth.revision,
        digests=digest_files([made.path], memory=memory),
        converter=CONVERTER,
        made_from=dict(truth.digests),
    )


def _with_signature(weights: Weights) -> Weights:
    """The same weights with what a model signature beside them says."""
    return replace(weights, signature=compare_signature(weights.folder, weights.digests))


def _present(file: Path | None, playbook: Playbook) -> Path:
    if file is None or not file.is_file():
        raise WeightsUnavailable(
            playbook.model.hf_repo,
            searched=[f"{file} (playbook model.files): does not exist"],
            ways=["correct model.files in the playbook, or remove it to have the file made from the ground truth"],
        )
    return file
