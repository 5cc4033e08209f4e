"""Evidence for the page: with everything that it draws, hostile in every text, and large."""

from __future__ import annotations

from pytest_aprqa.core import GATES, Json, Modality, Outcome
from pytest_aprqa.evidence import (
    AnswerRecord,
    EngineInfo,
    Evidence,
    HostInfo,
    PlaybookInfo,
    Record,
    RunInfo,
    WeightsInfo,
)
from tests.reports.samples import CPU, GGUF, case, eventful, evidence, record

HOSTILE = (
    "</script><script>window.pwned=1</script><img src=x onerror=window.pwned=1><!--<script>"
    "\u2028\u2029\u202e\u2066\u200b\ud800\x00\x1b[31m'\"`$(touch x)&amp;*_[a](javascript:alert(1)){{7*7}}{% x %}\r\n"
)
"""What a broken or hostile model, or evidence that somebody sent, may hold."""


def measured(kl: float = 0.004, cosine: float = 0.9998) -> list[Record]:
    """What the gates on distances, layers and speed leave behind."""
    numbers = {"F-KL-MEAN-001": (kl, 0.0088), "F-KL-TAIL-001": (6 * kl, 0.068), "F-KL-MAX-001": (10 * kl, 0.186)}
    records = [
        record(
            gate_id,
            GGUF,
            Outcome.CORROBORATED if value <= limit else Outcome.FALSIFIED,
            details={
                "word": "q4_k_m",
                "quantity": GATES[gate_id].title.split(" is ")[0],
                "value": value,
                "interval": [0.9 * value, 1.2 * value],
                "limit": limit,
                "limit_source": "measured",
            },
        )
        for gate_id, (value, limit) in numbers.items()
    ]
    cosines: dict[str, Json] = {"embedding": "1", "layer.0": f"{cosine}", "layer.1": cosine, "final_norm": "0.99999"}
    layers: dict[str, Json] = {"value": cosine, "limit": 0.999, "limit_source": "measured", "cosines": cosines}
    rate: dict[str, Json] = {"value": 11.6, "low": 11.2, "high": 12.0}
    speed: dict[str, Json] = {
        "decode_tok_per_s": rate,
        "ttft_ms": {"value": 208.0},
        "peak_rss_bytes": 2**30,
        "answers": 10,
    }
    return [
        *records,
        record("F-TRACE-DIFF-001", GGUF, details=layers),
        record("F-PROFILE-CI-001", GGUF, details={"speed": speed}),
    ]


def complete() -> Evidence:
    """Something of everything that the page can show."""
    return evidence([*eventful().records, *measured()])


def hostile(text: str = HOSTILE) -> Evidence:
    """The same hostile text wherever evidence has a free one."""
    answers = (AnswerRecord(text=text), AnswerRecord(text=text))
    fields = {"reason": text, "stderr_tail": text, "turns": (text, text), "answers": answers, "system": text}
    more = {"scenario": text, "scenario_category": text, "notes": (text,), "oracles": (text,), "expected": {text: text}}
    details: dict[str, Json] = {
        "quantity": text,
        "value": 0.1,
        "limit": 0.2,
        "interval": [text, text],
        "limit_source": text,
        "cosines": {text: "0.9"},
        "probable_cause": {"sentence": text},
        "speed": {text: text, "decode_tok_per_s": text},
    }
    gates = ("F-KL-MEAN-001", "F-TRACE-DIFF-001", "F-PROFILE-CI-001", "F-A1-001", text)
    outcomes = (Outcome.FALSIFIED, Outcome.SKIPPED, Outcome.INCONCLUSIVE, Outcome.CRASHED)
    records = [
        record(gate, target, outcome, case_id=f"{text}-{gate[:9]}-{outcome}", details=details, **fields, **more)
        for gate in gates
        for outcome in outcomes
        for target in (CPU, GGUF)
    ]
    made = evidence(records)
    return made.model_copy(
        update={
            "run": RunInfo(id=text, started_at=text, command=(text,), aprqa_version=text, selection_reason=text),
            "host": HostInfo(hostname=text, os=text, python=text, cpu=text, gpus=(text,)),
            "playbook": PlaybookInfo(
                name=text, path=text, sha256=text, tier=text, model=text, warnings=(text,), scenarios_digest=text
            ),
            "engines": (EngineInfo(target=text, name=text, versions={text: text}, device=text, dtype=text),),
            "weights": (
                WeightsInfo(
                    target=text,
                    folder=text,
                    source=text,
                    revision=text,
                    digests={text: text},
                    converter=text,
                    made_from={text: text},
                    signature=text,
                ),
            ),
        }
    )


def large(count: int) -> Evidence:
    """Many records, each with words of its own."""
    outcomes = (*(Outcome.CORROBORATED,) * 7, Outcome.FALSIFIED, Outcome.INCONCLUSIVE, Outcome.SKIPPED)
    story = "The quick brown fox jumps over the lazy dog, and then over another. " * 12
    first = {(modality, target): case("first", modality, target) for modality in Modality for target in (CPU, GGUF)}
    places = list(first)
    records = []
    for number in range(count):
        modality, target = place = places[number % len(places)]
        fields = {
            "case_id": f"{modality}[{target.id}-scenario_{number}]",
            "index": number,
            "outcome": outcomes[number % 10],
            "compared": 1 if number % 10 < 8 else 0,
            "turns": (f"Tell me the story of number {number}. {story}",),
            "answers": (AnswerRecord(text=f"{number}: {story}"),),
            "reason": f"the story of number {number} was told",
            "duration_ms": float(number % 997),
        }
        records.append(first[place].model_copy(update=fields))
    return evidence([]).model_copy(update={"records": tuple(records)})
