"""Evidence made by hand, small enough to read beside the snapshots that are rendered from it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pytest_aprqa.core import (
    GATES,
    Backend,
    Category,
    Format,
    Gateway,
    Modality,
    Outcome,
    Quantization,
    Target,
    scenario_gate,
)
from pytest_aprqa.evidence import (
    AnswerRecord,
    EngineInfo,
    Evidence,
    HostInfo,
    PlaybookInfo,
    Record,
    RunInfo,
    WeightsInfo,
    distinct_prompts,
)

MODEL = "aprqa/aprqa-tiny"
CPU = Target(MODEL, Format.SAFETENSORS, None, Backend.CPU)
GGUF = Target(MODEL, Format.GGUF, Quantization.Q4_K_M, Backend.CPU)
GPU = Target(MODEL, Format.SAFETENSORS, None, Backend.GPU)

WEIGHTS_MISSING = (
    f"weights of {MODEL} are not on this machine\n"
    "looked in:\n"
    "  - model cache (not given)\n"
    "to get them:\n"
    "  - --aprqa-download, which fetches them from the Hugging Face hub\n"
    "  - --aprqa-model-cache DIR, where DIR holds the model"
)

HOSTILE = "\x1b]0;title\x07\x1b[2J\r\n[bold]<b>&| \ud800 \u202e`*_@x" * 3
"""Text as a broken or hostile model may make it."""


def hostile_fields() -> dict[str, Any]:
    """Every free text of a record, hostile."""
    return {"reason": HOSTILE, "stderr_tail": HOSTILE, "turns": (HOSTILE, HOSTILE), "gate_id": HOSTILE}


def record(gate_id: str, target: Target = CPU, outcome: Outcome = Outcome.CORROBORATED, **fields: object) -> Record:
    """A record of a gate; corroborated ones compared one thing."""
    compared = 1 if outcome.passed or outcome.failed else 0
    made = {
        "case_id": f"{gate_id}[{target.id}]",
        "playbook": "aprqa-tiny-mvp",
        "index": 0,
        "gate_id": gate_id,
        "outcome": outcome,
        "reason": "as expected" if outcome.passed else "not as expected",
        "compared": compared,
        "model": target.model,
        "format": target.format,
        "quantization": target.quantization,
        "backend": target.backend,
    }
    return Record.model_validate({**made, **fields})


def case(
    name: str,
    modality: Modality,
    target: Target = CPU,
    outcome: Outcome = Outcome.CORROBORATED,
    *,
    answer: str | None = "4",
    **fields: object,
) -> Record:
    """A record of a scenario that asked for 2+2."""
    made = {
        "case_id": f"{modality}[{target.id}-{name}]",
        "modality": modality,
        "scenario": name,
        "scenario_category": "arithmetic",
        "turns": (f"What is 2+2? ({name})",),
        "answers": () if answer is None else (AnswerRecord(text=answer),),
        "duration_ms": 250.0,
        "details": {} if answer is None else {"garbage": False},
    }
    gate_id = str(fields.pop("gate_id", scenario_gate(modality, target.backend).id))
    return record(gate_id, target, outcome, **{**made, **fields})


def gateways(target: Target, *, failed: Gateway | None = None) -> list[Record]:
    """One record for each gate of a gateway, all corroborated but those of `failed`."""
    return [
        record(gate.id, target, Outcome.FALSIFIED if gate.gateway is failed else Outcome.CORROBORATED)
        for gate in GATES.values()
        if gate.gateway is not None
    ]


def evidence(records: Iterable[Record], *, run: RunInfo | None = None, tier: str | None = "mvp") -> Evidence:
    """Evidence of the tiny model; the records are numbered in the order given."""
    numbered = tuple(made.model_copy(update={"index": index}) for index, made in enumerate(records))
    targets = sorted({made.target_id for made in numbered if made.target_id is not None})
    return Evidence(
        run=run or RunInfo(id="run-1", pytest_version="9.0.0", aprqa_version="0.1.0", failure_policy="stop-on-p0"),
        host=HostInfo(os="Linux 6.1 x86_64", python="3.11.2", cpu="Some CPU", cores=2),
        playbook=PlaybookInfo(
            name="aprqa-tiny-mvp",
            path="playbooks/models/aprqa-tiny-mvp.playbook.yaml",
            sha256="ab" * 32,
            tier=tier,
            model=MODEL,
            planned=len(numbered),
        ),
        engines=tuple(
            EngineInfo(target=name, name="transformers", versions={"torch": "2.9.0", "transformers": "5.0.0"})
            for name in targets
        ),
        weights=tuple(
            WeightsInfo(target=name, folder="/models/tiny", source="playbook", digests={"model.safetensors": "cd" * 32})
            for name in targets
        ),
        distinct_prompts=distinct_prompts(numbered),
        records=numbered,
    )


def good() -> Evidence:
    """Everything stood, in every category, on one target."""
    records = gateways(CPU)
    records += [case(f"sum_{number}", modality) for modality in (Modality.RUN, Modality.CHAT) for number in range(20)]
    records += [
        record(f"F-{category}-001", CPU, scenario=f"{category}_{number}")
        for category in (Category.PERF, Category.COMP, Category.EDGE, Category.REGR)
        for number in range(8)
    ]
    return evidence(records)


def eventful() -> Evidence:
    """Two targets that ran, one that could not; something of everything."""
    records = [*gateways(CPU), *gateways(GGUF)]
    records += [case(f"sum_{number}", Modality.RUN) for number in range(38)]
    records += [
        case("hello", Modality.RUN, outcome=Outcome.FALSIFIED, answer="7", reason="expected 4, found 7"),
        case(
            "colors",
            Modality.RUN,
            outcome=Outcome.FALSIFIED,
            answer="red \x1b[31m\n" * 40,
            reason="garbage: 40 control characters",
            details={"garbage": True},
        ),
        case("open", Modality.CHAT, outcome=Outcome.INCONCLUSIVE, answer="Well.", reason="no oracle can judge it"),
        *(case(f"sum_{number}", Modality.CHAT) for number in range(9)),
        case("slow", Modality.CHAT, outcome=Outcome.TIMEOUT, answer=None, reason="no answer within 60000 ms"),
        *(case(f"sum_{number}", Modality.RUN, GGUF) for number in range(20)),
        *(
            case(f"sum_{number}", Modality.SERVE, target, Outcome.SKIPPED, answer=None, reason="serve: not built yet")
            for target in (CPU, GGUF)
            for number in range(3)
        ),
        *(
            case(f"sum_{number}", Modality.RUN, GPU, Outcome.SKIPPED, answer=None, reason="gpu: no CUDA device")
            for number in range(12)
        ),
        record("F-EDGE-001", CPU, Outcome.CORROBORATED, scenario="edge_empty"),
        record(
            "F-EDGE-001",
            GGUF,
            Outcome.CRASHED,
            scenario="edge_nul",
            turns=("\x00" * 12,),
            reason="the engine died of SIGSEGV while generating",
            stderr_tail="ggml: assertion failed\n",
            exit_code=-11,
        ),
    ]
    return evidence(records)


def blocked() -> Evidence:
    """The weights of one target are broken; its cases were not run."""
    records = [*gateways(CPU), *gateways(GGUF, failed=Gateway.G0)[:10]]
    records += [case(f"sum_{number}", Modality.RUN) for number in range(5)]
    stopped = "G0 failed: G0-VALIDATE-001[gguf-q4_k_m-cpu]: not as expected"
    records += [
        case(f"sum_{number}", Modality.RUN, GGUF, Outcome.SKIPPED, answer=None, reason=stopped) for number in range(5)
    ]
    return evidence(records)


def weights_missing() -> Evidence:
    """Nothing ran."""
    return evidence(
        case(f"sum_{number}", modality, CPU, Outcome.SKIPPED, answer=None, reason=WEIGHTS_MISSING)
        for modality in (Modality.RUN, Modality.CHAT)
        for number in range(6)
    ).model_copy(update={"engines": (), "weights": ()})


def empty() -> Evidence:
    """Not one record."""
    return evidence([])
