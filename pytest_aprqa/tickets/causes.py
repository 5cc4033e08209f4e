"""The one table of causes: what may be wrong, in words, and what kind of ticket it makes. Pure.

A cause is named only on evidence of that cause; what nothing points to stays ``unknown``, and says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pytest_aprqa.parity import Family


class TicketCategory(StrEnum):
    """What kind of work a ticket is."""

    BUG = "bug"
    PERFORMANCE = "performance"
    CRASH = "crash"
    COMPATIBILITY = "compatibility"
    EDGE_CASE = "edge-case"
    REGRESSION = "regression"


@dataclass(frozen=True, slots=True)
class Cause:
    """One probable cause."""

    key: str
    """Of ``[a-z_]``; part of a ticket's key and a label."""
    title: str
    """A few words for a title."""
    hypothesis: str
    """What is supposed to be wrong, as a sentence that can be refuted."""


UNKNOWN: Final = "unknown"
WRONG_ANSWERS: Final = "wrong_answers"
NO_ANSWER: Final = "no_answer_in_time"
CRASH: Final = "engine_crash"
OUT_OF_MEMORY: Final = "out_of_memory"
MISSING_FILE: Final = "missing_file"
DEQUANTIZATION: Final = "dequantization"
UNSUPPORTED: Final = "unsupported"
SERVER_DOWN: Final = "server_down"
SERVER_REFUSES: Final = "server_refuses"
SERVER_BEHAVIOR: Final = "server_behavior"
STATE: Final = "state"
SPEED: Final = "speed"

_FAMILIES: Final = (
    Cause(Family.TRANSPOSED, "a matrix is transposed", "rows and columns of a matrix were exchanged in conversion"),
    Cause(
        Family.ROPE_LAYOUT,
        "rotary rows are in the wrong order",
        "the rows of query or key are in another rotary order than the engine's",
    ),
    Cause(
        Family.HEAD_COUNT,
        "the number of heads is wrong",
        "heads, key-value heads or the width of a head are not the original's",
    ),
    Cause(Family.NORM_OFFSET, "norms are off by one", "one was added to, or taken from, the weights of norms"),
    Cause(Family.DTYPE_MISREAD, "bytes are read as another type", "stored bytes are of another type than their label"),
    Cause(Family.SCALE_ERROR, "values are scaled", "a tensor, or a block of it, was multiplied by a factor"),
    Cause(Family.TOKENIZER_MERGES, "the tokenizer's merges differ", "merges, or the splitting before them, differ"),
    Cause(
        Family.TOKENIZER_VOCABULARY,
        "the tokenizer's vocabulary differs",
        "token strings, their ids, their types or the special tokens differ",
    ),
    Cause(Family.CHAT_TEMPLATE, "the chat template differs", "the chat template is missing or another one"),
    Cause(
        Family.TIED_HEAD,
        "the output head is wrongly tied or stored",
        "the head is tied where it should be stored, or stored where it should be tied",
    ),
    Cause(Family.LAYER_ORDER, "layers are exchanged", "whole layers stand in each other's place"),
    Cause(Family.SWAPPED_TENSORS, "tensors are exchanged", "single tensors stand in each other's place"),
    Cause(
        Family.MISSING_TENSOR,
        "a tensor is missing or has another name",
        "the names of the tensors are not those that the reader looks for",
    ),
    Cause(Family.NOT_FINITE, "values are NaN or infinite", "a stored or computed value is not a finite number"),
    Cause(Family.ZEROED, "a tensor is all zero", "the values of a tensor were lost"),
    Cause(
        Family.ROPE_PARAMETERS,
        "parameters of the rotary embedding differ",
        "base, type or scaling of the rotary embedding are not the original's",
    ),
    Cause(Family.NORM_EPSILON, "the epsilon of the norms differs", "the epsilon of the norms is not the original's"),
    Cause(
        Family.CONFIG_MISMATCH,
        "the configuration does not fit the tensors",
        "sizes or facts in the metadata are not those of the tensors or of the original",
    ),
    Cause(Family.TOKEN_IDS_SHIFTED, "token ids are shifted", "ids, or the embedding's rows, are off by a constant"),
    Cause(Family.CORRUPTED_BLOCK, "a part of the file is damaged", "a small part of a tensor or file was changed"),
    Cause(Family.TRUNCATED_FILE, "a file is truncated or malformed", "a weight file ends early or is not well formed"),
)

_OTHERS: Final = (
    Cause(CRASH, "the engine dies", "the engine's process dies on this input or while it loads this artefact"),
    Cause(
        OUT_OF_MEMORY,
        "memory runs out",
        "the engine needs more memory than it may have, or was killed from outside for it",
    ),
    Cause(NO_ANSWER, "no answer in time", "the engine hangs, or is too slow for the deadline"),
    Cause(MISSING_FILE, "a file is missing", "the model's folder or the converted artefact lacks a file"),
    Cause(DEQUANTIZATION, "dequantization fails", "the engine cannot turn the stored blocks back into numbers"),
    Cause(UNSUPPORTED, "the engine does not support it", "the engine knows no such architecture, type or operation"),
    Cause(SERVER_DOWN, "the server does not come up", "the server process does not get ready, so nothing is served"),
    Cause(
        SERVER_REFUSES,
        "the server refuses everything",
        "the server is up but answers no request as it should; the cause is before the model, not in it",
    ),
    Cause(
        SERVER_BEHAVIOR,
        "the server breaks the API's promise",
        "this engine's HTTP server departs from the API at this one point",
    ),
    Cause(STATE, "an answer depends on what came before", "cache, batch or seed leak into later answers"),
    Cause(SPEED, "it is too slow or too large", "speed or memory on this host is beyond what is asserted"),
    Cause(
        WRONG_ANSWERS,
        "answers are wrong or garbage",
        "the model answers otherwise than expected, and no comparison says why",
    ),
    Cause(UNKNOWN, "unknown cause", "nothing in the evidence points to a cause"),
)

CAUSES: Final = {str(cause.key): cause for cause in (*_FAMILIES, *_OTHERS)}
"""Every cause by its key; the families are those of the diagnosis of conversions."""

OF_TEXT: Final = frozenset(
    {Family.TOKENIZER_MERGES, Family.TOKENIZER_VOCABULARY, Family.CHAT_TEMPLATE, Family.TOKEN_IDS_SHIFTED}
)
"""Causes about text and ids; a target may have one of these beside one in its numbers."""
