"""Evidence in the exchange form: one object with summary, score, gateways and records, as others read it. Pure.

Its values come from the score, not from a pass rate, and a gateway without evidence is not passed. `read_evidence`
reads it back: records keep their gates, outcomes, prompts and answers; several turns become one text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from pytest_aprqa.core import Gateway, GatewayState, Json, Outcome
from pytest_aprqa.evidence import GARBAGE, Evidence, Record
from pytest_aprqa.registry.evidence_files import measured_at
from pytest_aprqa.registry.moments import text_of
from pytest_aprqa.scoring import Mqs, gateway_of

VERSION: Final = "1.0.0"
"""Of the form."""

_SCHEMA: Final = "urn:pytest-aprqa:evidence-exchange:1.0.0"
_GATEWAY_IDS: Final = {
    Gateway.G0: "G0-INTEGRITY",
    Gateway.G1: "G1-MODEL-LOADS",
    Gateway.G2: "G2-BASIC-INFERENCE",
    Gateway.G3: "G3-NO-CRASHES",
    Gateway.G4: "G4-OUTPUT-QUALITY",
}
_MEBIBYTE: Final = 1024 * 1024


def exchange_form(
    evidence: Evidence,
    mqs: Mqs,
    *,
    model: str,
    family: str,
    size: str,
    playbook: str,
    tier: str,
) -> dict[str, Json]:
    """The object.

    Args:
        evidence: of one run.
        mqs: its score by the tier.
        model: ``org/name``.
        family: of the model.
        size: its size word.
        playbook: its name.
        tier: of the playbook.
    """
    at = measured_at(evidence)
    skipped = mqs.outcomes[Outcome.SKIPPED]
    return {
        "$schema": _SCHEMA,
        "version": VERSION,
        "model": {"hf_repo": model, "family": family, "size": size, "format": _formats(evidence.records)},
        "playbook": {"name": playbook, "version": evidence.playbook.sha256[:12], "tier": tier},
        "summary": {
            "total_scenarios": len(evidence.records),
            "passed": mqs.passed,
            "failed": mqs.total - mqs.passed,
            "skipped": skipped,
            "inconclusive": mqs.outcomes[Outcome.INCONCLUSIVE],
            "pass_rate": mqs.rate.pass_rate,
            "duration_ms": round(sum(record.duration_ms or 0.0 for record in evidence.records)),
            "timestamp": text_of(at) if at else None,
        },
        "mqs": {
            "score": mqs.mqs,
            "grade": mqs.cert_grade,
            "gateway_passed": mqs.gateways_passed,
            "category_scores": {name.lower(): scored.points for name, scored in mqs.categories.items()},
        },
        "gates": {_GATEWAY_IDS[gateway]: _gate(gateway, mqs.gateways, evidence.records) for gateway in Gateway},
        "evidence": [_record(record) for record in evidence.records],
    }


def exchange_name(model: str) -> str:
    """File name of a model's object.

    >>> exchange_name("Qwen/Qwen2.5-0.5B"), exchange_name("../../x")
    ('qwen-qwen2.5-0.5b.json', 'x.json')
    """
    return (re.sub(r"[^a-z0-9._]+", "-", model.lower()).strip("-._")[:120] or "x") + ".json"


def _formats(records: Sequence[Record]) -> str:
    return ", ".join(sorted({record.format.value for record in records if record.format})) or "unknown"


def _gate(gateway: Gateway, states: Mapping[Gateway, GatewayState], records: Sequence[Record]) -> dict[str, Json]:
    state = states[gateway]
    own = [record for record in records if gateway_of(record.gate_id) is gateway]
    failed = next((record.reason for record in own if record.outcome.failed), "")
    reason = failed if state is GatewayState.FAILED else f"{len(own)} checks"
    return {
        "passed": state is GatewayState.PASSED,
        "reason": reason if state is not GatewayState.UNKNOWN else "unknown: evidence is missing",
    }


def _record(record: Record) -> dict[str, Json]:
    org, _, name = record.model.rpartition("/")
    made: dict[str, Json] = {
        "id": _detail(record, "id") or record.case_id,
        "gate_id": record.gate_id,
        "scenario": {
            "id": record.case_id,
            "model": {"org": org, "name": name, "variant": None},
            "modality": record.modality,
            "backend": record.backend,
            "format": record.format,
            "prompt": "\n".join(record.turns),
            "temperature": record.temperature,
            "max_tokens": record.max_tokens,
            "seed": record.seed,
            "oracle_type": record.oracles[0] if record.oracles else None,
        },
        "outcome": record.outcome.capitalize(),
        "reason": record.reason,
        "output": "\n".join(answer.text for answer in record.answers),
        "stderr": record.stderr_tail or None,
        "exit_code": record.exit_code,
        "metrics": _metrics(record),
        "timestamp": _detail(record, "timestamp") or record.started_at,
        "host": _detail(record, "host") or {},
        "metadata": {},
        "compared": record.compared,
        "quantization": record.quantization,
    }
    if GARBAGE in record.details:
        made[GARBAGE] = record.garbage
    return made


def _metrics(record: Record) -> dict[str, Json]:
    known = _detail(record, "metrics")
    if isinstance(known, dict):
        return known
    measured = record.metrics
    peak = measured.peak_rss_bytes if measured else None
    return {
        "duration_ms": round(record.duration_ms or 0.0),
        "tokens_per_second": measured.decode_tok_per_s if measured else None,
        "time_to_first_token_ms": measured.ttft_ms if measured else None,
        "total_tokens": measured.generated_tokens if measured else None,
        "memory_peak_mb": None if peak is None else round(peak / _MEBIBYTE),
    }


def _detail(record: Record, key: str) -> Json:
    """What foreign evidence held that a record of ours has no place for."""
    return record.details.get(key)
