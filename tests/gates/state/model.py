"""An engine that is a small recurrence with a cache, each of whose parts can be made wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np
from numpy.typing import NDArray

from pytest_aprqa.core import Answer, Backend, Completion, Finish, Format, Metrics, Quantization, Request
from pytest_aprqa.engines import Engine, EngineFacts, Instruments, Result
from pytest_aprqa.gates.state import Work

VOCABULARY, WIDTH = 128, 24

Row = Sequence[int]


@dataclass
class State:
    """What is kept of the tokens so far."""

    hidden: NDArray[np.float64] = field(default_factory=lambda: np.zeros(WIDTH))
    position: int = 0


@dataclass
class Model:
    """Speaks ASCII; what it predicts depends on every token so far and on its position."""

    fault: str = ""
    max_batch: int = 4
    dtype: str = "float32"
    chat_template: bool = False
    kept: State = field(default_factory=State)
    calls: int = 0
    generator: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def __post_init__(self) -> None:
        rng = np.random.default_rng(7)
        self._embedding = rng.normal(size=(VOCABULARY, WIDTH))
        self._mix = rng.normal(size=(WIDTH, WIDTH)) / np.sqrt(WIDTH)
        self._head = rng.normal(size=(WIDTH, VOCABULARY))

    @property
    def facts(self) -> EngineFacts:
        return EngineFacts("model", {}, "cpu", self.dtype, 1, self.chat_template, 512, 0.0, VOCABULARY * WIDTH)

    def close(self) -> None:
        """Nothing is held."""

    def generate(self, requests: Sequence[Request]) -> tuple[Result, ...]:
        found: list[Result] = []
        for start in range(0, len(requests), self.max_batch):
            batch = requests[start : start + self.max_batch]
            ids = [self._drawn(self._row(request.turns[0]), request) for request in batch]
            if self.fault == "neighbours" and len(batch) > 1:
                ids = [*ids[1:], ids[0]]
            found += [self._completion(request, row, len(batch)) for request, row in zip(batch, ids, strict=True)]
        return tuple(found)

    def encode(self, texts: Sequence[str], *, special: bool) -> tuple[tuple[int, ...], ...]:
        return tuple(self._row(text) for text in texts)

    def decode(self, rows: Sequence[Row]) -> tuple[str, ...]:
        return tuple("".join(map(chr, row)) for row in rows)

    def render(self, conversations: Sequence[Sequence[Mapping[str, str]]]) -> tuple[str, ...]:
        return tuple("".join(message["content"] for message in one) for one in conversations)

    def logits(self, rows: Sequence[Row], *, last_only: bool = False) -> tuple[NDArray[np.float32], ...]:
        found = [self._over(row, self._fresh()) for row in rows]
        return tuple(one[-1:] if last_only else one for one in found)

    def greedy(self, rows: Sequence[Row], *, max_tokens: int) -> tuple[tuple[int, ...], ...]:
        return tuple(self._continued(row, max_tokens, None, 0.0) for row in rows)

    def stepwise(self, row: Row, *, given: int) -> NDArray[np.float32]:
        state, out = self._fresh(), []
        self._over(row[:given], state)
        for step, token in enumerate(row[given:]):
            if self.fault == "advances_twice" or (self.fault == "advances_late" and step == 3):
                state.position += 1
            out.append(self._over([token], state))
        return np.concatenate(out)

    def together(self, rows: Sequence[Row]) -> tuple[NDArray[np.float32], ...]:
        width, found = max(map(len, rows)), []
        for row in rows:
            padding = [0] * (width - len(row)) if self.fault == "padding" else []
            found.append(self._over([*padding, *row], State())[-1:])
        return tuple(found)

    def sample(self, row: Row, *, max_tokens: int, temperature: float, seed: int) -> tuple[int, ...]:
        return self._continued(row, max_tokens, self._generator(seed), temperature)

    def _row(self, text: str) -> tuple[int, ...]:
        return tuple(min(ord(character), VOCABULARY - 1) for character in text)

    def _fresh(self) -> State:
        self.calls += 1
        if self.fault == "not_cleared":
            return self.kept
        if self.fault == "cleared_at_length":
            # As a cache of prefixes does that trusts the length: what is beyond it is not taken away.
            return State(hidden=0.05 * self.kept.hidden)
        return State()

    def _over(self, row: Row, state: State) -> NDArray[np.float32]:
        out = []
        for token in row:
            turn = np.cos(0.1 * state.position + np.arange(WIDTH))
            state.hidden = np.tanh(self._mix @ state.hidden + self._embedding[token] + turn)
            state.position += 1
            out.append(state.hidden @ self._head)
        self.kept = State(state.hidden.copy(), state.position if self.fault == "not_cleared" else 0)
        logits = np.array(out)
        if self.fault == "rounds":
            logits = np.round(logits, 1)
        if self.fault == "not_finite":
            logits[0] = np.nan
        return logits.astype(np.float32)

    def _continued(
        self, row: Row, tokens: int, generator: np.random.Generator | None, temperature: float
    ) -> tuple[int, ...]:
        state = self._fresh()
        logits, found = self._over(row, state)[-1], []
        for _ in range(tokens):
            if generator is None:
                noise = self.calls % 3 if self.fault == "restless" else 0
                found.append(int(np.argsort(logits)[-1 - noise]))
            else:
                chances = np.exp((logits - logits.max()).astype(np.float64) / temperature)
                found.append(int(generator.choice(VOCABULARY, p=chances / chances.sum())))
            logits = self._over([found[-1]], state)[-1]
        return tuple(found)

    def _drawn(self, row: Row, request: Request) -> tuple[int, ...]:
        generator = self._generator(request.seed) if request.temperature else None
        return self._continued(row, request.max_tokens, generator, request.temperature)

    def _generator(self, seed: int) -> np.random.Generator:
        if self.fault == "global_generator":
            return self.generator
        return np.random.default_rng(0 if self.fault == "seed_ignored" else seed)

    def _completion(self, request: Request, ids: tuple[int, ...], size: int) -> Completion:
        length = len(request.turns[0])
        answer = Answer(self.decode([ids])[0], ids, Finish.LENGTH, length)
        return Completion(request.id, (answer,), Metrics(1.0, length, len(ids), size))


def work_of(
    model: Model,
    *,
    backend: Backend = Backend.CPU,
    cpu: Model | None = None,
    quantization: Quantization | None = None,
    limits: dict[str, float] | None = None,
) -> Work:
    """The model at work; on a gpu beside another one on the cpu."""
    return Work(
        Format.GGUF if quantization else Format.SAFETENSORS,
        quantization,
        backend,
        lambda: cast("Engine", model),
        lambda: cast("Instruments", model),
        cpu=(lambda: cast("Instruments", cpu)) if cpu else None,
        limits=limits or {},
    )
