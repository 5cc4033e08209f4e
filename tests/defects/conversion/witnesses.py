"""Gates that no defect's row names: another one always speaks before them, or no file can be wrong for them."""

from __future__ import annotations

from typing import Final, NamedTuple

from pytest_aprqa.gates import COMPARISONS, Kind
from tests.defects.conversion.artefacts import APR_F16, APR_Q8_0, GGUF_F16, Artefact


class Witness(NamedTuple):
    """A gate that never speaks first: another one is falsified before it. Judged alone it must see the defect too."""

    gate_id: str
    defect: str
    artefact: Artefact


WITNESSES: Final = (
    Witness("F-ROSETTA-STATS-004", "one_nan", APR_Q8_0),
    Witness("F-QUANT-COSINE-001", "columns_rolled", GGUF_F16),
    Witness("F-ROSETTA-FP-003", "tensor_doubled", GGUF_F16),
    Witness("F-ROSETTA-STATS-001", "norms_plus_one", GGUF_F16),
    Witness("F-ROSETTA-STATS-006", "norm_of_zeros", GGUF_F16),
    Witness("F-TOKEN-BYTES-001", "token_ids_shifted", APR_F16),
    Witness("F-ROSETTA-INF-003", "zero_head_untied", APR_F16),
    Witness("F-ROSETTA-INF-001", "epsilon_wrong", GGUF_F16),
    Witness("F-CONTRACT-I1-001", "epsilon_wrong", GGUF_F16),
    Witness("F-TRACE-DIFF-001", "layers_exchanged", GGUF_F16),
    Witness("F-TRACE-PAYLOAD-001", "one_nan", GGUF_F16),
    Witness("F-TRACE-PAYLOAD-003", "norms_plus_one", GGUF_F16),
    Witness("F-TRACE-DEAD-001", "norm_of_zeros", GGUF_F16),
    Witness("F-TRACE-006", "embedding_scaled", APR_F16),
    Witness("F-TRACE-PAYLOAD-002", "zero_head_untied", APR_F16),
    *(
        Witness(gate_id, "attention_not_causal", GGUF_F16)
        for gate_id in (
            "F-ROSETTA-INF-002",
            "F-KL-MEAN-001",
            "F-KL-TAIL-001",
            "F-KL-MAX-001",
            "F-TOP1-001",
            "F-TOPK-001",
            "F-PPL-001",
        )
    ),
)

_OF_THE_CONVERTER: Final = "is about the package's own converter; no file can be wrong for it"

UNPLANTED: Final = {
    "F-LOGIT-LONG-001": "needs a context beyond 4,096 tokens, which the embedded model does not have",
    **dict.fromkeys((check.gate_id for check in COMPARISONS if check.kind is Kind.CONVERSION), _OF_THE_CONVERTER),
}
"""Comparisons that no defect here must falsify, and why; their tests have controls of their own."""
