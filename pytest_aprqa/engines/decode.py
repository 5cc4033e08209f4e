"""The decode loop: continues rows of token ids with a causal language model, batched, greedy or sampled.

A loop of our own and not ``model.generate``, for what that does not give: the time of each token, an end for each row,
rows that leave the batch when they are done, and one generator for each sampled row. Greedy is plain argmax: penalties
and other extras of ``generation_config.json`` do not apply, so that two formats of a model are compared on equal terms.

Knows nothing of text.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_aprqa.engines.decode_state import Alone, Batch, keeps_state

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

Pick = Callable[["torch.Tensor"], "torch.Tensor"]
"""Chooses one id for each row: logits of shape (batch, vocabulary) to ids of shape (batch,)."""


@dataclass(slots=True)
class Row:
    """One row's continuation."""

    ids: list[int] = field(default_factory=list)
    """Generated ids, the stop id included."""
    first_at: float = 0.0
    """When the first id was known, by `time.perf_counter`."""
    last_at: float = 0.0
    finite: bool = True
    """Whether all logits that chose were finite."""


def decode(
    model: PreTrainedModel, prompts: Sequence[Sequence[int]], *, max_tokens: int, stop_ids: frozenset[int], pick: Pick
) -> tuple[Row, ...]:
    """Continues each prompt until a stop id or `max_tokens` ids, whichever comes first.

    Args:
        model: a Hugging Face causal language model.
        prompts: non-empty rows of ids, of any lengths.
        max_tokens: limit for each row, at least 1.
        stop_ids: ids that end a row.
        pick: chooses the next ids.
    """
    import torch

    with torch.inference_mode():
        if keeps_state(model):
            runs = [_run(Alone(model, prompt), max_tokens, stop_ids, pick) for prompt in prompts]
            return tuple(row for rows in runs for row in rows)
        return _run(Batch(model, prompts), max_tokens, stop_ids, pick)


def _run(batch: Batch | Alone, max_tokens: int, stop_ids: frozenset[int], pick: Pick) -> tuple[Row, ...]:
    rows = tuple(Row() for _ in batch.members)
    while True:
        logits = batch.logits()  # (batch, vocabulary)
        ids = pick(logits)
        finite = logits.amax(dim=-1).isfinite().tolist()
        now = time.perf_counter()
        for index, token, is_finite in zip(batch.members, ids.tolist(), finite, strict=True):
            _append(rows[index], token, now, finite=is_finite)
        going = [
            place
            for place, index in enumerate(batch.members)
            if rows[index].ids[-1] not in stop_ids and len(rows[index].ids) < max_tokens
        ]
        if not going:
            return rows
        batch.advance(ids, going)


def greedy(logits: torch.Tensor) -> torch.Tensor:
    """The likeliest id of each row; of several the first."""
    return logits.argmax(dim=-1)


def sampler(temperature: float, seed: int) -> Pick:
    """Draws from the whole distribution at `temperature`, from a generator of its own on the CPU."""
    import torch

    generator = torch.Generator().manual_seed(seed)

    def pick(logits: torch.Tensor) -> torch.Tensor:
        if not logits.isfinite().all():
            return greedy(logits)
        # Shifted by the largest, a tiny temperature overflows to -inf and not to nan.
        scaled = logits.float().cpu()
        scaled = (scaled - scaled.amax(dim=-1, keepdim=True)) / temperature
        drawn = torch.multinomial(torch.softmax(scaled, dim=-1), 1, generator=generator)
        return drawn[:, 0].to(logits.device)

    return pick


def _append(row: Row, token: int, now: float, *, finite: bool) -> None:
    row.first_at = row.first_at or now
    row.last_at = now
    row.finite = row.finite and finite
    row.ids.append(token)
