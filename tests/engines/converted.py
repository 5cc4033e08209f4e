"""The embedded model and tiny random ones as GGUF and APR files, and what tests of their engines share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pytest_aprqa import embedded
from pytest_aprqa.conversion.convert import convert
from pytest_aprqa.core import Backend, Completion, Format, Quantization, Target, Weights
from pytest_aprqa.engines import Limits, Result, SupervisedEngine, open_engine

PROMPTS = (
    "What is 2+2?",
    "Hello",
    "What is the capital of France?",
    "12 * 7 =",
    "ü€🎉 naïve\n\n  x",
    "Tell me a story about a fox.",
    "def f(x):\n\treturn x",
    "  lead",
    "1 2 3 4 5 6 7 8 9 10",
    "a<|im_end|>b <|im_start|>user\nhi",
)


def as_file(
    folder: Path, into: Path, *, format_: Format, quantization: Quantization | None = Quantization.F32
) -> Weights:
    """A Hugging Face folder in another format, whole in one file."""
    made = convert(folder, into, format=format_, quantization=quantization)
    return Weights(folder=made.path.parent, files=(made.path,), source="test")


def embedded_weights() -> Weights:
    """The ground truth of the embedded model."""
    folder = embedded.folder()
    return Weights(folder=folder, files=(folder / "model.safetensors",), source="test")


def open_supervised(weights: Weights, *, format_: Format, limits: Limits | None = None) -> SupervisedEngine:
    """The engine of a format, in its child."""
    target = Target("org/model", format_, None, Backend.CPU)
    engine = open_engine(target, weights, limits or Limits(threads=1))
    assert isinstance(engine, SupervisedEngine)
    return engine


def answered(results: tuple[Result, ...]) -> list[Completion]:
    """The completions; an error among them is raised."""
    completions: list[Completion] = []
    for result in results:
        if not isinstance(result, Completion):
            raise result
        completions.append(result)
    return completions


def kl_mean(reference: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Mean Kullback-Leibler divergence of the rows, in nats."""
    p, q = _log_softmax(reference), _log_softmax(other)
    return float((np.exp(p) * (p - q)).sum(axis=-1).mean())


def _log_softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    wide = logits.astype(np.float64)
    wide -= wide.max(axis=-1, keepdims=True)
    shifted: NDArray[np.float64] = wide - np.log(np.exp(wide).sum(axis=-1, keepdims=True))
    return shifted
