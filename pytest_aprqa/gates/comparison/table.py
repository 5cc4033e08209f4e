"""The one table of comparisons, in the order in which they are made: cheap before dear, and what rests on what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pytest_aprqa.core import Format, Verdict
from pytest_aprqa.gates.check import Check, Kind
from pytest_aprqa.gates.comparison import (
    behavior,
    container,
    conversions,
    divergence,
    layers,
    metadata,
    names,
    payload,
    stored_types,
    template,
    tied,
    tokens,
    values,
)
from pytest_aprqa.gates.comparison.conversions import A, G, S
from pytest_aprqa.gates.comparison.pair import Pair
from pytest_aprqa.parity import Quantity, Role, Stat

_APR: Final = frozenset({Format.APR})
_GGUF: Final = frozenset({Format.GGUF})
_SAFETENSORS: Final = frozenset({Format.SAFETENSORS})
_CONVERTED: Final = _APR | _GGUF
_ALL: Final = _CONVERTED | _SAFETENSORS

_CONTAINER: Final = ("F-APR-FORMAT-003", "F-APR-FORMAT-002", "F-APR-FORMAT-001")
_SIZES: Final = (*_CONTAINER, "F-META-SIZE-001")
_SHAPES: Final = (*_CONTAINER, "F-CONTRACT-I2-001", "F-ROSETTA-DIFF-001", "F-ROSETTA-DIFF-002")
_SOUND: Final = (*_SHAPES, "F-META-SIZE-001", "F-META-HEADS-001", "F-ROSETTA-FP-001", "F-LAYOUT-002")
"""Without these the engines compute something else, and what they say tells nothing new."""
_SAME_FUNCTION: Final = (*_SOUND, "F-META-ROPE-001", "F-META-NORM-001", "F-META-TIED-001")
_LOGITS: Final = (*_SAME_FUNCTION, "F-LOGIT-NMSE-001")
_ANSWERS: Final = (*_LOGITS, "F-TOKEN-IDS-001", "F-TOKEN-BOS-001", "F-CHAT-TEMPLATE-001")

Judge = Callable[[Pair], Verdict]


def _files(gate_id: str, judge: Judge, *after: str, formats: frozenset[Format] = _CONVERTED) -> Check[Pair]:
    return Check(gate_id, Kind.CONTRACT, formats, judge, after, from_files=True)


def _contract(gate_id: str, judge: Judge, *after: str) -> Check[Pair]:
    """An invariant of the contract that takes engines to tell."""
    return Check(gate_id, Kind.CONTRACT, _CONVERTED, judge, after)


def _parity(gate_id: str, judge: Judge, *after: str, formats: frozenset[Format] = _CONVERTED) -> Check[Pair]:
    return Check(gate_id, Kind.PARITY, formats, judge, after)


def _conversion(gate_id: str, formats: frozenset[Format], judge: Judge) -> Check[Pair]:
    return Check(gate_id, Kind.CONVERSION, formats, judge, _SHAPES)


COMPARISONS: Final[tuple[Check[Pair], ...]] = (
    # The container, and what it says.
    _files(
        "F-APR-FORMAT-003",
        container.judge_container(container.REST, "header and checksums are right, as are the extents"),
        formats=_APR,
    ),
    _files(
        "F-APR-FORMAT-002",
        container.judge_container(container.ALIGNMENT, "sections and data start at multiples of 64 bytes,"),
        formats=_APR,
    ),
    _files("F-APR-FORMAT-001", container.judge_container(container.DTYPES, "dtype bytes are known,"), formats=_APR),
    _files("F-META-SIZE-001", metadata.judge_facts(metadata.SIZES), *_CONTAINER),
    _files("F-META-HEADS-001", metadata.judge_facts(metadata.HEADS), *_CONTAINER),
    _files("F-META-ROPE-001", metadata.judge_facts(metadata.ROPE), *_CONTAINER),
    _files("F-META-NORM-001", metadata.judge_facts(metadata.NORM), *_CONTAINER),
    _files("F-META-CONTEXT-001", metadata.judge_facts(metadata.CONTEXT), *_CONTAINER),
    # Names, shapes, types.
    _files("F-CONTRACT-I2-001", names.judge_names, *_CONTAINER),
    _files("F-CONTRACT-I3-001", stored_types.judge_types, *_CONTAINER),
    _files("F-ROSETTA-DIFF-001", names.judge_reversed, *_SIZES),
    _files("F-ROSETTA-DIFF-002", names.judge_shapes, *_SIZES),
    # Values.
    _files("F-META-TIED-001", tied.judge_tied, *_SHAPES),
    _files("F-ROSETTA-FP-001", values.judge_finite, *_SHAPES),
    _files("F-ROSETTA-STATS-004", values.judge_coverage, *_SHAPES),
    _files("F-LAYOUT-002", values.judge_layout, *_SHAPES),
    _files("F-ROSETTA-FP-002", values.judge_lossless, *_SHAPES),
    _files("F-QUANT-ERROR-001", values.judge_error, *_SHAPES),
    _files("F-QUANT-COSINE-001", values.judge_cosine, *_SHAPES),
    _files("F-ROSETTA-FP-003", values.judge_statistics, *_SHAPES),
    _files("F-CONTRACT-I4-001", values.judge_survival, *_SHAPES),
    _files("F-ROSETTA-STATS-001", values.judge_role(Role.NORM), *_SHAPES),
    _files("F-ROSETTA-STATS-002", values.judge_role(Role.EMBEDDING), *_SHAPES),
    _files("F-ROSETTA-STATS-003", values.judge_role(Role.ATTENTION), *_SHAPES),
    _files("F-ROSETTA-STATS-005", values.judge_norm(Stat.MEAN), *_SHAPES),
    _files("F-ROSETTA-STATS-006", values.judge_norm(Stat.STD), *_SHAPES),
    # Text and ids.
    _parity("F-TOKEN-SPECIAL-001", tokens.judge_specials, *_CONTAINER),
    _parity("F-TOKEN-IDS-001", tokens.judge_ids, *_CONTAINER),
    _parity("F-TOKEN-BYTES-001", tokens.judge_bytes, *_CONTAINER),
    _parity("F-TOKEN-BOS-001", tokens.judge_bos, *_CONTAINER),
    _contract("F-CONTRACT-I5-001", tokens.judge_round_trip, *_CONTAINER),
    _parity("F-SEC-INJECT-001", tokens.judge_injection, *_CONTAINER),
    _parity("F-CHAT-TEMPLATE-001", template.judge_template, *_CONTAINER),
    # Logits and what is chosen from them.
    _parity("F-LOGIT-NMSE-001", divergence.judge_short, *_SAME_FUNCTION),
    _parity("F-LOGIT-LONG-001", divergence.judge_long, *_LOGITS, "F-META-CONTEXT-001"),
    _parity("F-ROSETTA-INF-003", behavior.judge_padding, *_SOUND),
    _parity("F-ROSETTA-INF-001", behavior.judge_greedy, *_LOGITS),
    _contract("F-CONTRACT-I1-001", behavior.judge_answers, *_ANSWERS),
    _parity("F-ROSETTA-INF-002", divergence.judge_everywhere, *_LOGITS),
    _parity(
        "F-KL-MEAN-001",
        divergence.judge_text("mean KL divergence", Quantity.KL_MEAN, lambda found: found.kl_mean),
        *_LOGITS,
    ),
    _parity(
        "F-KL-TAIL-001",
        divergence.judge_text("99th percentile of the KL divergence", Quantity.KL_P99, lambda found: found.kl_p99),
        *_LOGITS,
    ),
    _parity(
        "F-KL-MAX-001",
        divergence.judge_text("largest KL divergence", Quantity.KL_MAX, lambda found: found.kl_max),
        *_LOGITS,
    ),
    _parity(
        "F-TOP1-001",
        divergence.judge_text("agreement on the likeliest token", Quantity.TOP1, lambda found: found.top1),
        *_LOGITS,
    ),
    _parity(
        "F-TOPK-001",
        divergence.judge_text("overlap of the ten likeliest tokens", Quantity.TOPK, lambda found: found.topk),
        *_LOGITS,
    ),
    _parity("F-PPL-001", divergence.judge_perplexity, *_LOGITS),
    # Layers.
    _parity("F-TRACE-PAYLOAD-001", payload.judge_finite, *_SHAPES, formats=_ALL),
    _parity("F-TRACE-DEAD-001", payload.judge_alive, *_SHAPES, "F-TRACE-PAYLOAD-001", formats=_ALL),
    _parity("F-TRACE-006", payload.judge_explosion, *_SHAPES, "F-TRACE-PAYLOAD-001", formats=_ALL),
    _parity("F-TRACE-PAYLOAD-003", payload.judge_range, *_SHAPES, "F-TRACE-PAYLOAD-001"),
    _parity("F-TRACE-PAYLOAD-002", payload.judge_text, *_SHAPES, "F-TRACE-PAYLOAD-001", formats=_ALL),
    _parity("F-TRACE-DIFF-001", layers.judge_direction, *_SHAPES, "F-TRACE-PAYLOAD-001"),
    # Further conversions.
    _conversion("F-CONV-S-A", _APR, conversions.judge_from_truth(A)),
    _conversion("F-CONV-S-G", _GGUF, conversions.judge_from_truth(G)),
    _conversion("F-CONV-A-S", _APR, conversions.judge_direct((A, S))),
    _conversion("F-CONV-A-G", _APR, conversions.judge_direct((A, G))),
    _conversion("F-CONV-G-S", _GGUF, conversions.judge_direct((G, S))),
    _conversion("F-CONV-G-A", _GGUF, conversions.judge_direct((G, A))),
    _conversion("F-CONV-RT-001", _GGUF, conversions.judge_chain((G, A, S, G))),
    _conversion("F-CONV-RT-002", _SAFETENSORS, conversions.judge_chain((S, A, G, S))),
    _conversion("F-CONV-RT-003", _SAFETENSORS, conversions.judge_chain((S, A, G, A, S))),
    _conversion("F-CONV-RT-004", _SAFETENSORS, conversions.judge_agreement((S, A), (S, A, G, A))),
    _conversion("F-CONV-RT-BYTE-001", _ALL, conversions.judge_bytes),
    _conversion("F-CONV-IDEM-001", _ALL, conversions.judge_idempotency),
    _conversion("F-CONV-COM-001", _GGUF, conversions.judge_agreement((G, A), (G, S, A))),
)
"""Every comparison, once; a later one may rest on earlier ones only."""
