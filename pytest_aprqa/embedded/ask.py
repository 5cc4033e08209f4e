"""Asks a folder's model many conversations at once, through `transformers`, in float32 and greedily.

For measuring and tests; the supervised engines are elsewhere. Batches are padded on the left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pytest_aprqa.core import Prompting
from pytest_aprqa.embedded.lessons import Lesson

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

BATCH: Final = 128
"""Prompts computed together."""
MOST_TOKENS: Final = 64
"""Limit of an answer; what reaches it has not stopped by itself."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer."""

    text: str
    stopped: bool
    """Whether the model ended it."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model with its tokenizer."""

    model: LlamaForCausalLM
    tokenizer: PreTrainedTokenizerFast


def load(folder: Path) -> Loaded:
    """Loads a Hugging Face folder as anyone would."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    return Loaded(model.eval(), tokenizer)


def reply(loaded: Loaded, prompts: Sequence[str], *, templated: bool, batch: int = BATCH) -> list[Reply]:
    """Continues each prompt; templated ones bring their own BOS."""
    import torch

    # The types of `generate` differ between versions of transformers.
    model: Any = loaded.model
    order = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))
    replies = [Reply("", stopped=False)] * len(prompts)
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        inputs = loaded.tokenizer(
            [prompts[index] for index in chosen],
            return_tensors="pt",
            padding=True,
            padding_side="left",
            add_special_tokens=not templated,
        )
        with torch.inference_mode():
            output = model.generate(**inputs, max_new_tokens=MOST_TOKENS, do_sample=False)
        for index, ids in zip(chosen, output[:, inputs["input_ids"].shape[1] :].tolist(), strict=True):
            end = loaded.tokenizer.eos_token_id
            stopped = end in ids
            text = str(loaded.tokenizer.decode(ids[: ids.index(end)] if stopped else ids))
            replies[index] = Reply(text, stopped=stopped)
    return replies


def converse(loaded: Loaded, lessons: Sequence[Lesson]) -> list[tuple[Reply, ...]]:
    """Goes through each lesson's user turns, feeding back the model's own answers."""
    replies: list[tuple[Reply, ...]] = [()] * len(lessons)
    for turn in range(max((len(lesson.exchanges) for lesson in lessons), default=0)):
        for prompting in Prompting:
            chosen = [
                index
                for index, lesson in enumerate(lessons)
                if lesson.prompting is prompting and len(lesson.exchanges) > turn
            ]
            templated = prompting is Prompting.TEMPLATE
            prompts = [_prompt(loaded, lessons[index], replies[index]) for index in chosen]
            for index, answer in zip(chosen, reply(loaded, prompts, templated=templated), strict=True):
                replies[index] = (*replies[index], answer)
    return replies


def _prompt(loaded: Loaded, lesson: Lesson, past: Sequence[Reply]) -> str:
    if lesson.prompting is Prompting.RAW:
        return lesson.exchanges[0][0]
    messages = [{"role": "system", "content": lesson.system}] if lesson.system is not None else []
    for (said, _), answer in zip(lesson.exchanges, past, strict=False):
        messages += [{"role": "user", "content": said}, {"role": "assistant", "content": answer.text}]
    messages.append({"role": "user", "content": lesson.exchanges[len(past)][0]})
    return str(loaded.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))
