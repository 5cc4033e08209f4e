"""The decode loop: continues rows of token ids with a causal language model, batched, greedy or sampled.

A loop of our own and not ``model.generate``, for what that does not give: the time of each token, an end for each row,
rows that leave the batch when they are done, and one generator for each sampled row. Greedy is plain argmax: penalties
and other extras of ``generation_config.json`` do not apply, so that two formats of a model are compared on equal terms.

Knows nothing of text. Rows are padded on the left, so that all rows end in the same column.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

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
        # A recurrent state has no left padding to hide, so that models which keep one are run row by row.
        if getattr(model, "_is_stateful", False):
            runs = [_run(_Alone(model, prompt), max_tokens, stop_ids, pick) for prompt in prompts]
            return tuple(row for rows in runs for row in rows)
        return _run(_Batch(model, prompts), max_tokens, stop_ids, pick)


def _run(batch: _Batch | _Alone, max_tokens: int, stop_ids: frozenset[int], pick: Pick) -> tuple[Row, ...]:
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


class _Batch:
    """The rows that are still going, their cache and the columns that they have filled."""

    def __init__(self, model: PreTrainedModel, prompts: Sequence[Sequence[int]]) -> None:
        import torch
        from transformers import DynamicCache

        self._model = model
        self._accepts = inspect.signature(model.forward).parameters
        self.members = list(range(len(prompts)))
        width = max(map(len, prompts))
        padded = [[0] * (width - len(prompt)) + list(prompt) for prompt in prompts]
        filled = [[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts]
        self._ids = torch.tensor(padded, device=model.device)  # (batch, columns to compute)
        self._mask = torch.tensor(filled, device=model.device)  # (batch, columns so far)
        self._positions = (self._mask.cumsum(dim=-1) - 1).clamp(min=0)  # (batch, columns to compute)
        self._cache = DynamicCache(config=model.config)

    def logits(self) -> torch.Tensor:
        """Logits of the last column, shape (batch, vocabulary)."""
        extras = {"position_ids": self._positions, "logits_to_keep": 1}
        output = self._model(
            input_ids=self._ids,
            attention_mask=self._mask,
            past_key_values=self._cache,
            use_cache=True,
            **{name: value for name, value in extras.items() if name in self._accepts},
        )
        logits: torch.Tensor = output.logits[:, -1]
        return logits

    def advance(self, ids: torch.Tensor, going: Sequence[int]) -> None:
        """Makes `ids` the next column, and keeps only the rows at the places `going`."""
        import torch

        self._ids = ids[:, None]
        self._positions = self._positions[:, -1:] + 1
        self._mask = torch.cat([self._mask, torch.ones_like(self._ids)], dim=-1)
        if len(going) == len(self.members):
            return
        kept = torch.tensor(going, device=ids.device)
        self._cache.batch_select_indices(kept)
        self._ids, self._positions, self._mask = self._ids[kept], self._positions[kept], self._mask[kept]
        self.members = [self.members[place] for place in going]


class _Alone:
    """One row without a cache: all of it is computed again for each token, which is slow and right for any model."""

    def __init__(self, model: PreTrainedModel, prompt: Sequence[int]) -> None:
        import torch

        self._model = model
        self.members = [0]
        self._ids = torch.tensor([list(prompt)], device=model.device)  # (1, columns)

    def logits(self) -> torch.Tensor:
        """Logits of the last column, shape (1, vocabulary)."""
        logits: torch.Tensor = self._model(input_ids=self._ids, use_cache=False).logits[:, -1]
        return logits

    def advance(self, ids: torch.Tensor, going: Sequence[int]) -> None:  # noqa: ARG002 - the only row goes on
        """Makes `ids` the next column."""
        import torch

        self._ids = torch.cat([self._ids, ids[:, None]], dim=-1)


def _append(row: Row, token: int, now: float, *, finite: bool) -> None:
    row.first_at = row.first_at or now
    row.last_at = now
    row.finite = row.finite and finite
    row.ids.append(token)
