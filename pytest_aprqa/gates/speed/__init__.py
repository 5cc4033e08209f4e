"""Speed: tokens per second, times to and between tokens, memory, each with its interval, against thresholds."""

from pytest_aprqa.gates.speed.floors import default_thresholds, thresholds_of
from pytest_aprqa.gates.speed.measurement import Measurement, measurement
from pytest_aprqa.gates.speed.plain_speed import speed_of
from pytest_aprqa.gates.speed.table import SPEED_CHECKS, asserted, judge_speed
from pytest_aprqa.gates.speed.timing import Thresholds, Timing

__all__ = [
    "SPEED_CHECKS",
    "Measurement",
    "Thresholds",
    "Timing",
    "asserted",
    "default_thresholds",
    "judge_speed",
    "measurement",
    "speed_of",
    "thresholds_of",
]
