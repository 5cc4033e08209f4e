"""Rows on their way through a causal language model, one column after the other: in a batch over a cache, or alone.

Knows nothing of how the next ids are chosen. Rows are padded on the left, so that all rows end in the same column.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel


def keeps_state(model: PreTrainedModel) -> bool:
    """Whether the model keeps a recurrent state, which has no left padding to hide, so that its rows are run alone."""
    return bool(getattr(model, "_is_stateful", False))


class Batch:
    """The rows that are still going, their cache and the columns that they have filled.

    Args:
        model: a Hugging Face causal language model.
        prompts: non-empty rows of ids, of any lengths.
    """

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


class Alone:
    """One row without a cache: all of it is computed again for each token, which is slow and right for any model.

    Args:
        model: a Hugging Face causal language model.
        prompt: a non-empty row of ids.
    """

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
