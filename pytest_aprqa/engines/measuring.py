"""The child's side of the instruments: does what an order asks of a loaded model, and files its arrays.

A model has an instrument when it has the method; the one that it lacks is named in `EngineUnavailable`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, assert_never

from pytest_aprqa.engines.arrays import write_arrays
from pytest_aprqa.engines.instruments import missing
from pytest_aprqa.engines.protocol import Resident
from pytest_aprqa.engines.wire import (
    Activations,
    Arrays,
    Decode,
    Encode,
    Greedy,
    Logits,
    Measure,
    Render,
    Reply,
    Rows,
    Texts,
)


def measure(order: Measure, resident: Resident) -> Reply:
    """The reply to `order`.

    Raises:
        EngineUnavailable: the model has no such instrument.
        EngineRefused: it refuses.
    """
    instrument = _instrument(resident, type(order).__name__.lower())
    match order:
        case Encode(texts, special):
            return Rows(instrument(texts, special=special))
        case Decode(rows):
            return Texts(instrument(rows))
        case Render(conversations):
            return Texts(instrument(conversations))
        case Greedy(rows, max_tokens):
            return Rows(instrument(rows, max_tokens=max_tokens))
        case Logits(row, last_only, folder):
            (logits,) = instrument((row,), last_only=last_only)
            return Arrays(write_arrays({"logits": logits}, folder))
        case Activations(row, folder):
            return Arrays(write_arrays(instrument(row), folder))
        case _:
            assert_never(order)


def _instrument(resident: Resident, name: str) -> Callable[..., Any]:
    found: Callable[..., Any] | None = getattr(resident, name, None)
    if found is None:
        raise missing(resident.facts.name, [name])
    return found
