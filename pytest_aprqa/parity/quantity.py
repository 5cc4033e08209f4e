"""What is measured between two models, as words. Limits belong to a pair of such a word and a stored type."""

from __future__ import annotations

from enum import StrEnum


class Quantity(StrEnum):
    """A scale-free number that a comparison yields."""

    TENSOR_NMSE = "tensor_nmse"
    """`TensorError.nmse` of one tensor."""
    TENSOR_COSINE = "tensor_cosine"
    """`TensorError.cosine` of one tensor."""
    TENSOR_MAX = "tensor_max"
    """`TensorError.max_rel`: the largest error over the largest value."""
    BLOCK_NMSE = "block_nmse"
    """`TensorError.block_nmse`: the worst block of one tensor, where a tensor's mean would hide it."""
    BLOCK_SCALE = "block_scale"
    """`TensorError.block_scale_error`: the same for the block's scale factor."""
    STAT_DEVIATION = "stat_deviation"
    """Largest deviation of mean, std and l2 (`fingerprint.MOMENTS`); see `stat_limit` for the roles."""
    STAT_RANGE = "stat_range"
    """Largest deviation of minimum, maximum and percentiles (`fingerprint.RANGES`)."""
    LOGIT_NMSE = "logit_nmse"
    """`Divergence.nmse`, also of a few positions only."""
    LOGIT_NMSE_MAX = "logit_nmse_max"
    """`Divergence.nmse_max`: the worst of some hundred positions."""
    KL_MEAN = "kl_mean"
    KL_P99 = "kl_p99"
    KL_MAX = "kl_max"
    TOP1 = "top1"
    """`Divergence.top1`: near ties set aside."""
    TOPK = "topk"
    PPL_RATIO = "ppl_ratio"
    """|log of `Divergence.ppl_ratio`|: 0.0 means equal, 0.05 means five percent worse or better."""
    HIDDEN_COSINE = "hidden_cosine"
    """Cosine of one layer's output with the reference's."""
    GREEDY_MARGIN = "greedy_margin"
    """Nats that the reference may hold between its own greedy token and the other's where they part."""
    GOLDEN_KL = "golden_kl"
    """Mean KL divergence from a golden corpus."""


AT_LEAST = frozenset({Quantity.TENSOR_COSINE, Quantity.TOP1, Quantity.TOPK, Quantity.HIDDEN_COSINE})
"""Quantities that are good when large."""

OF_TENSORS = frozenset(
    {
        Quantity.TENSOR_NMSE,
        Quantity.TENSOR_COSINE,
        Quantity.TENSOR_MAX,
        Quantity.BLOCK_NMSE,
        Quantity.BLOCK_SCALE,
        Quantity.STAT_DEVIATION,
        Quantity.STAT_RANGE,
    }
)
"""Quantities of one tensor, where the size of the model plays no role."""
