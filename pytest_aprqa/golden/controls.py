"""Negative controls: faults planted in a copy of a corpus, which the comparison must find.

From a recording, logits are made that would give it back exactly; untouched they must pass, and with any of the faults
they must fail, by the strictest limits. A comparison that passes both could refute nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pytest_aprqa.golden.corpus import GoldenPrompt, Recording
from pytest_aprqa.golden.observe import checks_of, margin_at, observe, own_margin_at, parting, unusable

Logits = NDArray[np.float32]

_PROMPTS: Final = 3
_POSITIONS: Final = 24
"""Of each of these prompts; more would take memory and show no more."""


def failed_controls(prompts: Sequence[GoldenPrompt], *, vocabulary: int) -> Iterator[str]:
    """A sentence for each control that the comparison fails; none when it can refute.

    Args:
        prompts: sound recordings, at least one.
        vocabulary: logits at a position.
    """
    chosen = [_beginning(each.recording) for each in prompts[:_PROMPTS]]
    for name, plant in {"": _untouched, **FAULTS}.items():
        passes = _passes(chosen, [plant(_expand(recording, vocabulary)) for recording in chosen])
        if name and passes:
            yield f"the comparison does not notice logits that are {name}"
        elif not name and not passes:
            yield "the comparison refutes the corpus' own logits"
    if _misses_other_answer(chosen, vocabulary):
        yield "the comparison does not notice another greedy continuation"


def _passes(recordings: Sequence[Recording], logits: Sequence[Logits]) -> bool:
    pairs = list(zip(recordings, logits, strict=True))
    if any(unusable(recording, values) for recording, values in pairs):
        return False
    return all(check.holds for check in checks_of([observe(*pair) for pair in pairs], [], "f32", intervals=False))


def _misses_other_answer(recordings: Sequence[Recording], vocabulary: int) -> bool:
    """Every continuation begins with the least likely of the recorded tokens, though the logits are right."""
    margins, observations = [], []
    for recording in recordings:
        logits = _expand(recording, vocabulary)
        parted = parting(recording, (int(recording.top_ids[len(recording.token_ids) - 1, -1]),))
        margins.append(min(margin_at(recording, parted), own_margin_at(recording, parted, logits)))
        observations.append(observe(recording, logits))
    return all(check.holds for check in checks_of(observations, margins, "f32", intervals=False))


def _beginning(recording: Recording) -> Recording:
    """The last positions of a recording, with the continuation, as if the prompt began there."""
    start = max(0, len(recording.top) - _POSITIONS)
    start = min(start, len(recording.token_ids) - 1)
    cut = slice(start, start + _POSITIONS)
    return Recording(
        token_ids=recording.token_ids[start:],
        continuation=recording.continuation,
        margins=recording.margins,
        top_ids=recording.top_ids[cut],
        top=recording.top[cut],
        largest=recording.largest[cut],
        log_total=recording.log_total[cut],
        log_rest=recording.log_rest[cut],
        variance=recording.variance[cut],
    )


def _expand(recording: Recording, vocabulary: int) -> Logits:
    """Logits (positions, vocabulary) that reduce to the recording; the rest is spread evenly."""
    positions, k = recording.top.shape
    others = recording.log_rest + recording.log_total - np.log(vocabulary - k)
    logits = np.repeat(others[:, None], vocabulary, axis=1).astype(np.float32)
    np.put_along_axis(logits, recording.top_ids, recording.top.astype(np.float32), axis=1)
    return logits[:positions]


def _untouched(logits: Logits) -> Logits:
    return logits


def _shifted(logits: Logits) -> Logits:
    return np.roll(logits, 1, axis=0) if len(logits) > 1 else np.roll(logits, 1, axis=1)


def _moved(logits: Logits) -> Logits:
    return np.roll(logits, 1, axis=1)


def _scaled(logits: Logits) -> Logits:
    return logits * np.float32(0.8)


def _leveled(logits: Logits) -> Logits:
    return np.zeros_like(logits)


def _with_nan(logits: Logits) -> Logits:
    broken = logits.copy()
    broken[-1, 0] = np.nan
    return broken


FAULTS: Final[dict[str, Callable[[Logits], Logits]]] = {
    "those of the position before": _shifted,
    "those of the id before": _moved,
    "a fifth too small": _scaled,
    "all equal": _leveled,
    "NaN in one place": _with_nan,
}
"""What is planted, by what the sentence calls it."""
