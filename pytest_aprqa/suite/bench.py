"""The test bench of one process: engines and answers, each made once and kept warm.

Knows nothing of pytest, of verdicts or of policies. Answers are generated ahead: the first case of a cell lets the
engine answer all of the cell's cases that this process will run, and the later ones only look theirs up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pytest_aprqa.core import (
    Backend,
    Case,
    Completion,
    EngineError,
    Format,
    Modality,
    Prompting,
    Request,
    Target,
)
from pytest_aprqa.engines import Engine, Limits, Result, open_engine
from pytest_aprqa.evidence import Resumable, completion_of, content_key
from pytest_aprqa.playbook import Playbook
from pytest_aprqa.suite.shelf import Shelf

AWAKE_PROMPT = "What is 2+2?"
"""The simple prompt of gateway G2."""
AWAKE_TOKENS = 16


@dataclass(frozen=True, slots=True)
class BenchSetup:
    """What a bench needs to know of the run."""

    limits: Limits
    engine: str | None = None
    """Name of the engine for every target; None takes each format's default."""
    resumable: Resumable = field(default_factory=lambda: Resumable({}))
    """Records of an earlier run whose answers may be taken over."""


@dataclass(slots=True)
class Bench:
    """Holds what is dear; `close` it at the end."""

    setup: BenchSetup
    shelf: Shelf
    _engines: dict[tuple[Path, Target], Engine | EngineError] = field(default_factory=dict)
    _truths: dict[Path, Engine | EngineError] = field(default_factory=dict)
    _results: dict[tuple[Path, str], Result] = field(default_factory=dict)

    def engine(self, playbook: Playbook, target: Target) -> Engine:
        """The engine that holds the target, started on first use.

        Raises:
            EngineError: it cannot start or cannot load the model; the same error every time.
        """
        key = (playbook.path, target)
        if key not in self._engines:
            self._close_others(target)
            try:
                weights = self.shelf.weights(playbook, target)
                self._engines[key] = open_engine(target, weights, self.setup.limits, name=self.setup.engine)
            except EngineError as problem:
                self._engines[key] = problem
        engine = self._engines[key]
        if isinstance(engine, EngineError):
            raise engine
        return engine

    def truth_engine(self, playbook: Playbook) -> Engine:
        """The ground truth in float32 on the CPU, to compare a target with; beside the target's own engine.

        Raises:
            EngineError: it cannot start or cannot load the model; the same error every time.
        """
        if playbook.path not in self._truths:
            self._close_truths()
            target = Target(playbook.model.hf_repo, Format.SAFETENSORS, None, Backend.CPU)
            limits = replace(self.setup.limits, dtype="float32")
            try:
                weights = self.shelf.truth(playbook)
                self._truths[playbook.path] = open_engine(target, weights, limits, name=self.setup.engine)
            except EngineError as problem:
                self._truths[playbook.path] = problem
        engine = self._truths[playbook.path]
        if isinstance(engine, EngineError):
            raise engine
        return engine

    def first_answer(self, playbook: Playbook, target: Target) -> Result:
        """What the model says to a simple prompt, alone in its batch."""
        engine = self.engine(playbook, target)
        request = Request(
            id=f"awake-{target.id}",
            turns=(AWAKE_PROMPT,),
            prompting=Prompting.TEMPLATE if engine.facts.chat_template else Prompting.RAW,
            max_tokens=AWAKE_TOKENS,
            timeout_ms=playbook.matrix.timeout_ms,
        )
        return engine.generate([request])[0]

    def answer(self, playbook: Playbook, case: Case, ahead: Sequence[Case]) -> Result:
        """The answer to a case, computed together with those of `ahead` (cases of the same cell)."""
        if (playbook.path, case.id) not in self._results:
            batch = [case, *(other for other in ahead if other.id != case.id)]
            new = [one for one in batch if (playbook.path, one.id) not in self._results]
            self._close_truths()
            waiting = [one for one in new if one is case or self.earlier(playbook, one) is None]
            results = self.engine(playbook, case.cell.target).generate([request_of(one) for one in waiting])
            self._results.update({(playbook.path, one.id): it for one, it in zip(waiting, results, strict=True)})
        return self._results[playbook.path, case.id]

    def key_of(self, playbook: Playbook, case: Case) -> str:
        """Content key of a case: equal keys mean that the same question was put to the same artefact the same way."""
        facts = self.engine(playbook, case.cell.target).facts
        scenario = case.scenario
        return content_key(
            weights_digests=self.shelf.weights(playbook, case.cell.target).digests,
            engine=facts.name,
            engine_versions=facts.versions,
            dtype=facts.dtype,
            target=case.cell.target.id,
            turns=scenario.turns,
            system=scenario.system,
            prompting=case.prompting,
            max_tokens=case.max_tokens,
            temperature=case.temperature,
            seed=case.seed,
        )

    def earlier(self, playbook: Playbook, case: Case) -> Completion | None:
        """The answer of an earlier run to the same question, if one was given."""
        if not self.setup.resumable.by_key:
            return None
        record = self.setup.resumable.find(self.key_of(playbook, case))
        return None if record is None else completion_of(record, request_id=case.id)

    def close(self) -> None:
        """Ends every engine."""
        for engine in self._engines.values():
            if not isinstance(engine, EngineError):
                engine.close()
        self._engines.clear()
        self._close_truths()

    def _close_truths(self) -> None:
        """Ends the ground truth's engine: a target's comparisons come before its cases, which need the memory."""
        for engine in self._truths.values():
            if not isinstance(engine, EngineError):
                engine.close()
        self._truths.clear()

    def _close_others(self, target: Target) -> None:
        """Ends engines of other targets: items come target by target, and two models may not fit in memory."""
        for key, engine in list(self._engines.items()):
            if key[1] != target and not isinstance(engine, EngineError):
                engine.close()
                del self._engines[key]


def request_of(case: Case) -> Request:
    """What the engine is asked for a case."""
    return Request(
        id=case.id,
        turns=case.scenario.turns,
        system=case.scenario.system,
        prompting=case.prompting,
        max_tokens=case.max_tokens,
        temperature=case.temperature,
        seed=case.seed,
        timeout_ms=case.timeout_ms,
    )


def needs_conversation(case: Case) -> bool:
    """Whether the case cannot be asked without a chat template."""
    return case.cell.modality is Modality.CHAT
