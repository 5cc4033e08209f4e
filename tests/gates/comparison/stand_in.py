"""An engine that is a few pure functions, each of which can be made wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pytest_aprqa.core import AprqaError, EngineUnavailable
from pytest_aprqa.engines import ModuleKind, ModuleTrace
from pytest_aprqa.engines.trace_statistics import describe
from tests.lacking import LacksProbes

BOS_ID, FIRST_BYTE, VOCABULARY = 0, 10, 280
CONTROL = {"<|endoftext|>": 0, "<|im_start|>": 1, "<|im_end|>": 2}

MODULES = {
    "model.embed_tokens": ModuleKind.EMBEDDING,
    **{
        f"model.layers.{layer}{name}": kind
        for layer in range(3)
        for name, kind in {
            ".input_layernorm": ModuleKind.NORM,
            ".self_attn": ModuleKind.ATTENTION,
            ".post_attention_layernorm": ModuleKind.NORM,
            ".mlp": ModuleKind.MLP,
            "": ModuleKind.LAYER,
        }.items()
    },
    "model.norm": ModuleKind.NORM,
    "lm_head": ModuleKind.HEAD,
}
"""In order of computation."""

Rows = Sequence[Sequence[int]]


@dataclass
class StandIn(LacksProbes):
    """Speaks bytes; predicts by a hash of the last token and the position."""

    shift: int = 0
    """Added to the ids of bytes from ``z`` upward, as if an entry of the vocabulary were missing."""
    bytes_lost: bool = False
    """What is beyond ASCII becomes one unknown token."""
    specials_moved: bool = False
    bos: int = 1
    smuggles: bool = False
    eats_spaces: bool = False
    template: str = "<|im_start|>{role}\n{content}<|im_end|>\n"
    noise: float = 0.0
    noise_from: int = 0
    """Only rows of this many tokens or more are noisy."""
    not_finite: bool = False
    other_words: bool = False
    """Greedy tokens are not the likeliest ones."""
    flood: bool = False
    layer: int | None = None
    """The layer from which on the outputs are wrong."""
    layer_fault: str = "turned"
    traces: bool = True
    """Shows its modules."""
    modules: Mapping[str, str] = field(default_factory=dict)
    """Name of a module to what is wrong with it."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Other names for the modules; one without a name is not shown."""
    said: str | None = None
    """What it says to whatever it is asked."""
    error: AprqaError | None = None
    asked: int = 0

    def encode(self, texts: Sequence[str], *, special: bool) -> tuple[tuple[int, ...], ...]:
        self._count()
        return tuple(tuple(self._encode(text, special=special)) for text in texts)

    def decode(self, rows: Rows) -> tuple[str, ...]:
        self._count()
        names = {id: text for text, id in CONTROL.items()}
        texts = []
        for row in rows:
            parts = [names[id].encode() if id in names else bytes([(id - FIRST_BYTE) % 256]) for id in row]
            text = b"".join(parts).decode("utf-8", "replace")
            texts.append(text.replace("  ", " ") if self.eats_spaces else text)
        return tuple(texts)

    def render(self, conversations: Sequence[Sequence[Mapping[str, str]]]) -> tuple[str, ...]:
        self._count()
        return tuple("".join(self.template.format(**message) for message in one) for one in conversations)

    def logits(self, rows: Rows, *, last_only: bool = False) -> tuple[NDArray[np.float32], ...]:
        self._count()
        found = []
        for row in rows:
            places = range(len(row) - 1, len(row)) if last_only else range(len(row))
            found.append(np.stack([self._logits(row, place) for place in places]))
        return tuple(found)

    def greedy(self, rows: Rows, *, max_tokens: int) -> tuple[tuple[int, ...], ...]:
        self._count()
        if self.said is not None:
            return tuple(tuple(self._encode(self.said, special=False))[:max_tokens] for _ in rows)
        if self.flood:
            return tuple((BOS_ID,) * max_tokens for _ in rows)
        out = []
        for row in rows:
            whole = list(row)
            for _ in range(max_tokens):
                ranked = np.argsort(self._logits(whole, len(whole) - 1))
                whole.append(int(ranked[0 if self.other_words else -1]))
            out.append(tuple(whole[len(row) :]))
        return tuple(out)

    def activations(self, row: Sequence[int]) -> Mapping[str, NDArray[np.float32]]:
        self._count()
        found = {}
        for number, name in enumerate(("embedding", "layer.0", "layer.1", "final_norm")):
            values = np.random.default_rng(number).normal(size=(len(row), 32)).astype(np.float32)
            if self.layer is not None and number >= self.layer:
                values = self._faulty(values)
            found[name] = values
        return found

    def trace(self, row: Sequence[int]) -> tuple[ModuleTrace, ...]:
        self._count()
        if not self.traces:
            raise EngineUnavailable("stand-in", "it shows no modules", install="nothing")
        found = []
        for number, (name, kind) in enumerate(MODULES.items()):
            values = np.random.default_rng([number, *row]).normal(size=(len(row), 32))
            values = _spoiled(values, self.modules.get(name, ""))
            if not self.names or name in self.names:
                found.append(describe(self.names.get(name, name), kind, values))
        return tuple(found)

    def _faulty(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        if self.layer_fault == "nan":
            return np.where(values > 2, np.float32("nan"), values).astype(np.float32)
        return values * 100 if self.layer_fault == "large" else np.roll(values, 1, axis=1)

    def _encode(self, text: str, *, special: bool) -> list[int]:
        parse = special or self.smuggles
        ids = [BOS_ID] * (self.bos if special else 0)
        while text:
            control = next((mark for mark in CONTROL if parse and text.startswith(mark)), None)
            if control is not None:
                ids.append((CONTROL[control] + self.specials_moved) % 3)
                text = text[len(control) :]
                continue
            for byte in text[0].encode():
                lost = self.bytes_lost and byte > 127
                ids.append(FIRST_BYTE + (255 if lost else byte + (self.shift if byte >= ord("z") else 0)))
            text = text[1:]
        return ids

    def _logits(self, row: Sequence[int], place: int) -> NDArray[np.float32]:
        logits = 4 * np.random.default_rng([row[place], place]).normal(size=VOCABULARY)
        if self.noise and len(row) >= self.noise_from:
            logits += self.noise * np.random.default_rng([1, row[place], place]).normal(size=VOCABULARY)
        if self.not_finite:
            logits[:] = np.nan
        return logits.astype(np.float32)

    def _count(self) -> None:
        self.asked += 1
        if self.error is not None:
            raise self.error


def _spoiled(values: NDArray[np.float64], fault: str) -> NDArray[np.float64]:
    match fault:
        case "nan" | "inf":
            values[1, 3] = float(fault)
            return values
        case "same":
            return np.repeat(values[:1], len(values), axis=0)
        case "":
            return values
        case _:
            return values * float(fault)
