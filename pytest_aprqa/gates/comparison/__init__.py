"""Comparisons of an artefact with the ground truth: what conversion and quantization did to the model.

One table of checks, one pair of models that remembers what was measured of it, one function that judges a gate.
"""

from pytest_aprqa.gates.comparison.blame import diagnose_pair
from pytest_aprqa.gates.comparison.judge import judge_check, judge_gate
from pytest_aprqa.gates.comparison.options import Options
from pytest_aprqa.gates.comparison.pair import Pair
from pytest_aprqa.gates.comparison.side import Side
from pytest_aprqa.gates.comparison.stored_types import word_of
from pytest_aprqa.gates.comparison.table import COMPARISONS

__all__ = [
    "COMPARISONS",
    "Options",
    "Pair",
    "Side",
    "diagnose_pair",
    "judge_check",
    "judge_gate",
    "word_of",
]
