"""Where artefacts, healthy or not, are judged against the embedded model: its view is opened and its engine asked once.

The ground truth and .apr files run in this process, llama.cpp in a child of its own: a broken file may end it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Final

import pytest

from pytest_aprqa import embedded
from pytest_aprqa.conversion import ModelView, open_model
from pytest_aprqa.core import (
    AprqaError,
    Backend,
    EngineUnavailable,
    Format,
    Outcome,
    Target,
    Verdict,
    Weights,
    falsified,
)
from pytest_aprqa.engines import Instruments, Limits, SupervisedEngine, apr, open_engine, transformers
from pytest_aprqa.engines.transformers import TransformersModel
from pytest_aprqa.gates import COMPARISONS, Check, Kind, Pair, check_integrity, diagnose_pair, judge_gate
from pytest_aprqa.golden import BUILT_IN, GoldenCorpus, Provenance, judge_parity, measure
from pytest_aprqa.parity import Family
from tests.defects.conversion.artefacts import Artefact, copied, make

LIMITS: Final = Limits(threads=1)
GOLDEN_GATE: Final = "F-HF-PARITY-001"

GOLDEN_PROMPTS: Final = ("chat-hello", "chat-sum", "raw-story", "raw-sum", "unicode-scripts", "long-text")
"""Enough of the built-in ones to reach chat, plain text, digits, bytes and distance."""

COMPUTED: Final = frozenset(check.gate_id for check in COMPARISONS if check.kind is Kind.PARITY) | {
    "F-CONTRACT-I1-001",
    "F-CONTRACT-I5-001",
    GOLDEN_GATE,
}
"""Gates for which an engine is asked."""


class Bench:
    """Makes artefacts and judges them.

    Args:
        folder: everything that is written is in it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._made: dict[Artefact, Path] = {}
        self._heard: object = None

    @cached_property
    def truth(self) -> ModelView:
        """The ground truth's headers."""
        return open_model(embedded.folder())

    @cached_property
    def engine(self) -> TransformersModel:
        """The ground truth, loaded."""
        return load_folder(embedded.folder())

    @cached_property
    def corpus(self) -> GoldenCorpus:
        """What the ground truth says to some prompts."""
        provenance = Provenance(embedded.MODEL, {}, "")
        prompts = [prompt for prompt in BUILT_IN if prompt.id in GOLDEN_PROMPTS]
        return measure(self.engine, self.engine.facts, provenance, prompts)

    def healthy(self, artefact: Artefact) -> Path:
        """The artefact without a defect, made once; not to be changed."""
        if artefact not in self._made:
            try:
                self._made[artefact] = make(artefact, self.folder / "healthy" / artefact.label.replace(" ", "-"))
            except EngineUnavailable as exc:
                pytest.skip(f"{artefact.label} cannot be made here: {exc}")
        return self._made[artefact]

    def copy(self, artefact: Artefact, name: str) -> Path:
        """A copy of the healthy artefact to plant a defect in."""
        return copied(self.healthy(artefact), self.folder / "planted" / f"{name}-{artefact.label.replace(' ', '-')}")

    @contextmanager
    def pair(self, artefact: Artefact, path: Path) -> Iterator[Pair]:
        """The ground truth beside an artefact; the artefact's engine is closed at the end."""
        loaded = Loaded(Target(embedded.MODEL, artefact.format, artefact.quantization, Backend.CPU), path)
        pair = Pair(
            reference=self.truth,
            path=path,
            format=artefact.format,
            quantization=artefact.quantization,
            scratch=self.folder / "scratch" / (path if path.is_dir() else path.parent).name,
            reference_instruments=lambda: self.engine,
            artefact_instruments=loaded.instruments,
            traced=load_folder,
        )
        # What the ground truth says is the same beside every artefact.
        self._heard = self._heard or pair.ours
        pair.memory["ours"] = self._heard
        try:
            yield pair
        finally:
            loaded.close()

    def golden(self, pair: Pair) -> Verdict:
        """Whether the artefact says what was recorded of the ground truth; an engine that refuses it refutes it."""
        assert pair.artefact_instruments is not None
        try:
            return judge_parity(self.corpus, pair.artefact_instruments(), "f32")
        except AprqaError as exc:
            return falsified(str(exc))


class Loaded:
    """An artefact's engine, loaded when first asked; a refusal is remembered."""

    def __init__(self, target: Target, path: Path) -> None:
        self.target = target
        self.path = path
        self._engine: Instruments | AprqaError | None = None

    def instruments(self) -> Instruments:
        """The engine; raises again what it raised on loading."""
        if self._engine is None:
            try:
                self._engine = self._open()
            except AprqaError as exc:
                self._engine = exc
        if isinstance(self._engine, AprqaError):
            raise self._engine
        return self._engine

    def close(self) -> None:
        """Ends a child."""
        if isinstance(self._engine, SupervisedEngine):
            self._engine.close()

    def _open(self) -> Instruments:
        if self.target.format is Format.SAFETENSORS:
            return load_folder(self.path)
        weights = Weights(self.path.parent, (self.path,), "test")
        if self.target.format is Format.APR:
            return apr.load(self.target, weights, LIMITS)
        engine = open_engine(self.target, weights, LIMITS)
        assert isinstance(engine, SupervisedEngine)
        return engine


def load_folder(folder: Path) -> TransformersModel:
    """A model folder in this process."""
    target = Target(embedded.MODEL, Format.SAFETENSORS, None, Backend.CPU)
    return transformers.load(target, Weights(folder, (folder / "model.safetensors",), "test"), LIMITS)


def judge(gate_id: str, artefact: Artefact, bench: Bench, pair: Pair) -> Verdict:
    """The verdict of one gate, of the gateway of integrity, the golden corpus or the comparisons, on its ground."""
    if artefact.compared:
        return judge_gate(gate_id, pair)
    return bench.golden(pair) if gate_id == GOLDEN_GATE else integrity(pair.path)[gate_id]


def integrity(folder: Path) -> dict[str, Verdict]:
    """What the gateway of integrity says of a model folder."""
    return {finding.gate.id: finding.verdict for finding in check_integrity(Weights(folder, (), "test"))}


def judge_all(artefact: Artefact, bench: Bench, pair: Pair, *, further: bool = False) -> dict[str, Verdict]:
    """All gates that are about the artefact's format, cheap before dear; those of further conversions if wanted."""
    checks = [check for check in COMPARISONS if artefact.format in check.formats]
    verdicts = {check.gate_id: judge_gate(check.gate_id, pair) for check in checks if further or not _is_further(check)}
    return verdicts if artefact.compared else {**integrity(pair.path), GOLDEN_GATE: bench.golden(pair)} | verdicts


def _is_further(check: Check[Pair]) -> bool:
    return check.kind is Kind.CONVERSION


def judge_static(artefact: Artefact, pair: Pair) -> dict[str, Verdict]:
    """All gates that are about the artefact's format and need its files only."""
    if artefact.format is Format.SAFETENSORS:
        return integrity(pair.path)
    ids = [check.gate_id for check in COMPARISONS if check.kind is Kind.CONTRACT and artefact.format in check.formats]
    return {gate_id: judge_gate(gate_id, pair) for gate_id in ids if gate_id not in COMPUTED}


def families(artefact: Artefact, pair: Pair) -> tuple[Family, ...]:
    """What the diagnosis names, most probable first, from all files and what was asked of the engine so far.

    Empty for safetensors, of which no comparison measures anything.
    """
    if not artefact.compared:
        return ()
    judge_static(artefact, pair)
    return tuple(diagnosis.family for diagnosis in diagnose_pair(pair))


def falsified_ids(verdicts: dict[str, Verdict]) -> list[str]:
    """The gates that were falsified, in their order."""
    return [gate_id for gate_id, verdict in verdicts.items() if verdict.outcome is Outcome.FALSIFIED]
