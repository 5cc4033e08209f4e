"""What makes two questions the same, so that an answer already given need not be computed again.

The key covers everything that the answer depends on: weights, engine and versions, target, prompt, sampling. It does
not cover how the answer is judged: take the answer from the record with `completion_of` and judge it anew, and a
changed oracle or expectation cannot be served a stale verdict. Timing is never reused.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Self

from pytest_aprqa.core import GATES, Answer, Category, Completion, EvidenceError, Finish, Metrics, Outcome
from pytest_aprqa.evidence.record import AnswerRecord, MetricsRecord, Record

_VERSION: Final = 1
"""Changes when the meaning of a key changes, so that old journals are not misread."""

_ANSWERED: Final = (Outcome.CORROBORATED, Outcome.FALSIFIED, Outcome.INCONCLUSIVE)
"""Of the records that hold an answer: an answer that was not judged is judged when it is taken over."""


def content_key(
    *,
    weights_digests: Mapping[str, str],
    engine: str,
    engine_versions: Mapping[str, str],
    target: str,
    turns: Sequence[str],
    system: str | None,
    prompting: str,
    max_tokens: int,
    temperature: float,
    seed: int,
    dtype: str,
    repeat: int = 0,
) -> str:
    """SHA-256 (64 hex digits) of everything that an answer depends on.

    Args:
        weights_digests: file name to digest, tokenizer and configuration included.
        engine: its name.
        engine_versions: library to version.
        target: target id.
        turns: what the user says.
        system: system prompt.
        prompting: ``template`` or ``raw``.
        max_tokens: limit for each answer.
        temperature: 0.0 is greedy.
        seed: of the sampling.
        dtype: type that the engine computes in.
        repeat: counts deliberate repetitions of the same question.
    """
    parts = {
        "version": _VERSION,
        "weights": dict(weights_digests),
        "engine": engine,
        "engine_versions": dict(engine_versions),
        "target": target,
        "turns": list(turns),
        "system": system,
        "prompting": str(prompting),
        "max_tokens": max_tokens,
        "temperature": float(temperature),
        "seed": seed,
        "dtype": dtype,
        "repeat": repeat,
    }
    canonical = json.dumps(parts, sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


@dataclass(frozen=True, slots=True)
class Resumable:
    """Answered records of earlier runs by their content key."""

    by_key: Mapping[str, Record]

    @classmethod
    def of(cls, records: Iterable[Record]) -> Self:
        """Keeps the records that may stand in for a new answer; the first of equal keys wins."""
        kept: dict[str, Record] = {}
        for record in records:
            if record.content_key is not None and _is_reusable(record):
                kept.setdefault(record.content_key, record)
        return cls(MappingProxyType(kept))

    def find(self, key: str | None) -> Record | None:
        """The record that answered the same question, if any."""
        return None if key is None else self.by_key.get(key)


def completion_of(record: Record, *, request_id: str) -> Completion:
    """The engine's answer as it was recorded, to be judged anew.

    Raises:
        EvidenceError: the record holds no answer or no measurements.
    """
    if record.metrics is None or not record.generated:
        raise EvidenceError(f"{record.case_id}: the record holds no answer that could be judged anew")
    return Completion(
        request_id=request_id,
        answers=tuple(_answer(answer) for answer in record.answers),
        metrics=_metrics(record.metrics),
        notes=record.notes,
    )


def _is_reusable(record: Record) -> bool:
    gate = GATES.get(record.gate_id)
    return (
        record.outcome in _ANSWERED
        and record.generated
        and record.metrics is not None
        and all(answer.finish is not None for answer in record.answers)
        and gate is not None
        and gate.category is not Category.PERF
    )


def _answer(answer: AnswerRecord) -> Answer:
    return Answer(answer.text, answer.token_ids, answer.finish or Finish.LENGTH, answer.prompt_tokens or 0)


def _metrics(metrics: MetricsRecord) -> Metrics:
    return Metrics(
        duration_ms=metrics.duration_ms,
        prompt_tokens=metrics.prompt_tokens,
        generated_tokens=metrics.generated_tokens,
        batch_size=metrics.batch_size,
        ttft_ms=metrics.ttft_ms,
        decode_tok_per_s=metrics.decode_tok_per_s,
        peak_rss_bytes=metrics.peak_rss_bytes,
        peak_vram_bytes=metrics.peak_vram_bytes,
    )
