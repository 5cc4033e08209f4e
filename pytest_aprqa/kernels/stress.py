"""Which kind of scenario puts an operation under stress, and why: one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pytest_aprqa.kernels.operation import Operation


class Topic(StrEnum):
    """Categories of scenarios, the most telling first."""

    ARITHMETIC = "arithmetic"
    FACTS = "facts"
    RECALL = "recall"
    CODE = "code"
    JSON = "json"
    LANGUAGES = "languages"
    CARRY = "carry"
    POSITION = "position"
    WINDOW = "window"


EVERY: Final = (Topic.ARITHMETIC, Topic.FACTS, Topic.RECALL, Topic.CODE, Topic.JSON, Topic.LANGUAGES)
"""Asked of every model, whatever it is made of."""


@dataclass(frozen=True, slots=True)
class Stress:
    """One reason to ask one kind of question."""

    topic: Topic
    operation: str
    why: str


_Reasons = tuple[tuple[Topic, str], ...]
_CARRY: Final = "a lost or doubled addend shows first where one digit carries into the next"
_SHARED_KEYS: Final = "heads share keys and values: a wrong group or a stale cache loses what was said turns ago"
_ORDER: Final = "a wrong angle or a swapped pair of dimensions keeps words and loses their order"
_BLOCKS: Final = "every weight is rounded: an exact number is the first answer to tip over"
_ROUTER: Final = "another expert takes each kind of text; one that is misplaced harms its kind alone"

_TABLE: Final[Mapping[str, _Reasons]] = {
    "multi_head_attention": ((Topic.RECALL, "every head has keys of its own, all of which the cache must keep"),),
    "grouped_query_attention": ((Topic.RECALL, _SHARED_KEYS),),
    "multi_query_attention": ((Topic.RECALL, _SHARED_KEYS),),
    "multi_head_latent_attention": (
        (Topic.RECALL, "keys and values are kept compressed: what decompresses wrongly is remembered wrongly"),
    ),
    "state_space": ((Topic.RECALL, "the past is a state of fixed size, which batching and resuming can lose"),),
    "linear_attention": ((Topic.RECALL, "the past is a state of fixed size, which batching and resuming can lose"),),
    "short_convolution": ((Topic.POSITION, "each token mixes with the few before it, whose order counts"),),
    "hybrid_layers": ((Topic.RECALL, "two kinds of memory have to agree on what was said"),),
    "sliding_window_attention": (
        (Topic.WINDOW, "beyond the window the oldest keys are dropped or overwritten; an off-by-one shows only there"),
        (Topic.RECALL, "only the layers without a window remember what was said long ago"),
    ),
    "qk_norm": ((Topic.POSITION, "queries and keys are normed before they are rotated; the order of the two counts"),),
    "rope": ((Topic.POSITION, _ORDER),),
    "rope_linear": ((Topic.POSITION, _ORDER),),
    "rope_dynamic": ((Topic.POSITION, _ORDER),),
    "rope_yarn": ((Topic.POSITION, _ORDER),),
    "rope_llama3": ((Topic.POSITION, _ORDER),),
    "rope_longrope": ((Topic.POSITION, "short and long contexts use different factors, and engines choose"),),
    "rope_scaled": ((Topic.POSITION, _ORDER),),
    "rope_proportional": ((Topic.POSITION, _ORDER),),
    "rope_partial": ((Topic.POSITION, "only some dimensions rotate; rotating all of them keeps words, not order"),),
    "rope_multimodal": ((Topic.POSITION, "text has to use the same position in all three sections"),),
    "rope_by_layer": ((Topic.POSITION, "two bases of rotation, by kind of layer; one for all drifts slowly"),),
    "no_position_in_some_layers": ((Topic.POSITION, "rotating a layer that must not be"),),
    "alibi": ((Topic.POSITION, "a slope for each head tells distance; one that is off blurs order"),),
    "absolute_position": ((Topic.POSITION, "each place has a learned vector; an offset of one moves all of them"),),
    "no_position": ((Topic.POSITION, "order is known only from what the state went through"),),
    "post_norm": ((Topic.FACTS, "norms stand after their blocks; as before them, the model still speaks, and errs"),),
    "sandwich_norm": ((Topic.FACTS, "norms stand on both sides of each block; leaving out one leaves fluent text"),),
    "layer_norm": ((Topic.FACTS, "the mean is subtracted and a bias added; as RMS norm the model drifts"),),
    "relu_squared": ((Topic.CODE, "squares grow fast, and half precision overflows on rare tokens such as code's"),),
    "ge_glu": ((Topic.CODE, "exact or approximated GELU differ in the last digits, which syntax notices"),),
    "gelu_tanh": ((Topic.CODE, "exact or approximated GELU differ in the last digits, which syntax notices"),),
    "bias_qkv": ((Topic.CARRY, _CARRY),),
    "bias_o": ((Topic.CARRY, _CARRY),),
    "bias_mlp": ((Topic.CARRY, _CARRY),),
    "tied_embeddings": (
        (Topic.LANGUAGES, "one matrix reads and writes all tokens: rounding it harms the rare scripts twice"),
    ),
    "large_vocabulary": ((Topic.LANGUAGES, "tokens of many scripts; padding or a wrong row shows in the rare ones"),),
    "mixture_of_experts": ((Topic.CODE, _ROUTER), (Topic.LANGUAGES, _ROUTER), (Topic.ARITHMETIC, _ROUTER)),
    "shared_experts": ((Topic.FACTS, "experts that see every token; without them text stays fluent"),),
    "attention_softcap": ((Topic.RECALL, "fused attention kernels like to leave the cap out, and sharpen too much"),),
    "logit_softcap": ((Topic.JSON, "the cap flattens the choice among few likely tokens, as brackets and quotes are"),),
    "logit_scaling": ((Topic.JSON, "a missing factor changes how sure the model is, not what it prefers"),),
    "attention_scaling": ((Topic.RECALL, "attention is scaled by another number than the usual root"),),
    "embedding_scaling": ((Topic.FACTS, "a missing factor at the entrance weakens every fact"),),
    "residual_scaling": ((Topic.FACTS, "a missing factor in each layer adds up"),),
    "parallel_residual": ((Topic.FACTS, "both blocks read the same input; one after the other is another model"),),
    "long_context": ((Topic.POSITION, "positions far beyond the first are rotated by numbers that short texts miss"),),
}


def stresses_of(operations: Sequence[Operation]) -> tuple[Stress, ...]:
    """All reasons, in the order of the operations, each once."""
    found = [Stress(topic, operation.name, why) for operation in operations for topic, why in _reasons(operation.name)]
    return tuple(dict.fromkeys(found))


def _reasons(name: str) -> _Reasons:
    if name.startswith("fused_") or name.endswith("_matmul"):
        return ((Topic.CARRY, _BLOCKS), (Topic.ARITHMETIC, _BLOCKS))
    return _TABLE.get(name, ())
