"""F-META-TIED-001: is the output head tied to the embedding, or stored, as in the ground truth?"""

from __future__ import annotations

from pytest_aprqa.core import Verdict, corroborated, falsified
from pytest_aprqa.gates.comparison.measures import limit_of, measure
from pytest_aprqa.gates.comparison.pair import EMBEDDING, HEAD, Pair
from pytest_aprqa.parity import Quantity, compare_tensors


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
    error = compare_tensors(embedding.values(), head.values())
    one = measure("normalized error", error.nmse, limit_of(head.entry.dtype, Quantity.TENSOR_NMSE, pair.limits))
    verdict = corroborated if one.holds else falsified
    return verdict(
        f"the tied head is stored as {head.entry.dtype}; against the embedding it has {one.sentence}",
        compared=error.values,
        **one.details,
    )
