"""Gateway G0: are the files a model that can be what its configuration says? Judged on files alone, nothing is run.

One table of checks, in the order in which they rest on one another. A check whose ground has given way is inconclusive.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from pytest_aprqa.core import GATES, Format, Verdict, Weights, inconclusive
from pytest_aprqa.gates.finding import Finding
from pytest_aprqa.gates.inventory import judge_inventory
from pytest_aprqa.gates.structure import (
    judge_config,
    judge_dtype,
    judge_hidden,
    judge_layers,
    judge_shards,
    judge_tied,
    judge_vocab,
)
from pytest_aprqa.gates.subject import Subject, read_file, read_subject
from pytest_aprqa.gates.values import judge_values
from pytest_aprqa.gates.vocabulary import judge_vocabulary

_FILES: Final = (".gguf", ".apr", ".apr.json")
"""A model in one file, or the manifest of its shards."""


class Check(NamedTuple):
    """One gate's judge, and what it rests on."""

    gate_id: str
    judge: Callable[[Subject], Verdict]
    needs_config: bool = False
    needs_tensors: bool = False
    after: tuple[str, ...] = ()
    """Gates that must stand first."""


CONTAINER_GATE: Final = "G0-INTEGRITY-SHARDS"

CHECKS: Final = (
    Check("G0-INTEGRITY-CONFIG", judge_config),
    Check(CONTAINER_GATE, judge_shards),
    Check("G0-INTEGRITY-LAYERS", judge_layers, needs_config=True, needs_tensors=True),
    Check("G0-INTEGRITY-HIDDEN", judge_hidden, needs_config=True, needs_tensors=True),
    Check("G0-INTEGRITY-VOCAB", judge_vocab, needs_config=True, needs_tensors=True),
    Check("G0-INTEGRITY-DTYPE", judge_dtype, needs_config=True, needs_tensors=True),
    Check("G0-INTEGRITY-TIED", judge_tied, needs_config=True, needs_tensors=True),
    Check("G0-INTEGRITY-TOKENIZER", judge_vocabulary, needs_tensors=True),
    Check(
        "G0-TENSOR-001",
        judge_inventory,
        needs_config=True,
        needs_tensors=True,
        after=("G0-INTEGRITY-CONFIG", "G0-INTEGRITY-LAYERS", "G0-INTEGRITY-HIDDEN", "G0-INTEGRITY-VOCAB"),
    ),
    Check("G0-VALIDATE-001", judge_values, needs_tensors=True),
)
"""Every gate of the gateway, once."""


def check_integrity(weights: Weights, expected: Mapping[str, int] | None = None) -> tuple[Finding, ...]:
    """Judges a model folder, or a .gguf or .apr file.

    Args:
        weights: as `weights.resolve` found them; the folder counts, unless the first file is of another format.
        expected: the playbook's ``expected_hidden_dim`` and its like; a number that is given is compared.

    Returns:
        One finding for each G0 gate, in the order of the table.
    """
    single = next((path for path in weights.files[:1] if path.name.endswith(_FILES)), None)
    subject = read_file(single, expected or {}) if single else read_subject(weights.folder, expected or {})
    findings: dict[str, Verdict] = {}
    for check in CHECKS:
        ground = _missing_ground(check, subject, findings)
        findings[check.gate_id] = inconclusive(f"not checked: {ground}") if ground else check.judge(subject)
    return tuple(Finding(GATES[gate_id], verdict) for gate_id, verdict in findings.items())


def _missing_ground(check: Check, subject: Subject, findings: Mapping[str, Verdict]) -> str:
    """Why a check cannot say anything; empty when it can."""
    alone = subject.format is not Format.SAFETENSORS and check.gate_id != CONTAINER_GATE
    if alone and subject.checkpoint is None:
        return "the file could not be read"
    if check.needs_config and subject.config is None:
        return f"{subject.source} could not be read"
    if check.needs_tensors and subject.checkpoint is None:
        return "the weight files could not be read"
    failed = [gate_id for gate_id in check.after if not findings[gate_id].outcome.passed]
    return f"{failed[0]} is {findings[failed[0]].outcome}" if failed else ""
