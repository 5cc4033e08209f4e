"""The test bench of one process: engines and answers, each made once and kept warm.

Knows nothing of pytest, of verdicts or of policies. Answers are generated ahead, one of the engine's batches at a time:
the first case of a batch lets the engine answer all of it that this process will run, and the later ones only look
theirs up. The batches are those of the whole cell, whatever part of it was selected or answered before: what a model
says in float32 can hang on what is computed beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from pathlib import Path

from pytest_aprqa.core import (
    Backend,
    Case,
    Cell,
    Completion,
    EngineError,
    Format,
    Modality,
    Prompting,
    Request,
    Target,
    Weights,
)
from pytest_aprqa.engines import Engine, EngineFacts, Limits, Result, open_engine
from pytest_aprqa.evidence import Resumable, completion_of, content_key
from pytest_aprqa.playbook import Playbook
from pytest_aprqa.suite.plan import Plan
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


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of asking for one case."""

    result: Result
    beside: tuple[tuple[Case, Completion], ...] = ()
    """What was answered with it, just now, for cases that come later."""


@dataclass(slots=True)
class Bench:
    """Holds what is dear; `close` it at the end."""

    setup: BenchSetup
    shelf: Shelf
    _engines: dict[tuple[Path, Target], Engine | EngineError] = field(default_factory=dict)
    _besides: dict[tuple[Path, Target, str], Engine | EngineError] = field(default_factory=dict)
    _facts: dict[tuple[Path, Target], EngineFacts] = field(default_factory=dict)
    _batches: dict[tuple[Path, Cell], dict[str, tuple[Case, ...]]] = field(default_factory=dict)
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
                opened = open_engine(target, weights, self.setup.limits, name=self.setup.engine)
                self._engines[key], self._facts[key] = opened, opened.facts
            except EngineError as problem:
                self._engines[key] = problem
        engine = self._engines[key]
        if isinstance(engine, EngineError):
            raise engine
        return engine

    def facts(self, playbook: Playbook, target: Target) -> EngineFacts:
        """What the target's engine said about itself; the engine need not be open any more.

        Raises:
            EngineError: it cannot start or cannot load the model.
        """
        if (playbook.path, target) not in self._facts:
            return self.engine(playbook, target).facts
        return self._facts[playbook.path, target]

    def retire(self, target: Target) -> None:
        """Ends the target's engine, to give its memory to a server; it is opened again if somebody asks."""
        self._close_besides()
        self._close_where(lambda one: one == target)

    def beside(self, playbook: Playbook, target: Target) -> Engine:
        """An engine that stays open beside that of the target in work.

        Raises:
            EngineError: it cannot start or cannot load the model; the same error every time.
        """
        return self._beside(playbook, target, self.setup.limits, lambda: self.shelf.weights(playbook, target))

    def truth_engine(self, playbook: Playbook) -> Engine:
        """The ground truth in float32 on the CPU, to compare a target with; beside the target's own engine.

        Raises:
            EngineError: it cannot start or cannot load the model; the same error every time.
        """
        target = Target(playbook.model.hf_repo, Format.SAFETENSORS, None, Backend.CPU)
        limits = replace(self.setup.limits, dtype="float32")
        return self._beside(playbook, target, limits, lambda: self.shelf.truth(playbook))

    def _beside(self, playbook: Playbook, target: Target, limits: Limits, weights: Callable[[], Weights]) -> Engine:
        """One engine besides that of the target in work, no more."""
        key = (playbook.path, target, limits.dtype)
        if key not in self._besides:
            self._close_besides()
            try:
                self._besides[key] = open_engine(target, weights(), limits, name=self.setup.engine)
            except EngineError as problem:
                self._besides[key] = problem
        engine = self._besides[key]
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

    def answer(self, plan: Plan, case: Case, engine: Engine, *, ahead: Collection[str]) -> Reply:
        """The engine's answer to a case, computed together with those of its batch.

        Args:
            plan: the playbook's, with all cases of the cell.
            case: what is asked now.
            engine: who answers.
            ahead: ids of the cases of its cell that this process will run too.
        """
        playbook = plan.playbook
        if known := self._results.get((playbook.path, case.id)):
            return Reply(known)
        self._close_besides()
        batch = [
            one
            for one in self._batch(plan, case, engine)
            if one.id == case.id or (one.id in ahead and self._is_open(playbook, one, engine))
        ]
        results = engine.generate([request_of(one, engine.facts) for one in batch])
        answered = tuple(zip(batch, results, strict=True))
        self._results.update({(playbook.path, one.id): result for one, result in answered})
        beside = tuple((one, it) for one, it in answered if one.id != case.id and isinstance(it, Completion))
        return Reply(self._results[playbook.path, case.id], beside)

    def _batch(self, plan: Plan, case: Case, engine: Engine) -> tuple[Case, ...]:
        """The cases that would be computed together with a case if its whole cell were run."""
        key = (plan.playbook.path, case.cell)
        if key not in self._batches:
            cell = [one for one in plan.cases if one.cell == case.cell and one.skip is None]
            places = engine.batches([request_of(one, engine.facts) for one in cell])
            batches = [tuple(cell[place] for place in batch) for batch in places]
            self._batches[key] = {one.id: batch for batch in batches for one in batch}
        return self._batches[key][case.id]

    def _is_open(self, playbook: Playbook, case: Case, engine: Engine) -> bool:
        """Whether nobody has asked for it, in this run or in one that is resumed."""
        return (playbook.path, case.id) not in self._results and self.earlier(playbook, case, engine) is None

    def key_of(self, playbook: Playbook, case: Case, engine: Engine) -> str:
        """Content key of a case: equal keys mean that the same question was put to the same artefact the same way."""
        facts, scenario = engine.facts, case.scenario
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

    def earlier(self, playbook: Playbook, case: Case, engine: Engine) -> Completion | None:
        """The answer of an earlier run to the same question, if one was given."""
        if not self.setup.resumable.by_key:
            return None
        record = self.setup.resumable.find(self.key_of(playbook, case, engine))
        return None if record is None else completion_of(record, request_id=case.id)

    def close(self) -> None:
        """Ends every engine."""
        for engine in self._engines.values():
            if not isinstance(engine, EngineError):
                engine.close()
        self._engines.clear()
        self._close_besides()

    def _close_besides(self) -> None:
        """Ends what a target was compared with: its comparisons come before its cases, which need the memory."""
        for engine in self._besides.values():
            if not isinstance(engine, EngineError):
                engine.close()
        self._besides.clear()

    def _close_others(self, target: Target) -> None:
        """Ends engines of other targets: items come target by target, and two models may not fit in memory."""
        self._close_where(lambda one: one != target)

    def _close_where(self, closes: Callable[[Target], bool]) -> None:
        for key, engine in list(self._engines.items()):
            if closes(key[1]) and not isinstance(engine, EngineError):
                engine.close()
                del self._engines[key]


def request_of(case: Case, facts: EngineFacts) -> Request:
    """What the engine is asked for a case; a model without a chat template continues the prompt as it stands."""
    return Request(
        id=case.id,
        turns=case.scenario.turns,
        system=case.scenario.system,
        prompting=case.prompting if facts.chat_template else Prompting.RAW,
        max_tokens=case.max_tokens,
        temperature=case.temperature,
        seed=case.seed,
        timeout_ms=case.timeout_ms,
    )


def needs_conversation(case: Case) -> bool:
    """Whether the case cannot be asked without a chat template."""
    if case.cell.modality is Modality.SERVE:
        return len(case.scenario.turns) > 1
    return case.cell.modality is Modality.CHAT
