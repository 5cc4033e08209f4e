"""Kernel profiles: which operations a model exercises, told by its config.json, and which questions stress each.

Pure; reads no file, and knows neither engines nor playbooks.
"""

from pytest_aprqa.kernels.facts import EXPECTED, KEYS, Facts
from pytest_aprqa.kernels.operation import Aspect, Operation, Unknown
from pytest_aprqa.kernels.profile import KernelProfile, profile_of, with_quantizations
from pytest_aprqa.kernels.stress import EVERY, Stress, Topic
from pytest_aprqa.kernels.tensors import Shapes, Verified, verify

__all__ = [
    "EVERY",
    "EXPECTED",
    "KEYS",
    "Aspect",
    "Facts",
    "KernelProfile",
    "Operation",
    "Shapes",
    "Stress",
    "Topic",
    "Unknown",
    "Verified",
    "profile_of",
    "verify",
    "with_quantizations",
]
