"""What healthy models were measured to lose by being stored in each type: the numbers behind `limits`.

Data only; ``tests/calibration`` measures it again. Costs are distances from perfect: the quantity itself, or one minus
it for cosines and agreements.

Tensors: llama.cpp's quantizer for files (without importance matrix), gguf's NumPy quantizers and our own for single
types; the worst tensor of the model (of SmolLM2: embedding and every fifth layer). Predictions: llama.cpp on the CPU
against transformers in float32 over `PARITY_TEXT`; HIDDEN_COSINE, and everything of APR's own types, in transformers on
the dequantized weights. aprqa-tiny has never seen such a text and is sure of what it says, so it loses much more there
than on its own questions; its limits are wide for that reason, and its defects are found by tensors and metadata first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pytest_aprqa.parity.quantity import Quantity

_Costs = Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]]

TENSORS = (
    Quantity.TENSOR_NMSE,
    Quantity.TENSOR_COSINE,
    Quantity.TENSOR_MAX,
    Quantity.BLOCK_NMSE,
    Quantity.BLOCK_SCALE,
    Quantity.STAT_DEVIATION,
    Quantity.STAT_RANGE,
)
"""Columns of the first tuple of each row."""
PREDICTIONS = (
    Quantity.KL_MEAN,
    Quantity.KL_P99,
    Quantity.KL_MAX,
    Quantity.TOP1,
    Quantity.TOPK,
    Quantity.PPL_RATIO,
    Quantity.LOGIT_NMSE,
    Quantity.LOGIT_NMSE_MAX,
    Quantity.GREEDY_MARGIN,
    Quantity.HIDDEN_COSINE,
)
"""Columns of the second."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The worst cost on each of the two models."""

    tiny: float
    """aprqa-tiny, 2 million parameters."""
    small: float
    """SmolLM2-135M-Instruct."""


_TINY: _Costs = {
    "F32": ((0, 0, 0, 0, 0, 0, 0),
        (3.5e-06, 5.4e-05, 0.00032, 0, 0.00075, 4.5e-06, 8.1e-06, 2.7e-05, 0.0011, 0)),
    "F16": ((0, 0, 0, 0, 0, 0, 0),
        (5.9e-06, 5.6e-05, 0.0011, 0, 0.001, 0.00018, 1.1e-05, 4.4e-05, 0, 0)),
    "BF16": ((2.9e-06, 1.5e-06, 0.0035, 7.6e-06, 0.0022, 3.7e-05, 0.0063),
        (0.0004, 0.0042, 0.025, 0.00063, 0.011, 0.0018, 0.00073, 0.0082, 0.17, 3.2e-05)),
    "Q8_0": ((3.3e-05, 1.7e-05, 0.004, 0.00016, 0.0037, 7.2e-05, 0.0093),
        (0.006, 0.072, 0.7, 0.021, 0.029, 0.01, 0.0092, 0.077, 1.1, 0.00036)),
    "APR_Q8": ((0.0022, 0.0011, 0.004, 0.0058, 0.028, 0.00098, 0.032),
        (0.011, 0.15, 2.3, 0.018, 0.043, 0.017, 0.017, 0.047, 2.4, 0.0016)),
    "Q6_K": ((0.00035, 0.00018, 0.017, 0.0013, 0.0096, 0.00026, 0.011),
        (0.029, 0.41, 1.9, 0.053, 0.069, 0.0043, 0.042, 0.37, 3, 0.0034)),
    "Q5_K": ((0.0014, 0.0007, 0.037, 0.0031, 0.022, 0.00056, 0.013),
        (0.082, 0.95, 3.4, 0.09, 0.11, 0.048, 0.14, 0.78, 7.3, 0.011)),
    "Q5_1": ((0.0016, 0.00078, 0.031, 0.0051, 0.024, 0.0013, 0.0099),
        (0.068, 0.77, 3.7, 0.091, 0.11, 0.0089, 0.12, 0.26, 5.1, 0.011)),
    "Q5_0": ((0.0021, 0.0011, 0.049, 0.011, 0.029, 0.00078, 0.025),
        (0.093, 1.1, 4.2, 0.099, 0.12, 0.086, 0.16, 1.2, 6.2, 0.014)),
    "Q4_K": ((0.0056, 0.0028, 0.062, 0.015, 0.04, 0.00087, 0.03),
        (0.2, 2.1, 16, 0.17, 0.18, 0.13, 0.24, 0.97, 11, 0.029)),
    "Q4_1": ((0.0067, 0.0033, 0.063, 0.017, 0.046, 0.0044, 0.017),
        (0.22, 2.3, 8.4, 0.17, 0.18, 0.11, 0.3, 0.94, 11, 0.034)),
    "Q4_0": ((0.0084, 0.0042, 0.099, 0.036, 0.059, 0.0022, 0.084),
        (0.28, 2.7, 7.7, 0.18, 0.2, 0.086, 0.28, 0.9, 20, 0.041)),
    "IQ4_NL": ((0.0061, 0.0031, 0.065, 0.015, 0.036, 0.00054, 0.021),
        (0.23, 2.4, 8.8, 0.18, 0.18, 0.12, 0.3, 1.3, 11, 0.033)),
    "APR_Q4": ((0.011, 0.0053, 0.072, 0.046, 0.062, 0.0059, 0.084),
        (0.47, 3.7, 12, 0.24, 0.26, 0.035, 0.47, 0.95, 11, 0.065)),
    "Q3_K": ((0.025, 0.013, 0.15, 0.061, 0.077, 0.0076, 0.032),
        (0.51, 4.5, 9.3, 0.26, 0.27, 0.13, 0.57, 1.4, 16, 0.074)),
    "Q2_K": ((0.09, 0.044, 0.34, 0.29, 0.15, 0.028, 0.067),
        (1.3, 7.7, 15, 0.41, 0.43, 0.53, 1.1, 2.3, 16, 0.19)),
}  # fmt: skip
_SMALL: _Costs = {
    "F32": ((),
        ()),
    "F16": ((4.3e-08, 2.2e-08, 0.00038, 1.7e-07, 0.00037, 2.6e-06, 0.00069),
        ()),
    "BF16": ((2e-06, 1e-06, 0.0024, 6.3e-06, 0.002, 1.3e-05, 0.0053),
        ()),
    "Q8_0": ((4.3e-05, 2.2e-05, 0.004, 0.00031, 0.0069, 7e-05, 0.0057),
        (0.0044, 0.034, 0.093, 0.025, 0.038, 0.011, 0.0043, 0.0058, 0.38, 0.00019)),
    "APR_Q8": ((0.0069, 0.0034, 0.004, 0.041, 0.12, 0.0036, 0.098),
        (0.07, 0.4, 0.78, 0.12, 0.15, 0.082, 0.084, 0.16, 2.3, 0.0095)),
    "Q6_K": ((0.00034, 0.00017, 0.016, 0.002, 0.016, 0.00024, 0.0028),
        (0.0099, 0.065, 0.2, 0.03, 0.055, 0.015, 0.013, 0.019, 0.68, 0.00089)),
    "Q5_K": ((0.00042, 0.00021, 0.014, 0.0075, 0.045, 0.00083, 0.0031),
        (0.079, 0.43, 1.8, 0.12, 0.15, 0.085, 0.095, 0.21, 2.5, 0.013)),
    "Q5_1": ((0.0029, 0.0013, 0.03, 0.012, 0.04, 0.021, 0.042),
        ()),
    "Q5_0": ((0.0031, 0.0016, 0.036, 0.018, 0.047, 0.0034, 0.028),
        (0.065, 0.29, 0.64, 0.096, 0.14, 0.05, 0.082, 0.2, 1.8, 0.012)),
    "Q4_K": ((0.00039, 0.0002, 0.02, 0.02, 0.083, 0.00021, 0.0041),
        (0.05, 0.26, 0.59, 0.09, 0.12, 0.024, 0.057, 0.082, 2.3, 0.0074)),
    "Q4_1": ((0.0082, 0.0041, 0.047, 0.024, 0.057, 0.0046, 0.012),
        ()),
    "Q4_0": ((0.013, 0.0061, 0.088, 0.056, 0.093, 0.0071, 0.088),
        (0.28, 1.2, 3.3, 0.27, 0.26, 0.23, 0.3, 0.4, 9.2, 0.043)),
    "IQ4_NL": ((),
        ()),
    "APR_Q4": ((0.016, 0.008, 0.071, 0.07, 0.091, 0.0064, 0.047),
        (0.48, 1.8, 4, 0.33, 0.35, 0.39, 0.43, 0.71, 6.7, 0.059)),
    "Q3_K": ((0.025, 0.013, 0.13, 0.094, 0.12, 0.0078, 0.017),
        (0.12, 0.7, 2, 0.16, 0.18, 0.11, 0.14, 0.18, 4, 0.019)),
    "Q2_K": ((),
        (0.42, 1.7, 5.5, 0.33, 0.32, 0.36, 0.4, 0.46, 6.1, 0.054)),
}  # fmt: skip


def _rows() -> Mapping[str, Mapping[Quantity, Measured]]:
    rows: dict[str, Mapping[Quantity, Measured]] = {}
    for word, (tensors, predictions) in _TINY.items():
        small_tensors, small_predictions = _SMALL[word]
        rows[word] = {
            **_columns(TENSORS, tensors, small_tensors),
            **_columns(PREDICTIONS, predictions, small_predictions),
        }
    return rows


def _columns(
    quantities: tuple[Quantity, ...], tiny: tuple[float, ...], small: tuple[float, ...]
) -> dict[Quantity, Measured]:
    """One model's numbers stand for both where the other has no such tensor or file."""
    pairs = zip(tiny or small, small or tiny, strict=True)
    return {quantity: Measured(*pair) for quantity, pair in zip(quantities, pairs, strict=True)}


MEASURED: Mapping[str, Mapping[Quantity, Measured]] = _rows()
"""Word of a stored type → quantity → worst costs; of files that mix types, under the K type's own name."""

FLOORS: Mapping[Quantity, float] = {
    Quantity.TENSOR_NMSE: 1e-12,
    Quantity.TENSOR_COSINE: 1e-12,
    Quantity.TENSOR_MAX: 1e-6,
    Quantity.BLOCK_NMSE: 1e-8,
    Quantity.BLOCK_SCALE: 1e-4,
    Quantity.STAT_DEVIATION: 1e-6,
    Quantity.STAT_RANGE: 1e-3,
    Quantity.KL_MEAN: 2e-5,
    Quantity.KL_P99: 2e-4,
    Quantity.KL_MAX: 2e-3,
    Quantity.TOP1: 0.005,
    Quantity.TOPK: 0.005,
    Quantity.PPL_RATIO: 0.002,
    Quantity.LOGIT_NMSE: 1e-4,
    Quantity.LOGIT_NMSE_MAX: 1e-3,
    Quantity.GREEDY_MARGIN: 0.1,
    Quantity.HIDDEN_COSINE: 1e-4,
}
"""Least costs that are allowed: the float32 rounding of a norm offset undone, two engines that add in another order,
and for agreements the two or three positions of a short text that chance moves."""

STARTING: Mapping[Quantity, Mapping[str, float]] = {
    Quantity.KL_MEAN: {
        "F16": 1e-4, "BF16": 1e-4, "Q8_0": 2e-3, "Q6_K": 1e-2, "Q5_K": 2e-2, "Q4_K": 6e-2, "Q4_0": 0.15,
        "Q3_K": 0.2, "Q2_K": 0.9,
    },
    Quantity.TOP1: {"F16": 0.005, "BF16": 0.005, "Q8_0": 0.03, "Q6_K": 0.05, "Q5_K": 0.07, "Q4_K": 0.1, "Q4_0": 0.15,
                    "Q3_K": 0.2, "Q2_K": 0.4},
    Quantity.PPL_RATIO: {"F16": 0.005, "BF16": 0.005, "Q8_0": 0.01, "Q6_K": 0.02, "Q5_K": 0.03, "Q4_K": 0.05,
                         "Q4_0": 0.1, "Q3_K": 0.2, "Q2_K": 0.7},
}  # fmt: skip
"""Costs allowed from a billion parameters on, where nothing was measured: F16, Q8_0 and Q4_K as this
project started with, Q6_K and Q5_K between them, Q4_0, Q3_K and Q2_K by analogy. Smaller models are allowed at least as
much, also because SmolLM2's rows of 576 fit no K type, so that most of its Q3_K and Q2_K files is Q4_0."""
