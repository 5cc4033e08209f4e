"""Cases, records and evidence that tests of several rooms build upon."""

from __future__ import annotations

from pytest_aprqa.core import (
    GATES,
    Answer,
    Backend,
    Case,
    Cell,
    Completion,
    Finish,
    Format,
    Json,
    Metrics,
    Modality,
    OracleSpec,
    Outcome,
    Prompting,
    Quantization,
    Scenario,
    Target,
)
from pytest_aprqa.evidence import (
    AnswerRecord,
    Evidence,
    HostInfo,
    JournalHeader,
    PlaybookInfo,
    Record,
    RunInfo,
)

MODEL = "acme/Tiny-1.0"
TARGET = Target(MODEL, Format.GGUF, Quantization.Q4_K_M, Backend.CPU)
PLAYBOOK = PlaybookInfo(name="tiny-smoke", model=MODEL, tier="smoke")
HEADER = JournalHeader(run=RunInfo(id="r1", started_at="2026-01-02T03:04:05Z"), host=HostInfo(), playbook=PLAYBOOK)


def a_case(name: str = "two_plus_two") -> Case:
    scenario = Scenario(
        name, ("What is 2+2?",), "arithmetic", (OracleSpec("arithmetic"),), expected=4, system="Be brief."
    )
    return Case(
        id=f"chat[{TARGET.id}-{name}]",
        cell=Cell(TARGET, Modality.CHAT),
        scenario=scenario,
        gate=GATES["F-A3-001"],
        seed=7,
        prompting=Prompting.TEMPLATE,
        max_tokens=32,
        temperature=0.0,
        timeout_ms=60_000,
        line=3,
    )


def a_completion(text: str = "4", *, duration_ms: float = 12.5, batch_size: int = 2) -> Completion:
    return Completion(
        "q",
        (Answer(text, (52, 2), Finish.STOP, 17),),
        Metrics(duration_ms, 17, 2, batch_size, ttft_ms=3.0, decode_tok_per_s=80.0, peak_rss_bytes=1000),
        ("a note",),
    )


def a_record(
    gate_id: str = "F-A3-001",
    outcome: Outcome = Outcome.CORROBORATED,
    *,
    index: int = 0,
    texts: tuple[str, ...] = (),
    details: dict[str, Json] | None = None,
    target: Target | None = TARGET,
    reason: str = "because",
) -> Record:
    return Record(
        case_id=f"case-{index}",
        playbook="tiny-smoke",
        index=index,
        gate_id=gate_id,
        outcome=outcome,
        reason=reason,
        compared=1,
        details=dict(details or {}),
        model=MODEL,
        format=target.format if target else None,
        quantization=target.quantization if target else None,
        backend=target.backend if target else None,
        answers=tuple(AnswerRecord(text=text) for text in texts),
    )


def an_evidence(*records: Record, run: RunInfo | None = None) -> Evidence:
    return Evidence(run=run or HEADER.run, host=HostInfo(hostname="here"), playbook=PLAYBOOK, records=records)
