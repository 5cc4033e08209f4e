"""F-META-TIED-001: is the output head tied to the embedding, or stored, as in the ground truth?"""

from __future__ import annotations

from typing import Final

from pytest_aprqa.core import Verdict, corroborated, falsified
from pytest_aprqa.gates.comparison.measures import Measure, limit_of, measure
from pytest_aprqa.gates.comparison.pair import EMBEDDING, HEAD, Pair
from pytest_aprqa.gates.measured import Unjudgeable, once
from pytest_aprqa.parity import Quantity, TensorError, compare_tensors

TIED_COPY: Final = "tied_copy"
"""Where a pair remembers the comparison of the stored head with the embedding that it is tied to."""


def judge_tied(pair: Pair) -> Verdict:
    """A tied head may be left out, or stored as a copy; one of its own must be there."""
    declared, stored = pair.artefact.config.get("tie_word_embeddings"), HEAD in pair.artefact.tensors
    if not pair.tied:
        if not stored:
            return falsified("the ground truth has an output head of its own, the file has none")
        if declared is True:
            return falsified("the ground truth has an output head of its own, the file says that it is tied")
        return corroborated("the output head is stored, and not tied", compared=1)
    if not stored:
        if declared is False:
            return falsified("the file says that the output head is not tied, and stores none")
        return corroborated("the output head is tied to the embedding", compared=1)
    return _judge_copy(pair)


def _judge_copy(pair: Pair) -> Verdict:
    head = pair.artefact.tensors[HEAD]
    if EMBEDDING not in pair.reference.tensors:
        return falsified(f"the ground truth's head is tied, the file stores {HEAD} of its own")
    embedding = pair.reference.tensors[EMBEDDING]
    if head.shape != embedding.shape:
        return falsified(f"{HEAD} is {list(head.shape)}, the embedding it is tied to {list(embedding.shape)}")
    error = once(pair.memory, TIED_COPY, lambda: compare_tensors(embedding.values(), head.values()))
    one = _measure(pair, error)
    verdict = corroborated if one.holds else falsified
    return verdict(
        f"the tied head is stored as {head.entry.dtype}; against the embedding it has {one.sentence}",
        compared=error.values,
        **one.details,
    )


def wrong_copy(pair: Pair) -> float | None:
    """The error of a stored copy of the tied head that is beyond its limit; None where it was not compared, too."""
    error = pair.memory.get(TIED_COPY)
    if not isinstance(error, TensorError):
        return None
    try:
        return None if _measure(pair, error).holds else error.nmse
    except Unjudgeable:  # the copy's type has no limit
        return None


def _measure(pair: Pair, error: TensorError) -> Measure:
    dtype = pair.artefact.tensors[HEAD].entry.dtype
    return measure("normalized error", error.nmse, limit_of(dtype, Quantity.TENSOR_NMSE, pair.limits))
