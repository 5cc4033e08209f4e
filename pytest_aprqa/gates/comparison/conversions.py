"""Judges of conversions and of chains of them: which way, from what, and what must come out the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pytest_aprqa.conversion import ModelView
from pytest_aprqa.core import Format, Quantization, Verdict, corroborated, falsified
from pytest_aprqa.gates.comparison.chains import Chain, Change, chained, change, converted
from pytest_aprqa.gates.comparison.pair import Pair
from pytest_aprqa.gates.structure import excerpt

S, A, G = Format.SAFETENSORS, Format.APR, Format.GGUF

_PLAIN: Final = (Quantization.F32, Quantization.F16, Quantization.BF16)
_OTHER: Final = {S: A, A: G, G: A}
"""Where a file goes when the gate leaves the choice."""


def judge_from_truth(format: Format) -> Callable[[Pair], Verdict]:
    """F-CONV-S-A, F-CONV-S-G: the ground truth in the artefact's format and quantization."""

    def judge(pair: Pair) -> Verdict:
        # APR takes blocks over from a GGUF file, and quantizes nothing itself.
        wanted = pair.quantization if format is G or pair.quantization in _PLAIN else None
        made = chained(pair, pair.reference.path, (S, format), quantization=wanted)
        return _verdict(change(pair, pair.reference, made), f"safetensors to {format}")

    return judge


def judge_direct(chain: Chain) -> Callable[[Pair], Verdict]:
    """F-CONV-A-S and its like: the artefact in another format."""

    def judge(pair: Pair) -> Verdict:
        return _verdict(change(pair, pair.artefact, chained(pair, pair.path, chain)), _words(chain))

    return judge


def judge_chain(chain: Chain) -> Callable[[Pair], Verdict]:
    """F-CONV-RT-001 to 003: the end of the chain is its beginning."""
    return judge_direct(chain)


def judge_agreement(one: Chain, other: Chain) -> Callable[[Pair], Verdict]:
    """F-CONV-RT-004, F-CONV-COM-001: two ways from the same file end alike."""

    def judge(pair: Pair) -> Verdict:
        first: ModelView = chained(pair, pair.path, one)
        return _verdict(change(pair, first, chained(pair, pair.path, other)), f"{_words(one)} against {_words(other)}")

    return judge


def judge_idempotency(pair: Pair) -> Verdict:
    """F-CONV-IDEM-001: the same conversion twice."""
    chain = (pair.format, _OTHER[pair.format])
    first, second = (converted(pair, pair.path, chain, again=again) for again in (0, 1))
    return _same_bytes(first.digest, second.digest, f"{_words(chain)} done twice")


def judge_bytes(pair: Pair) -> Verdict:
    """F-CONV-RT-BYTE-001: once around and twice around.

    The first way around replaces another writer's metadata and order by ours, so it is the second that must change
    nothing.
    """
    around = (pair.format, _OTHER[pair.format], pair.format)
    once_around, twice = converted(pair, pair.path, around), converted(pair, pair.path, (*around, *around[1:]))
    return _same_bytes(once_around.digest, twice.digest, f"{_words(around)} once and twice")


def _same_bytes(one: str, other: str, words: str) -> Verdict:
    if one != other:
        return falsified(f"{words} gives other bytes: SHA-256 {one[:12]}... and {other[:12]}...", digests=[one, other])
    return corroborated(f"{words} gives the same bytes, SHA-256 {one[:12]}...", compared=1, digests=[one, other])


def _verdict(found: Change, words: str) -> Verdict:
    problems = [
        *([f"{len(found.lost)} tensors are lost, such as {found.lost[0]}"] if found.lost else []),
        *([f"{len(found.misshapen)} have another shape, such as {found.misshapen[0]}"] if found.misshapen else []),
        *([f"{len(found.changed)} have other values: {found.changed[0]}"] if found.changed else []),
    ]
    if problems:
        return falsified(
            f"{words}: {'; '.join(problems)}",
            compared=max(found.compared, 1),
            lost=excerpt([*found.lost]),
            misshapen=excerpt([*found.misshapen]),
            changed=excerpt([*found.changed]),
        )
    note = f"within the limits of their types, largest {found.worst.sentence}" if found.worst else "exactly the same"
    return corroborated(f"{words}: {found.compared} tensors are {note}", compared=found.compared)


def _words(chain: Chain) -> str:
    return " to ".join(chain)
