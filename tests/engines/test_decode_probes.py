"""Steps over the cache, rows in a batch and the pace of tokens, on architectures that do each in their own way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from pytest_aprqa.core import EngineRefused
from pytest_aprqa.engines.decode_probes import batch_logits, measure_pace, step_logits
from pytest_aprqa.engines.decode_state import Batch
from pytest_aprqa.engines.forward import row_logits
from tests.engines.architectures import IDS, SMALL, small

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

WITH_CACHE = sorted(SMALL.keys() - {"MambaForCausalLM"})


@pytest.mark.parametrize("architecture", WITH_CACHE)
def test_steps_and_batches_give_the_logits_of_one_plain_pass(architecture: str) -> None:
    model = small(architecture, **SMALL[architecture])
    whole = row_logits(model, IDS, last_only=False)
    assert np.allclose(step_logits(model, IDS, given=2), whole[2:], atol=1e-4)
    together = batch_logits(model, [IDS, IDS[:3], IDS[:7]])
    assert [logits.shape for logits in together] == [(1, 64)] * 3
    for logits, last in zip(together, (10, 2, 6), strict=True):
        assert np.allclose(logits[0], whole[last], atol=1e-4)


def test_a_position_that_stands_still_shows_in_the_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    model = small("LlamaForCausalLM", **SMALL["LlamaForCausalLM"])
    advance = Batch.advance

    def stand_still(batch: Batch, ids: Any, going: Sequence[int]) -> None:  # noqa: ANN401 - a tensor
        advance(batch, ids, going)
        batch._positions = batch._positions - 1

    monkeypatch.setattr(Batch, "advance", stand_still)
    assert not np.allclose(step_logits(model, IDS, given=2), row_logits(model, IDS, last_only=False)[2:], atol=1e-2)


def test_a_mask_that_shows_the_padding_shows_in_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    model = small("LlamaForCausalLM", **SMALL["LlamaForCausalLM"])
    rows = [IDS, IDS[:3]]
    sound, begin = batch_logits(model, rows), Batch.__init__

    def forget_padding(batch: Batch, *arguments: object) -> None:
        begin(batch, *arguments)  # type: ignore[arg-type]  # handed on
        batch._mask = torch.ones_like(batch._mask)

    monkeypatch.setattr(Batch, "__init__", forget_padding)
    spoiled = batch_logits(model, rows)
    assert np.allclose(spoiled[0], sound[0], atol=1e-4), "the longest row has no padding"
    assert not np.allclose(spoiled[1], sound[1], atol=1e-2)


def test_a_recurrent_state_has_a_pace_and_no_cache_to_look_at() -> None:
    model = small("MambaForCausalLM", **SMALL["MambaForCausalLM"])
    assert len(measure_pace(model, IDS, tokens=3).token_ms) == 2
    for call in (lambda: step_logits(model, IDS, given=2), lambda: batch_logits(model, [IDS])):
        with pytest.raises(EngineRefused, match="MambaForCausalLM keeps a recurrent state"):
            call()
