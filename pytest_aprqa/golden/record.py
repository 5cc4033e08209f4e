"""Records a golden corpus from the ground truth: `transformers` in float32 on the CPU.

Knows nothing of how an engine computes, and reads no clock: provenance is handed in.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_aprqa.core import EngineRefused, Prompting
from pytest_aprqa.engines import EngineFacts, Instruments
from pytest_aprqa.golden.coarse import keep_top
from pytest_aprqa.golden.corpus import (
    TOP_K,
    GoldenCorpus,
    GoldenPrompt,
    Prompt,
    Provenance,
    RecordedWith,
    Recording,
)
from pytest_aprqa.golden.prompts import require_prompts
from pytest_aprqa.golden.speech import encode_prompts
from pytest_aprqa.golden.store import read_golden, write_golden

ANSWER_TOKENS: Final = 16
"""Length of the greedy continuation, unless the model stops before."""

TIE: Final = 1e-3
"""Nats: two logits so close may change places between one computation of float32 and another."""


def record(
    instruments: Instruments,
    facts: EngineFacts,
    provenance: Provenance,
    prompts: Sequence[Prompt],
    folder: Path,
    *,
    force: bool = False,
) -> GoldenCorpus:
    """Measures the prompts, writes the corpus into a new folder and reads it back.

    Prompts that the model cannot take (no chat template, longer than its context) are left out.

    Raises:
        EngineRefused: the engine is no ground truth, or what it computes cannot be one.
        ArtefactError: the prompts are no corpus, or the folder is there already (unless `force`) or cannot be written.
        EngineError: whatever else the engine raises.
    """
    corpus = measure(instruments, facts, provenance, require_prompts(prompts, folder))
    write_golden(corpus, folder, force=force)
    return read_golden(folder)


def measure(
    instruments: Instruments, facts: EngineFacts, provenance: Provenance, prompts: Sequence[Prompt], *, k: int = TOP_K
) -> GoldenCorpus:
    """The corpus in memory; raises as `record` does."""
    if facts.name != "transformers" or facts.dtype != "float32" or not facts.device.startswith("cpu"):
        raise EngineRefused(
            "a golden corpus is recorded by transformers in float32 on the cpu; "
            f"this engine is {facts.name} in {facts.dtype} on {facts.device}"
        )
    rows = _fitting(instruments, facts, prompts)
    answers = instruments.greedy(list(rows.values()), max_tokens=ANSWER_TOKENS)
    measured = []
    vocabulary = 0
    for (prompt, row), answer in zip(rows.items(), answers, strict=True):
        logits = instruments.logits([(*row, *answer[:-1])])[0]
        vocabulary = logits.shape[1]
        measured.append(GoldenPrompt(prompt, _recording(prompt, row, answer, logits, min(k, vocabulary - 1))))
    engine = RecordedWith(facts.name, facts.dtype, facts.device, facts.threads, facts.versions, facts.parameters)
    return GoldenCorpus(provenance, engine, vocabulary, min(k, vocabulary - 1), tuple(measured))


def _fitting(instruments: Instruments, facts: EngineFacts, prompts: Sequence[Prompt]) -> dict[Prompt, tuple[int, ...]]:
    """The prompts that the model can take, with their token ids."""
    askable = [each for each in prompts if facts.chat_template or each.prompting is Prompting.RAW]
    rows = dict(zip(askable, encode_prompts(instruments, askable), strict=True)) if askable else {}
    longest = None if facts.context_tokens is None else facts.context_tokens - ANSWER_TOKENS
    fitting = {each: row for each, row in rows.items() if row and (longest is None or len(row) <= longest)}
    if not fitting:
        raise EngineRefused(f"none of the {len(prompts)} prompts fits the model's template and context")
    return fitting


def _recording(
    prompt: Prompt, row: tuple[int, ...], answer: tuple[int, ...], logits: NDArray[Any], k: int
) -> Recording:
    if not answer or len(logits) != len(row) + len(answer) - 1:
        raise EngineRefused(f"prompt {prompt.id!r}: the engine gave {len(answer)} tokens and {len(logits)} positions")
    if not np.isfinite(logits).all():
        raise EngineRefused(f"prompt {prompt.id!r}: the logits are not finite; such a model is no ground truth")
    chosen = logits[len(row) - 1 :]
    behind = chosen.max(axis=1) - chosen[np.arange(len(answer)), list(answer)]
    if behind.max() > TIE:
        raise EngineRefused(
            f"prompt {prompt.id!r}: the greedy continuation does not follow from the logits: "
            f"token {int(behind.argmax())} lies {behind.max():.3g} nats behind the likeliest"
        )
    top = keep_top(logits, k=k)
    two = np.partition(chosen, -2, axis=1)[:, -2:].astype(np.float64)
    return Recording(
        token_ids=np.array(row, np.int32),
        continuation=np.array(answer, np.int32),
        margins=(two[:, 1] - two[:, 0]).astype(np.float32),
        top_ids=top.ids,
        top=top.values,
        largest=top.largest,
        log_total=top.log_total,
        log_rest=top.log_rest,
        variance=top.variance,
    )
