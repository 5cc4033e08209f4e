"""One record: what was asked of one target, what came back, and what became of the hypothesis.

The record is the same whichever worker made it; what may differ between two runs (times, memory, batches) stands in
fields of its own, and `untimed_record` leaves those out. Knows nothing of scores, files or pytest.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final, Required, Self, TypedDict, Unpack

from pydantic import Field, JsonValue, model_validator

from pytest_aprqa.core import (
    GATES,
    Answer,
    Backend,
    Case,
    Completion,
    Finish,
    Format,
    Gate,
    Gateway,
    Json,
    Metrics,
    Modality,
    OracleSpec,
    Outcome,
    Prompting,
    Quantization,
    Request,
    Target,
    Verdict,
)
from pytest_aprqa.evidence.door import EvidenceModel
from pytest_aprqa.evidence.plain import plain_json, plain_text

GARBAGE: Final = "garbage"
"""Key of `Record.details`: true when the garbage oracle refused the generated text, false when it accepted it."""


_JUDGED_LAST: Final = (Gateway.G3, Gateway.G4)


class AnswerRecord(EvidenceModel):
    """What the model generated for one turn."""

    text: str
    """Generated text only."""
    token_ids: tuple[int, ...] = ()
    """Generated ids, the stop token included; empty in foreign evidence."""
    finish: Finish | None = None
    """Why generation ended; null in foreign evidence."""
    prompt_tokens: int | None = Field(default=None, ge=0)
    """Tokens the model saw before this answer; null in foreign evidence."""


class MetricsRecord(EvidenceModel):
    """Measured, never assumed; null means that it was not measured, or came out infinite."""

    duration_ms: float = Field(ge=0)
    """Wall time of the request, of the whole batch when `batch_size` is above 1; milliseconds."""
    prompt_tokens: int = Field(ge=0)
    """Tokens, sum over the turns."""
    generated_tokens: int = Field(ge=0)
    """Tokens, sum over the turns, stop tokens included."""
    batch_size: int = Field(ge=1)
    """How many requests were computed together."""
    ttft_ms: float | None = Field(default=None, ge=0)
    """Time to the first token of the first turn; milliseconds."""
    decode_tok_per_s: float | None = Field(default=None, ge=0)
    """Tokens after the first, per second of decoding."""
    peak_rss_bytes: int | None = Field(default=None, ge=0)
    """Largest resident set of the engine's process so far; bytes."""
    peak_vram_bytes: int | None = Field(default=None, ge=0)
    """Largest memory allocated on the device so far; bytes."""


class Record(EvidenceModel):
    """What became of one case or one gateway check."""

    case_id: str
    """Unique within a playbook and the pytest item's name, such as ``chat[gguf-q4_k_m-cpu-two_plus_two]``."""
    playbook: str
    """Name of the playbook; empty in foreign evidence."""
    index: int = Field(ge=0)
    """Place in collection order; records are sorted by it."""
    gate_id: str
    """Key of the gate table; any text in foreign evidence."""
    outcome: Outcome
    """What the hypothesis came to."""
    reason: str
    """One sentence: what was seen, or why it was not run."""
    compared: int | None = Field(default=0, ge=0)
    """How many items were compared; null where foreign evidence does not say. Never 0 when corroborated."""
    details: dict[str, JsonValue] = Field(default_factory=dict)
    """Numbers and excerpts behind the reason; in foreign evidence also every field that has no place here."""
    model: str
    """``org/name``."""
    format: Format | None = None
    """Of the target; null when there is no target."""
    quantization: Quantization | None = None
    """Of the target; null where the format stores the weights as they are."""
    backend: Backend | None = None
    """Of the target; null when there is no target."""
    modality: Modality | None = None
    """How the model was used; null for a gateway check."""
    scenario: str | None = None
    """Name of the scenario; null for a gateway check."""
    scenario_category: str | None = None
    """Such as ``arithmetic`` or ``edge``; null for a gateway check."""
    turns: tuple[str, ...] = ()
    """What the user said, in order."""
    system: str | None = None
    """System prompt."""
    answers: tuple[AnswerRecord, ...] = ()
    """What the model generated, one for each answered turn; empty when nothing was generated."""
    expected: JsonValue = None
    """The expected answer where there is one."""
    oracles: tuple[str, ...] = ()
    """Types of the oracles that judged."""
    prompting: Prompting | None = None
    """How the prompt reached the model; null when nothing was asked."""
    temperature: float | None = Field(default=None, ge=0)
    """0.0 is greedy; null when nothing was asked."""
    max_tokens: int | None = Field(default=None, ge=0)
    """Limit for each answer, in tokens; null when nothing was asked."""
    seed: int | None = None
    """Seed of the sampling; null when nothing was asked."""
    timeout_ms: int | None = Field(default=None, ge=0)
    """Hard deadline of the request, in milliseconds; null when nothing was asked."""
    metrics: MetricsRecord | None = None
    """Measurements of the request; null when nothing was measured."""
    notes: tuple[str, ...] = ()
    """What happened on the way, such as ``retried alone in a fresh process after out of memory``."""
    stderr_tail: str = ""
    """The last lines that a dead engine wrote to its standard error."""
    exit_code: int | None = None
    """Of a dead engine's process; negative means killed by that signal."""
    content_key: str | None = None
    """Identity of the question and of everything that the answer depends on; null when it may not be reused."""
    resumed: bool = False
    """True when the record was taken from an earlier journal and not computed in this run."""
    started_at: str | None = None
    """When the case began, ISO 8601 in UTC; null when it did not run."""
    duration_ms: float | None = Field(default=None, ge=0)
    """Wall time of the case, in milliseconds; null when it did not run."""

    @model_validator(mode="after")
    def _comparing_nothing_is_never_a_pass(self) -> Self:
        if self.outcome is Outcome.CORROBORATED and self.compared == 0:
            raise ValueError("a corroborated record compared nothing")
        return self

    @property
    def target_id(self) -> str | None:
        """As `Target.id`, such as ``gguf-q4_k_m-cpu``; None when the record has no target."""
        if self.format is None or self.backend is None:
            return None
        return Target(self.model, self.format, self.quantization, self.backend).id

    @property
    def cell_id(self) -> str | None:
        """As `Cell.id`, such as ``chat[gguf-q4_k_m-cpu]``; None for gateway checks."""
        if self.target_id is None or self.modality is None:
            return None
        return f"{self.modality}[{self.target_id}]"

    @property
    def item(self) -> str | None:
        """Name of the pytest item that judges it again alone; None where only the whole playbook does.

        A gateway is one item with several gates; G3 and G4 judge what the other items have shown.
        """
        gateway = GATES[self.gate_id].gateway if self.gate_id in GATES else None
        if gateway is None:
            return self.case_id
        return None if gateway in _JUDGED_LAST else f"{gateway}_{gateway.word}[{self.target_id}]"

    @property
    def generated(self) -> bool:
        """True when the record carries generated text, be it empty."""
        return bool(self.answers)

    @property
    def garbage(self) -> bool:
        """True when the garbage oracle refused the generated text."""
        return self.details.get(GARBAGE) is True


class Observed(TypedDict, total=False):
    """What was seen of a case: the keyword arguments that `record_of_case` and `record_of_gate` share."""

    outcome: Required[Outcome]
    """What the hypothesis came to; corroborated without a verdict that compared something is made inconclusive."""
    reason: Required[str]
    """One sentence."""
    verdict: Verdict | None
    """The judge's word, where one judged: gives `compared` and `details`."""
    details: Mapping[str, Json]
    """More details; they win over the verdict's."""
    completion: Completion | None
    """What the engine answered: gives `answers`, `metrics` and `notes`."""
    notes: Sequence[str]
    """Come after the completion's."""
    stderr_tail: str
    """Of a dead engine."""
    exit_code: int | None
    """Of a dead engine."""
    content_key: str | None
    """See `content_key` in this room."""
    resumed: bool
    """True when the completion was taken from an earlier journal."""
    started_at: str | None
    """ISO 8601 in UTC."""
    duration_ms: float | None
    """Milliseconds."""


def record_of_case(case: Case, *, playbook: str, index: int, **seen: Unpack[Observed]) -> Record:
    """The record of a scenario case.

    Args:
        case: the case.
        playbook: name of the playbook.
        index: place in collection order.
        **seen: what was seen of it.
    """
    scenario = case.scenario
    return Record.model_validate(
        {
            **_seen_fields(seen),
            **_target_fields(case.cell.target),
            "case_id": case.id,
            "playbook": playbook,
            "index": index,
            "gate_id": case.gate.id,
            "modality": case.cell.modality,
            "scenario": scenario.name,
            "scenario_category": scenario.category,
            "turns": tuple(plain_text(turn) for turn in scenario.turns),
            "system": None if scenario.system is None else plain_text(scenario.system),
            "expected": plain_json(scenario.expected),
            "oracles": _oracle_names(scenario.oracles),
            "prompting": case.prompting,
            "temperature": case.temperature,
            "max_tokens": case.max_tokens,
            "seed": case.seed,
            "timeout_ms": case.timeout_ms,
        }
    )


def record_of_gate(
    gate: Gate,
    target: Target,
    *,
    playbook: str,
    index: int,
    case_id: str | None = None,
    request: Request | None = None,
    **seen: Unpack[Observed],
) -> Record:
    """The record of a gateway check, or of any gate that is about a target as a whole.

    Args:
        gate: the gate.
        target: what was checked.
        playbook: name of the playbook.
        index: place in collection order.
        case_id: name of the pytest item; default ``G1-LOAD[safetensors-cpu]``.
        request: what was asked of the engine, if anything.
        **seen: what was seen of it.
    """
    return Record.model_validate(
        {
            **_seen_fields(seen),
            **_target_fields(target),
            **({} if request is None else _request_fields(request)),
            "case_id": case_id or f"{gate.id}[{target.id}]",
            "playbook": playbook,
            "index": index,
            "gate_id": gate.id,
        }
    )


def untimed_record(record: Record) -> dict[str, Json]:
    """The record without what may differ between two runs: times, memory, batches, a dead process's last words.

    Of a gate whose reason tells times, only the outcome stays.
    """
    plain = record.to_json()
    gate = GATES.get(record.gate_id)
    told = ("reason", "details") if gate is not None and gate.timed else ()
    for name in ("started_at", "duration_ms", "stderr_tail", *told):
        del plain[name]
    if record.metrics is not None:
        plain["metrics"] = {
            "prompt_tokens": record.metrics.prompt_tokens,
            "generated_tokens": record.metrics.generated_tokens,
        }
    return plain


def _seen_fields(seen: Observed) -> dict[str, object]:
    verdict, completion = seen.get("verdict"), seen.get("completion")
    compared = 0 if verdict is None else verdict.compared
    outcome, reason = seen["outcome"], seen["reason"]
    if outcome is Outcome.CORROBORATED and compared < 1:
        outcome, reason = Outcome.INCONCLUSIVE, f"nothing was compared ({reason})"
    notes = (*(() if completion is None else completion.notes), *seen.get("notes", ()))
    return {
        "outcome": outcome,
        "reason": plain_text(reason),
        "compared": compared,
        "details": plain_json({**({} if verdict is None else verdict.details), **seen.get("details", {})}),
        "answers": () if completion is None else tuple(_answer(answer) for answer in completion.answers),
        "metrics": None if completion is None else _metrics(completion.metrics),
        "notes": tuple(plain_text(note) for note in notes),
        "stderr_tail": plain_text(seen.get("stderr_tail", "")),
        "exit_code": seen.get("exit_code"),
        "content_key": seen.get("content_key"),
        "resumed": seen.get("resumed", False),
        "started_at": seen.get("started_at"),
        "duration_ms": seen.get("duration_ms"),
    }


def _answer(answer: Answer) -> AnswerRecord:
    return AnswerRecord(
        text=plain_text(answer.text),
        token_ids=tuple(int(token) for token in answer.token_ids),
        finish=answer.finish,
        prompt_tokens=answer.prompt_tokens,
    )


def _metrics(metrics: Metrics) -> MetricsRecord:
    return MetricsRecord(
        duration_ms=metrics.duration_ms,
        prompt_tokens=metrics.prompt_tokens,
        generated_tokens=metrics.generated_tokens,
        batch_size=metrics.batch_size,
        ttft_ms=_finite(metrics.ttft_ms),
        decode_tok_per_s=_finite(metrics.decode_tok_per_s),
        peak_rss_bytes=metrics.peak_rss_bytes,
        peak_vram_bytes=metrics.peak_vram_bytes,
    )


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None


def _target_fields(target: Target) -> dict[str, object]:
    return {
        "model": target.model,
        "format": target.format,
        "quantization": target.quantization,
        "backend": target.backend,
    }


def _request_fields(request: Request) -> dict[str, object]:
    return {
        "turns": tuple(plain_text(turn) for turn in request.turns),
        "system": None if request.system is None else plain_text(request.system),
        "prompting": request.prompting,
        "temperature": request.temperature,
        "max_tokens": request.max_tokens,
        "seed": request.seed,
        "timeout_ms": request.timeout_ms,
    }


def _oracle_names(oracles: Sequence[OracleSpec]) -> tuple[str, ...]:
    return tuple(oracle.type for oracle in oracles)
