"""The child's side of the instruments: does what an order asks of a loaded model, and files its arrays.

A model has an instrument when it has the method; the one that it lacks is named in `EngineUnavailable`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, assert_never

from pytest_aprqa.engines.arrays import write_arrays
from pytest_aprqa.engines.instruments import missing
from pytest_aprqa.engines.orders import (
    Activations,
    Decode,
    Encode,
    Filed,
    Greedy,
    Logits,
    Measure,
    Pace,
    Render,
    Sample,
    Stepwise,
    Together,
    Trace,
)
from pytest_aprqa.engines.protocol import Resident
from pytest_aprqa.engines.wire import Arrays, Paced, Reply, Rows, Texts, Traced

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


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
        case Sample(row, max_tokens, temperature, seed):
            return Rows((instrument(row, max_tokens=max_tokens, temperature=temperature, seed=seed),))
        case Pace(row, tokens):
            return Paced(instrument(row, tokens=tokens))
        case Trace(row):
            return Traced(instrument(row))
        case _:
            return Arrays(write_arrays(_arrays(order, instrument), order.folder))


def _arrays(order: Filed, instrument: Callable[..., Any]) -> Mapping[str, NDArray[np.float32]]:
    match order:
        case Logits(row, last_only):
            (logits,) = instrument((row,), last_only=last_only)
            return {"logits": logits}
        case Activations(row):
            activations: Mapping[str, NDArray[np.float32]] = instrument(row)
            return activations
        case Stepwise(row, given):
            return {"logits": instrument(row, given=given)}
        case Together(rows):
            import numpy as np

            return {"logits": np.concatenate(instrument(rows))}
        case _:
            assert_never(order)


def _instrument(resident: Resident, name: str) -> Callable[..., Any]:
    found: Callable[..., Any] | None = getattr(resident, name, None)
    if found is None:
        raise missing(resident.facts.name, [name])
    return found
