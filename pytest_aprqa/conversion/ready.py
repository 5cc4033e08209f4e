"""Whether a model can be written in another format at all: asked once, before anything is written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pytest_aprqa.conversion.families import Family, family_of_type
from pytest_aprqa.conversion.names import EMBEDDING, HEAD
from pytest_aprqa.conversion.tokens import BYTE_LEVEL, SENTENCEPIECE, TokenizerFacts
from pytest_aprqa.conversion.view import ModelView, TensorView
from pytest_aprqa.core import ArtefactError

_RECOMPUTED: Final = (".rotary_emb.inv_freq", ".attention.masked_bias", ".attention.bias")
"""Ends of names that old checkpoints hold and that follow from the configuration."""


def require_family(view: ModelView) -> Family:
    """The family, of a model whose every tensor has a place in the other format.

    Raises:
        ArtefactError: an unknown architecture, a tensor that is not the architecture's, or no embedding or head.
    """
    family = view.family or family_of_type(view.config.get("model_type"), path=view.path)
    strangers = [name for name in view.foreign if not name.endswith(_RECOMPUTED)]
    if strangers:
        raise ArtefactError(
            f"{len(strangers)} tensors are none of {family.model_type}, and would be lost",
            path=view.path,
            expected="only tensors of the architecture",
            found=", ".join(strangers[:3])[:200],
        )
    if EMBEDDING not in view.tensors or not view.tensors[EMBEDDING].shape:
        raise ArtefactError("the embedding is missing", path=view.path, expected=EMBEDDING)
    if not view.tied and HEAD not in view.tensors:
        raise ArtefactError("the head is missing, and tie_word_embeddings is false", path=view.path, expected=HEAD)
    if not view.tied and family.always_tied:
        raise ArtefactError(
            f"the head is not tied to the embedding; llama.cpp's {family.architecture} has no other",
            path=view.path,
            expected="tie_word_embeddings: true",
        )
    return family


def require_tokenizer(view: ModelView) -> TokenizerFacts:
    """The tokenizer, of a kind that can be written.

    Raises:
        ArtefactError: there is none, or it is of another kind.
    """
    facts = view.tokenizer
    if facts is None:
        raise ArtefactError(
            "the model has no tokenizer that can be converted",
            path=view.path,
            expected="tokenizer.json, which AutoTokenizer.from_pretrained(...).save_pretrained(folder) writes",
        )
    if facts.unwritable or facts.model not in (BYTE_LEVEL, SENTENCEPIECE):
        why = facts.unwritable or f"it is of kind {facts.model!r}"
        raise ArtefactError("the tokenizer cannot be converted", path=view.path, found=why)
    return facts


def body(view: ModelView) -> Iterator[TensorView]:
    """The tensors in the order of computation; a head only where it is not the embedding."""
    rest = sorted((name for name in view.tensors if name not in (EMBEDDING, HEAD)), key=_place)
    yield view.tensors[EMBEDDING]
    for name in rest:
        yield view.tensors[name]
    if HEAD in view.tensors and not view.tied:
        yield view.tensors[HEAD]


def _place(name: str) -> tuple[int, str]:
    """By layer; what belongs to none comes last."""
    parts = name.split(".")
    return (int(parts[2]) if parts[1] == "layers" else 1 << 30, name)


def source_name(path: Path) -> str:
    """A short name of a source, for messages."""
    return path.name or str(path)
