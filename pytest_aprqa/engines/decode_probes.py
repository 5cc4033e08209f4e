"""Looks into the decode loop of a causal language model: the logits that it chooses by, and when each token is known.

The batch and the cache are those of `decode`, since they are what is looked at. Knows nothing of text.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import psutil
from numpy.typing import NDArray

from pytest_aprqa.core import EngineRefused
from pytest_aprqa.engines.decode import greedy
from pytest_aprqa.engines.decode_state import Alone, Batch, keeps_state
from pytest_aprqa.engines.memory import peak_rss_bytes
from pytest_aprqa.engines.readings import Pace

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel


def step_logits(model: PreTrainedModel, row: Sequence[int], *, given: int) -> NDArray[np.float32]:
    """Logits after each token from position `given` on, each computed alone over the cache of those before.

    Returns:
        float32 (len(row) - given, vocabulary).

    Raises:
        EngineRefused: the model's rows are not continued over a cache.
    """
    import torch

    _refuse_stateful(model)
    found: list[NDArray[np.float32]] = []
    with torch.inference_mode():
        state = Batch(model, [row[:given]])
        state.logits()
        for token in row[given:]:
            state.advance(torch.tensor([token], device=model.device), [0])
            found.append(_as_array(state.logits()))
    return np.concatenate(found)


def batch_logits(model: PreTrainedModel, rows: Sequence[Sequence[int]]) -> tuple[NDArray[np.float32], ...]:
    """Logits after the last token of each row, float32 (1, vocabulary) each, from one batch padded on the left.

    Raises:
        EngineRefused: the model's rows are not computed in batches.
    """
    import torch

    _refuse_stateful(model)
    with torch.inference_mode():
        logits = _as_array(Batch(model, rows).logits())
    return tuple(logits[place : place + 1] for place in range(len(rows)))


def measure_pace(model: PreTrainedModel, row: Sequence[int], *, tokens: int) -> Pace:
    """Continues `row` by exactly `tokens` ids, by the likeliest each, and tells when each was known."""
    import torch

    on_gpu = model.device.type == "cuda"
    known: list[float] = []
    with torch.inference_mode():
        if on_gpu:
            torch.cuda.synchronize(model.device)
        started = time.perf_counter()
        state = Alone(model, row) if keeps_state(model) else Batch(model, [row])
        while True:
            ids = greedy(state.logits())
            ids.tolist()  # as decoding does, to know the token; waits for the GPU
            known.append(time.perf_counter())
            if len(known) == tokens:
                break
            state.advance(ids, [0])
    return Pace(
        prefill_ms=(known[0] - started) * 1000,
        token_ms=tuple((after - before) * 1000 for before, after in pairwise(known)),
        prompt_tokens=len(row),
        rss_bytes=psutil.Process().memory_info().rss,
        peak_rss_bytes=peak_rss_bytes(),
        peak_vram_bytes=torch.cuda.max_memory_allocated(model.device) if on_gpu else None,
    )


def _refuse_stateful(model: PreTrainedModel) -> None:
    if keeps_state(model):
        raise EngineRefused(
            f"{type(model).__name__} keeps a recurrent state; its rows are computed anew for each token, one by one,"
            " so that there is neither a cache nor a batch to look at"
        )


def _as_array(values: torch.Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = values.float().cpu().numpy()
    return array
