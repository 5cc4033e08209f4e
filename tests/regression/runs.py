"""Two runs for comparing: made of the same samples as the reports', with what is to differ."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_aprqa.core import Modality, Outcome, Target
from pytest_aprqa.evidence import Evidence, Record
from tests.reports.samples import CPU, GGUF, case, evidence, gateways, record

PASSED, FAILED, SKIPPED = Outcome.CORROBORATED, Outcome.FALSIFIED, Outcome.SKIPPED
UNJUDGED = Outcome.INCONCLUSIVE


def run(
    *outcomes: Outcome, target: Target = CPU, more: Iterable[Record] = (), temperature: float | None = None
) -> Evidence:
    """A run of scenarios ``sum_0``, ``sum_1`` … with these outcomes, behind passed gateways."""
    cases = [
        case(f"sum_{n}", Modality.RUN, target, outcome, temperature=temperature) for n, outcome in enumerate(outcomes)
    ]
    return evidence([*gateways(target), *cases, *more])


def measured(gate_id: str, value: float, interval: tuple[float, float] | None, limit: float = 0.1) -> Record:
    """A record of a comparison with one number."""
    details = {
        "word": "Q4_K_M",
        "quantity": "mean KL divergence",
        "value": value,
        "interval": None if interval is None else list(interval),
        "limit": limit,
    }
    return record(gate_id, GGUF, details=details)


def timed(rate: float, *, target: Target = CPU, machine: str = "Some CPU", tokens: int = 32) -> Record:
    """A record of a speed gate: ten answers around a rate."""
    rates = [rate * (1 + 0.002 * place) for place in range(-5, 5)]
    speed = {
        "model": target.model,
        "format": target.format.value,
        "quantization": None,
        "backend": target.backend.value,
        "engine": "transformers",
        "device": "cpu",
        "dtype": "float32",
        "threads": 1,
        "machine": machine,
        "prompt_tokens": 21,
        "tokens": tokens,
        "answers": 10,
        "decode_tok_per_s": {"value": rate, "low": rate * 0.99, "high": rate * 1.01},
        "samples": {
            "decode_tok_per_s": rates,
            "ttft_ms": [1000 / one for one in rates],
            "between_tokens_p50_ms": [1000 / one for one in rates],
        },
    }
    return record("F-PROFILE-007", target, case_id=f"profile[{target.id}]", details={"speed": speed})
