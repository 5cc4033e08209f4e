"""Trains the embedded model from scratch: ``python -m pytest_aprqa.embedded.train --out DIR``.

Rows of `ROW` tokens are packed with whole lessons that cannot see one another; only the answers are learned. Hidden
matrices are trained with Muon, everything else with AdamW. The same seed and thread count give the same weights. Needs
the extra ``transformers``. Measuring is `measure`'s work.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pytest_aprqa.core import Prompting
from pytest_aprqa.embedded.lessons import Lesson, digest, stream, vocabulary_texts
from pytest_aprqa.embedded.muon import Muon
from pytest_aprqa.embedded.tokenizer import CONTEXT, TURN_END, TURN_START, build_tokenizer

if TYPE_CHECKING:
    import torch
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

ROW: Final = 512
"""Tokens in a row; no lesson is longer."""
UNLEARNED: Final = -100
"""Label of tokens that are read but not learned."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides the weights."""

    seed: int = 42
    steps: int = 2600
    rows: int = 4
    """Rows in a step."""
    hidden: int = 256
    layers: int = 3
    heads: int = 4
    kv_heads: int = 2
    intermediate: int = 512
    muon_lr: float = 0.004
    adam_lr: float = 0.004
    warmup: int = 60
    """Steps until the full learning rate."""
    decay: float = 0.7
    """Share of the steps, at the end, in which the rate falls to zero."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """One lesson as ids, with label and weight of each; equally long."""

    ids: tuple[int, ...]
    labels: tuple[int, ...]
    weights: tuple[float, ...]
    """An answer of n tokens has weight √n in all, so that long answers do not drown the short ones of sums."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Packed rows, each field int64 of (rows, tokens) unless it says otherwise."""

    ids: torch.Tensor
    labels: torch.Tensor
    weights: torch.Tensor
    """float32 (rows, tokens)."""
    positions: torch.Tensor
    """Begin at 0 in each lesson."""
    lesson: torch.Tensor
    """Which lesson of its row a token belongs to."""


def encode(lesson: Lesson, tokenizer: PreTrainedTokenizerFast) -> Tokens:
    """Turns a lesson into the ids that an engine would see and the answers that it should give."""
    ids: list[int] = []
    labels: list[int] = []
    weights: list[float] = []

    def read(text: str, *, learn: bool) -> None:
        new = tokenizer(text, add_special_tokens=False)["input_ids"]
        ids.extend(new)
        labels.extend(new if learn else [UNLEARNED] * len(new))
        weights.extend([len(new) ** -0.5 if learn else 0.0] * len(new))

    read(str(tokenizer.bos_token), learn=False)
    if lesson.prompting is Prompting.RAW:
        prompt, answer = lesson.exchanges[0]
        read(prompt, learn=False)
        read(answer + TURN_END, learn=True)
        return Tokens(tuple(ids), tuple(labels), tuple(weights))
    if lesson.system is not None:
        read(f"<|im_start|>system\n{lesson.system}<|im_end|>\n", learn=False)
    for prompt, answer in lesson.exchanges:
        read(f"<|im_start|>user\n{prompt}<|im_end|>\n<|im_start|>assistant\n", learn=False)
        read(answer + TURN_END, learn=True)
        read("\n", learn=False)
    return Tokens(tuple(ids), tuple(labels), tuple(weights))


def pack(lessons: Iterator[Tokens], *, rows: int) -> Iterator[list[list[Tokens]]]:
    """Fills rows with whole lessons, one after the other, each into the first row that has room."""
    filled: list[list[Tokens]] = [[] for _ in range(rows)]
    for lesson in lessons:
        if len(lesson.ids) > ROW:
            raise ValueError(f"a lesson has {len(lesson.ids)} tokens, more than a row of {ROW}")
        room = [ROW - sum(len(each.ids) for each in row) for row in filled]
        fitting = next((index for index, free in enumerate(room) if free >= len(lesson.ids)), None)
        if fitting is None:
            yield filled
            filled = [[lesson], *([] for _ in range(rows - 1))]
        else:
            filled[fitting].append(lesson)


def collate(rows: Sequence[Sequence[Tokens]]) -> Batch:
    """Makes tensors of packed rows; what is left of a row counts as one more lesson, unlearned."""
    import torch

    ids = torch.zeros(len(rows), ROW, dtype=torch.long)
    labels = torch.full_like(ids, UNLEARNED)
    weights = torch.zeros(ids.shape)
    positions = torch.zeros_like(ids)
    lesson = torch.full_like(ids, -1)
    for index, row in enumerate(rows):
        start = 0
        for number, tokens in enumerate(row):
            end = start + len(tokens.ids)
            ids[index, start:end] = torch.tensor(tokens.ids)
            labels[index, start:end] = torch.tensor(tokens.labels)
            weights[index, start:end] = torch.tensor(tokens.weights)
            positions[index, start:end] = torch.arange(end - start)
            lesson[index, start:end] = number
            start = end
        positions[index, start:] = torch.arange(ROW - start)
    return Batch(ids, labels, weights, positions, lesson)


def build_model(recipe: Recipe, tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """Makes the untrained model."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=recipe.hidden,
        intermediate_size=recipe.intermediate,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        num_key_value_heads=recipe.kv_heads,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        rms_norm_eps=1e-5,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return LlamaForCausalLM(config)


def loss_of(model: LlamaForCausalLM, batch: Batch) -> torch.Tensor:
    """Weighted mean cross entropy of the answer tokens, float32 scalar."""
    import torch

    same = batch.lesson[:, :, None] == batch.lesson[:, None, :]
    mask = torch.tril(same)[:, None]
    hidden = model.model(
        input_ids=batch.ids, attention_mask=mask, position_ids=batch.positions, use_cache=False
    ).last_hidden_state
    targets = batch.labels[:, 1:]
    learned = targets != UNLEARNED
    logits = model.lm_head(hidden[:, :-1][learned])
    weights = batch.weights[:, 1:][learned]
    losses = torch.nn.functional.cross_entropy(logits, targets[learned], reduction="none")
    return (losses * weights).sum() / weights.sum()


def split_weights(model: LlamaForCausalLM) -> tuple[list[torch.nn.Parameter], list[torch.nn.Parameter]]:
    """The matrices of the layers, which Muon trains, and everything else."""
    matrices = [weight for name, weight in model.named_parameters() if weight.ndim == 2 and ".layers." in name]
    inside = {id(weight) for weight in matrices}
    return matrices, [weight for weight in model.parameters() if id(weight) not in inside]


def rate(step: int, recipe: Recipe) -> float:
    """Share of the full learning rate, 0.0-1.0: warmup, level, linear fall to zero."""
    falling = max(1.0, recipe.steps * recipe.decay)
    return max(0.0, min(1.0, (step + 1) / recipe.warmup, (recipe.steps - step) / falling))


def train(recipe: Recipe, tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """Trains a model; the loss goes to standard error every 100 steps."""
    import torch

    torch.manual_seed(recipe.seed)
    torch.use_deterministic_algorithms(True)
    model = build_model(recipe, tokenizer)
    model.train()
    matrices, rest = split_weights(model)
    muon = Muon(matrices)
    adam = torch.optim.AdamW(rest, betas=(0.9, 0.98), weight_decay=0.0)
    lessons = (encode(lesson, tokenizer) for lesson in stream(recipe.seed))
    started = time.monotonic()
    for step, rows in zip(range(recipe.steps), pack(lessons, rows=recipe.rows), strict=False):
        loss = loss_of(model, collate(rows))
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        muon.step(recipe.muon_lr * rate(step, recipe))
        adam.param_groups[0]["lr"] = recipe.adam_lr * rate(step, recipe)
        adam.step()
        adam.zero_grad()
        if step % 100 == 99 or step == recipe.steps - 1:
            seconds = time.monotonic() - started
            sys.stderr.write(f"step {step + 1} loss {loss.item():.4f} after {seconds:.0f} s\n")
    model.train(mode=False)
    return model


def save(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, recipe: Recipe, folder: Path) -> None:
    """Writes the Hugging Face folder, weights in float16, with the recipe that made them."""
    import torch

    folder.mkdir(parents=True, exist_ok=True)
    model.generation_config.max_new_tokens = None
    model.generation_config.do_sample = False
    # transformers wraps `to` in a way that hides its signature.
    untyped: Any = model
    untyped.to(torch.float16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    _complete_tokenizer(tokenizer, folder)
    provenance = {
        "recipe": asdict(recipe),
        "lessons_sha256": digest(recipe.seed, 10_000),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
    }
    (folder / "training.json").write_text(json.dumps(provenance, indent=2) + "\n", encoding="utf-8")


def _complete_tokenizer(tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Adds what transformers 5 no longer writes and other readers want: class name, inline template, token map."""
    path = folder / "tokenizer_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    # transformers 4 reads this list only under its old name.
    config["additional_special_tokens"] = config.pop("extra_special_tokens", [TURN_START])
    config |= {
        "add_bos_token": True,
        "add_eos_token": False,
        "chat_template": tokenizer.chat_template,
        "tokenizer_class": "PreTrainedTokenizerFast",
    }
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    tokens = {f"{name}_token": getattr(tokenizer, f"{name}_token") for name in ("bos", "eos", "pad")}
    (folder / "special_tokens_map.json").write_text(json.dumps(tokens, indent=2) + "\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Trains and saves."""
    parser = argparse.ArgumentParser(prog="python -m pytest_aprqa.embedded.train", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--steps", type=int, default=Recipe().steps, help="training steps (default: %(default)s)")
    options = parser.parse_args(arguments)
    recipe = Recipe(steps=options.steps)
    tokenizer = build_tokenizer(vocabulary_texts())
    save(train(recipe, tokenizer), tokenizer, recipe, options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
