"""What a diagnosis can say: the families of defects, and one finding with the numbers it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from pytest_aprqa.core import Json


class Family(StrEnum):
    """Kinds of defects that conversion and quantization are known for."""

    TRANSPOSED = "transposed"
    """A matrix was stored with rows and columns exchanged."""
    ROPE_LAYOUT = "rope_layout"
    """Query or key rows are in another rotary order than the engine's."""
    HEAD_COUNT = "head_count"
    """Heads, key-value heads or the width of a head are wrong."""
    NORM_OFFSET = "norm_offset"
    """One was added to or taken from norm weights."""
    DTYPE_MISREAD = "dtype_misread"
    """Bytes are of another type than their label says."""
    SCALE_ERROR = "scale_error"
    """A tensor or a block of it was multiplied by a factor."""
    TOKENIZER_MERGES = "tokenizer_merges"
    """Merges (or the splitting before them) are missing or differ."""
    TOKENIZER_VOCABULARY = "tokenizer_vocabulary"
    """Token strings, their ids or their types differ."""
    CHAT_TEMPLATE = "chat_template"
    TIED_HEAD = "tied_head"
    """The output head is tied where it should be stored, or the other way round."""
    LAYER_ORDER = "layer_order"
    """Whole layers stand in each other's place."""
    SWAPPED_TENSORS = "swapped_tensors"
    """Single tensors stand in each other's place."""
    MISSING_TENSOR = "missing_tensor"
    NOT_FINITE = "not_finite"
    ZEROED = "zeroed"
    ROPE_PARAMETERS = "rope_parameters"
    NORM_EPSILON = "norm_epsilon"
    CONFIG_MISMATCH = "config_mismatch"
    TOKEN_IDS_SHIFTED = "token_ids_shifted"  # noqa: S105 - ids of tokens, no password
    """Ids, or the rows of the embedding, are off by a constant."""
    CORRUPTED_BLOCK = "corrupted_block"
    """A small part of a tensor is not the reference's, or some byte of the file is not the one its checksum was of."""
    TRUNCATED_FILE = "truncated_file"
    UNKNOWN = "unknown"
    """There are symptoms that no rule explains."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One explanation of the symptoms."""

    family: Family
    confidence: float
    """0.0–1.0: how sure the rule is of its evidence; an order, not a probability."""
    sentence: str
    """What is probably wrong, with the numbers, no full stop."""
    numbers: Mapping[str, Json]
