"""A little model in NumPy with all the instruments that a golden corpus needs: quick, deterministic, easy to damage."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pytest_aprqa.core import EngineUnavailable, Prompting
from pytest_aprqa.engines import EngineFacts
from pytest_aprqa.golden import Prompt, Provenance
from tests.lacking import LacksProbes

VOCABULARY = 300
BOS, STOP = 256, 257
PROMPTS = (
    Prompt("chat", "Hello there", Prompting.TEMPLATE),
    Prompt("raw", "one two three four", Prompting.RAW),
    Prompt("long", "abcdefghij" * 6, Prompting.RAW),
)
PROVENANCE = Provenance("org/talker", {"model.safetensors": "a" * 64}, "2026-01-02T03:04:05Z", host={"cores": 2})

Logits = NDArray[np.float32]


def facts(**changed: object) -> EngineFacts:
    """What a ground truth says about itself."""
    said: dict[str, object] = {
        "name": "transformers",
        "versions": {"torch": "2", "transformers": "5"},
        "device": "cpu",
        "dtype": "float32",
        "threads": 1,
        "chat_template": True,
        "context_tokens": 200,
        "load_ms": 1.0,
        "parameters": 2_000_000,
    }
    return EngineFacts(**(said | changed))  # type: ignore[arg-type]  # one dict for fields of several types


def _tables() -> tuple[Logits, Logits]:
    random = np.random.default_rng(7)
    shape = (VOCABULARY + 1, VOCABULARY)
    return random.normal(0, 2.5, shape).astype(np.float32), random.normal(0, 1, shape).astype(np.float32)


NOW, BEFORE = _tables()


@dataclass
class Talker(LacksProbes):
    """Predicts from the last two ids."""

    damage: Callable[[Logits], Logits] = field(default=lambda logits: logits)
    """Done to the logits of every row."""
    template: str = "<u>{}<a>"
    start: int | None = BOS
    lacks: str = ""
    """An instrument that it does not have."""

    def encode(self, texts: Sequence[str], *, special: bool) -> tuple[tuple[int, ...], ...]:
        self._require("encode")
        first = (self.start,) if special and self.start is not None else ()
        return tuple((*first, *text.encode()) for text in texts)

    def decode(self, rows: Sequence[Sequence[int]]) -> tuple[str, ...]:
        return tuple("".join(chr(token) if token < 256 else f"<|{token}|>" for token in row) for row in rows)

    def render(self, conversations: Sequence[Sequence[Mapping[str, str]]]) -> tuple[str, ...]:
        return tuple(self.template.format(messages[0]["content"]) for messages in conversations)

    def logits(self, rows: Sequence[Sequence[int]], *, last_only: bool = False) -> tuple[Logits, ...]:
        self._require("logits")
        return tuple(self.damage(self._exact(row))[-1 if last_only else 0 :] for row in rows)

    def greedy(self, rows: Sequence[Sequence[int]], *, max_tokens: int) -> tuple[tuple[int, ...], ...]:
        return tuple(self._continue(list(row), max_tokens) for row in rows)

    def activations(self, row: Sequence[int]) -> Mapping[str, Logits]:
        raise NotImplementedError

    def _exact(self, row: Sequence[int]) -> Logits:
        before = [VOCABULARY, *row[:-1]]
        logits: Logits = NOW[list(row)] + BEFORE[before]
        return logits

    def _continue(self, row: list[int], max_tokens: int) -> tuple[int, ...]:
        said: list[int] = []
        while len(said) < max_tokens and STOP not in said:
            said.append(int(np.nan_to_num(self.damage(self._exact([*row, *said]))[-1], nan=-9e9).argmax()))
        return tuple(said)

    def _require(self, name: str) -> None:
        if name == self.lacks:
            raise EngineUnavailable("talker", f"it has no instrument {name!r}", install="nothing")


def reseal(folder: Path, change: Callable[[dict[str, object]], None] = lambda _value: None) -> None:
    """Changes the manifest as a careful forger would: digests of the files and the seal are made to fit."""
    path = folder / "manifest.json"
    value = json.loads(path.read_text())
    change(value)
    for entry in value["prompts"]:
        file = folder / Path(entry["file"]).name
        if file.is_file():
            entry["sha256"] = hashlib.sha256(file.read_bytes()).hexdigest()
    text = (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()
    path.write_bytes(text)
    (folder / "manifest.sha256").write_text(f"{hashlib.sha256(text).hexdigest()}  manifest.json\n")
