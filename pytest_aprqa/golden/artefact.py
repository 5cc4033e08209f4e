"""A path as something that can be compared: its format, the type it is stored in, and what an engine needs to load it.

Reads headers only; an engine says whether the rest can be loaded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pytest_aprqa.core import ArtefactError, Backend, Format, Quantization, Target, Weights
from pytest_aprqa.formats import TensorEntry, file_type, open_checkpoint, read_apr, read_gguf, weight_files
from pytest_aprqa.golden.corpus import GoldenCorpus
from pytest_aprqa.parity import words
from pytest_aprqa.weights import digest_files


@dataclass(frozen=True, slots=True)
class Artefact:
    """A model in some format."""

    target: Target
    weights: Weights
    word: str
    """Stored type whose limits apply."""


def artefact_of(path: Path, corpus: GoldenCorpus, *, quantization: str | None = None) -> Artefact:
    """What lies at a path: a ``.gguf`` file, an ``.apr`` file or its manifest, or a Hugging Face folder.

    Args:
        path: the file or folder.
        corpus: what it is to be compared with. A folder with the very weights that were recorded is judged as float32,
            in which both engines then compute.
        quantization: what it is; None takes it from the file.

    Raises:
        ArtefactError: there is no such thing there, or its header is broken.
    """
    if path.is_dir():
        format, files, stored = Format.SAFETENSORS, weight_files(path), _commonest(open_checkpoint(path).tensors, path)
    elif path.suffix == ".gguf":
        format, files, stored = Format.GGUF, (path,), _of_gguf(path)
    elif path.name.endswith((".apr", ".apr.json")):
        format, files, stored = Format.APR, (path,), _commonest(read_apr(path).tensors, path)
    else:
        problem = "cannot be compared" if path.exists() else "is not there"
        raise ArtefactError(problem, path=path, expected="a .gguf file, an .apr file or a folder of Hugging Face")
    weights = Weights(path if path.is_dir() else path.parent, files, "given by its path")
    word = (quantization or ("f32" if _was_recorded(weights, corpus) else stored)).lower()
    target = Target(corpus.provenance.model, format, _quantization(word, format), Backend.CPU)
    return Artefact(target, weights, word)


def _was_recorded(weights: Weights, corpus: GoldenCorpus) -> bool:
    recorded = corpus.provenance.digests
    if not all(file.name in recorded for file in weights.files):
        return False
    return all(recorded[name] == digest for name, digest in digest_files(weights.files).items())


def _of_gguf(path: Path) -> str:
    """The mix that the file says it is, where it has limits, else the type that most values are stored in."""
    file = read_gguf(path)
    said = file_type(file.fields.get("general.file_type"))
    return said if said is not None and said.upper() in words() else _commonest(file.tensors, path)


def _commonest(tensors: Mapping[str, TensorEntry], path: Path) -> str:
    """The type that most values are stored in."""
    values: Counter[str] = Counter()
    for entry in tensors.values():
        values[entry.dtype] += entry.values
    if not values:
        raise ArtefactError("holds no tensor", path=path)
    return values.most_common(1)[0][0]


def _quantization(word: str, format: Format) -> Quantization | None:
    known = word in tuple(Quantization) and format is not Format.SAFETENSORS
    return Quantization(word) if known else None
