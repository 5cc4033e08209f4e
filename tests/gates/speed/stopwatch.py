"""An engine whose clock and memory are scripted, and timings of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from pytest_aprqa.core import AprqaError, Backend, EngineRefused, Format, Quantization
from pytest_aprqa.engines import Engine, EngineFacts, Instruments, Pace
from pytest_aprqa.gates.speed import Thresholds, Timing

MIB = 1 << 20
FACTS = EngineFacts("scripted", {"script": "1"}, "cpu", "float32", 2, True, 512, load_ms=800.0, parameters=100)
STEADY = (0.99, 1.01, 1.0, 1.02, 0.98)
"""Factors of the times of successive answers."""
NOISY = (0.5, 2.0, 1.0, 0.6, 1.7)


@dataclass
class Stopwatch:
    """Answers `asked` times; each answer takes the script's next factor."""

    token_ms: float = 10.0
    first_ms: float = 50.0
    factors: Sequence[float] = STEADY
    rss_bytes: Callable[[int], int] = lambda _answer: 500 * MIB
    """Resident set after the answer of a number."""
    vram_bytes: Callable[[int], int | None] = lambda _answer: None
    change: Callable[[Pace], Pace] = lambda pace: pace
    error: AprqaError | None = None
    facts: EngineFacts = FACTS
    no_template: bool = False
    rows: list[tuple[int, ...]] = field(default_factory=list)

    def encode(self, texts: Sequence[str], *, special: bool) -> tuple[tuple[int, ...], ...]:
        assert special
        return tuple(tuple(text.encode()) for text in texts)

    def render(self, conversations: Sequence[Sequence[Mapping[str, str]]]) -> tuple[str, ...]:
        if self.no_template:
            raise EngineRefused("no template")
        return tuple(f"<user>{conversation[0]['content']}" for conversation in conversations)

    def pace(self, row: Sequence[int], *, tokens: int) -> Pace:
        if self.error is not None:
            raise self.error
        answer = len(self.rows)
        self.rows.append(tuple(row))
        factor = self.factors[answer % len(self.factors)]
        rss, vram = self.rss_bytes(answer), self.vram_bytes(answer)
        times = tuple(self.token_ms * factor * (1.1 if token % 2 else 0.9) for token in range(tokens - 1))
        return self.change(Pace(self.first_ms * factor, times, len(row), rss, rss, vram))


def a_timing(watch: Stopwatch | None = None, **fields: Any) -> Timing:  # noqa: ANN401 - any field of Timing
    """A timing of the stopwatch; 11 tokens, 1 answer of warm-up, 5 measured."""
    made = watch or Stopwatch()
    thresholds = {"thresholds": Thresholds(**fields.pop("asserts"))} if "asserts" in fields else {}
    given = {
        "format": Format.GGUF,
        "quantization": Quantization.Q8_0,
        "backend": Backend.CPU,
        "tokens": 11,
        "warmup": 1,
        "measure": 5,
        "model": "org/scripted",
        "machine": "a cpu",
        **thresholds,
        **fields,
    }
    return Timing(engine=lambda: cast("Engine", made), instruments=lambda: cast("Instruments", made), **given)


def slower(times: float, **fields: Any) -> Stopwatch:  # noqa: ANN401 - any field of Stopwatch
    """A stopwatch that is slower by a factor."""
    watch = Stopwatch(**fields)
    return replace(watch, token_ms=watch.token_ms * times, first_ms=watch.first_ms * times)
