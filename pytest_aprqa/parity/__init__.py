"""Numbers that tell how far one model is from another: tensors, logits, token ids, and what they point to. Pure.

Limits per stored type are in one table (`limit_for`), with the calibration they come from.
"""

from pytest_aprqa.parity.activations import first_divergence, layer_cosines
from pytest_aprqa.parity.diagnosis import diagnose
from pytest_aprqa.parity.estimate import Estimate, mean_estimate, quantile_estimate, share_estimate
from pytest_aprqa.parity.examination import examine_tensor, judged_quantities
from pytest_aprqa.parity.finding import Diagnosis, Family
from pytest_aprqa.parity.fingerprint import MOMENTS, RANGES, Fingerprint, Role, Stat, deviations, fingerprint, role_of
from pytest_aprqa.parity.greedy import GreedyComparison, compare_greedy
from pytest_aprqa.parity.layout import Layout, Match, best_match, layout_of, rope_permuted, rope_unpermuted
from pytest_aprqa.parity.limits import ROLE_TOLERANCES, Limit, canonical, limit_for, stat_limit, words
from pytest_aprqa.parity.logits import NEAR_TIE, Divergence, compare_logits, log_softmax, margins
from pytest_aprqa.parity.quantity import AT_LEAST, Quantity
from pytest_aprqa.parity.symptoms import IdMismatch, Symptoms, TensorSymptom
from pytest_aprqa.parity.tensors import BlockError, TensorError, compare_tensors
from pytest_aprqa.parity.texts import PARITY_TEXT, long_text
from pytest_aprqa.parity.tokens import (
    CONTROL_STRINGS,
    CONVERSATIONS,
    TOKENIZER_TEXTS,
    IdDifference,
    TokenText,
    compare_ids,
)

__all__ = [
    "AT_LEAST",
    "CONTROL_STRINGS",
    "CONVERSATIONS",
    "MOMENTS",
    "NEAR_TIE",
    "PARITY_TEXT",
    "RANGES",
    "ROLE_TOLERANCES",
    "TOKENIZER_TEXTS",
    "BlockError",
    "Diagnosis",
    "Divergence",
    "Estimate",
    "Family",
    "Fingerprint",
    "GreedyComparison",
    "IdDifference",
    "IdMismatch",
    "Layout",
    "Limit",
    "Match",
    "Quantity",
    "Role",
    "Stat",
    "Symptoms",
    "TensorError",
    "TensorSymptom",
    "TokenText",
    "best_match",
    "canonical",
    "compare_greedy",
    "compare_ids",
    "compare_logits",
    "compare_tensors",
    "deviations",
    "diagnose",
    "examine_tensor",
    "fingerprint",
    "first_divergence",
    "judged_quantities",
    "layer_cosines",
    "layout_of",
    "limit_for",
    "log_softmax",
    "long_text",
    "margins",
    "mean_estimate",
    "quantile_estimate",
    "role_of",
    "rope_permuted",
    "rope_unpermuted",
    "share_estimate",
    "stat_limit",
    "words",
]
