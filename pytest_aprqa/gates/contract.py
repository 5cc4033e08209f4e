"""A file by itself, or a file and the folder it was made of: is it valid, does it keep the contract, what is wrong?

Library calls behind ``apr-qa validate-contract`` and ``apr-qa diagnose-conversion``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_aprqa.conversion import ModelView, format_of, open_model
from pytest_aprqa.core import GATES, ArtefactError, Format, Gate, Outcome, Quantization, Weights
from pytest_aprqa.gates.check import Kind
from pytest_aprqa.gates.comparison import COMPARISONS, Pair, diagnose_pair, judge_gate
from pytest_aprqa.gates.engine_pool import EnginePool
from pytest_aprqa.gates.finding import Finding
from pytest_aprqa.gates.integrity import check_integrity
from pytest_aprqa.parity import Diagnosis

INVARIANTS: Final = (
    "F-CONTRACT-I1-001",
    "F-CONTRACT-I2-001",
    "F-CONTRACT-I3-001",
    "F-CONTRACT-I4-001",
    "F-CONTRACT-I5-001",
)
"""The five invariants of the contract, I-1 to I-5."""

_NEED_ENGINES: Final = frozenset({"F-CONTRACT-I1-001", "F-CONTRACT-I5-001"})
_OF_THE_FILE: Final = ("F-APR-FORMAT-003", "F-APR-FORMAT-002", "F-APR-FORMAT-001", "F-CONTRACT-I3-001")
"""Comparisons that look at the artefact alone."""
_OF_TOKENIZER_FILES: Final = ("F-TOKEN-SPECIAL-001", "F-TOKEN-IDS-001", "F-CHAT-TEMPLATE-001")
"""Of tokens and templates, what the files alone can refute."""
_OF_TOKENIZERS: Final = (
    *_OF_TOKENIZER_FILES,
    "F-TOKEN-BYTES-001",
    "F-TOKEN-BOS-001",
    "F-SEC-INJECT-001",
)


@dataclass(frozen=True, slots=True)
class ContractReport:
    """What was found of one file."""

    path: Path
    format: Format
    against: Path | None
    """The ground truth's folder."""
    findings: tuple[Finding, ...]
    """In the order in which they were judged."""
    required: frozenset[str]
    """Gates that must be corroborated; another one may be inconclusive."""
    left_out: tuple[Gate, ...]
    """Gates that would need what was not given."""
    diagnoses: tuple[Diagnosis, ...] = ()
    """What is probably wrong, the most probable first."""

    @property
    def passed(self) -> bool:
        """Nothing was refuted, and what is required was corroborated."""
        outcomes = {finding.gate.id: finding.verdict.outcome for finding in self.findings}
        required = all(outcomes.get(gate_id, Outcome.INCONCLUSIVE).passed for gate_id in self.required)
        return required and not any(outcome.failed for outcome in outcomes.values())


def validate_contract(
    path: Path,
    *,
    scratch: Path,
    against: Path | None = None,
    engines: EnginePool | None = None,
    logits: bool = False,
    quantization: Quantization | None = None,
    limits: Mapping[str, float] | None = None,
) -> ContractReport:
    """Judges a file: its integrity, and against the ground truth the whole contract.

    Args:
        path: a .gguf or .apr file, or a Hugging Face folder.
        scratch: a folder for what has to be made on the way.
        against: the folder of the ground truth; without it, what the file alone can tell.
        engines: adds what only engines can tell of the text: I-1, I-5, tokens, chat template.
        logits: with engines, adds the logits.
        quantization: what the file promises to be; None takes what it says.
        limits: instead of the built-in ones, by ``quantity`` or ``type.quantity``.

    Raises:
        ArtefactError: the ground truth cannot be read, or the file is of no known format.
    """
    format = _format(path)
    integrity = _integrity(path, format)
    applicable = [
        check.gate_id for check in COMPARISONS if format in check.formats and check.kind is not Kind.CONVERSION
    ]
    if against is None:
        pair = _pair(_nothing(path, format), path, format, None, scratch, quantization, limits)
        wanted = [gate_id for gate_id in applicable if gate_id in _OF_THE_FILE]
    else:
        pair = _pair(open_model(against), path, format, engines, scratch, quantization, limits)
        wanted = [gate_id for gate_id in applicable if _is_wanted(gate_id, engines=engines is not None, logits=logits)]
    findings = (*integrity, *_judged(pair, wanted, alone=False))
    required = {finding.gate.id for finding in integrity} | (set(wanted) & {*INVARIANTS, "F-LAYOUT-002", *_OF_THE_FILE})
    return ContractReport(
        path,
        format,
        against,
        findings,
        frozenset(required),
        _rest(applicable, wanted),
        diagnose_pair(pair) if against is not None else (),
    )


def diagnose_conversion(
    path: Path,
    against: Path,
    *,
    scratch: Path,
    engines: EnginePool | None = None,
    quantization: Quantization | None = None,
    limits: Mapping[str, float] | None = None,
) -> ContractReport:
    """Judges all five invariants, each whatever became of the others, and says what is probably wrong.

    Args:
        path: the converted file.
        against: the folder of the ground truth.
        scratch: a folder for what has to be made on the way.
        engines: None leaves I-1 and I-5 out.
        quantization: what the file promises to be; None takes what it says.
        limits: instead of the built-in ones, by ``quantity`` or ``type.quantity``.

    Raises:
        ArtefactError: the ground truth cannot be read, or the file is of no known format.
    """
    format = _format(path)
    if format is Format.SAFETENSORS:
        raise ArtefactError(
            "is no converted file",
            path=path,
            expected="a .gguf or .apr file",
            found="a Hugging Face folder or its file",
        )
    pair = _pair(open_model(against), path, format, engines, scratch, quantization, limits)
    wanted = [gate_id for gate_id in INVARIANTS if engines is not None or gate_id not in _NEED_ENGINES]
    invariants = _judged(pair, wanted, alone=True)
    cheap = [check.gate_id for check in COMPARISONS if check.kind is Kind.CONTRACT and format in check.formats]
    evidence = [gate_id for gate_id in cheap if gate_id not in INVARIANTS]
    further = _judged(pair, [*evidence, *(_OF_TOKENIZERS if engines else _OF_TOKENIZER_FILES)], alone=True)
    if engines is not None and not any(finding.verdict.outcome.failed for finding in (*invariants, *further)):
        # Where all parts are in order, only the whole can tell.
        further = (*further, *_judged(pair, ["F-LOGIT-NMSE-001"], alone=True))
    refuted = tuple(finding for finding in further if finding.verdict.outcome.failed)
    return ContractReport(
        path,
        format,
        against,
        (*invariants, *refuted),
        frozenset(wanted),
        _rest(INVARIANTS, wanted),
        diagnose_pair(pair),
    )


def _format(path: Path) -> Format:
    """The format by the file's first bytes; one that is called .gguf and is none is a broken one."""
    try:
        return format_of(path)
    except ArtefactError:
        if path.suffix != ".gguf":
            raise
        return Format.GGUF


def _is_wanted(gate_id: str, *, engines: bool, logits: bool) -> bool:
    check = next(check for check in COMPARISONS if check.gate_id == gate_id)
    if gate_id in _OF_TOKENIZER_FILES:
        return True
    if check.kind is Kind.CONTRACT:
        return engines or gate_id not in _NEED_ENGINES
    return engines and (logits or gate_id in _OF_TOKENIZERS)


def _judged(pair: Pair, gate_ids: Iterable[str], *, alone: bool) -> tuple[Finding, ...]:
    return tuple(Finding(GATES[gate_id], judge_gate(gate_id, pair, alone=alone)) for gate_id in gate_ids)


def _rest(all_ids: Iterable[str], wanted: Iterable[str]) -> tuple[Gate, ...]:
    done = set(wanted)
    return tuple(GATES[gate_id] for gate_id in all_ids if gate_id not in done)


def _integrity(path: Path, format: Format) -> tuple[Finding, ...]:
    if format is Format.SAFETENSORS:
        folder = path if path.is_dir() else path.parent
        return check_integrity(Weights(folder, (), "given by path"))
    return check_integrity(Weights(path.parent, (path,), "given by path"))


def _pair(
    reference: ModelView,
    path: Path,
    format: Format,
    engines: EnginePool | None,
    scratch: Path,
    quantization: Quantization | None,
    limits: Mapping[str, float] | None,
) -> Pair:
    pair = Pair(reference, path, format, quantization, scratch, limits=limits or {})
    if engines is not None:
        pair.reference_instruments = lambda: engines.instruments(reference.path, Format.SAFETENSORS)
        pair.artefact_instruments = lambda: engines.instruments(path, format)
        pair.traced = lambda folder: engines.instruments(folder, Format.SAFETENSORS)
    return pair


def _nothing(path: Path, format: Format) -> ModelView:
    """In the place of a ground truth that is not there; no gate that looks at it is judged."""
    return ModelView(path, format, {}, {}, (), None, {})
