"""The test bench of one process: weights, engines and answers, each made once and kept warm.

Knows nothing of pytest, of verdicts or of policies. Answers are generated ahead: the first case of a cell lets the
engine answer all of the cell's cases that this process will run, and the later ones only look theirs up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pytest_aprqa.core import (
    AprqaError,
    Case,
    Completion,
    EngineError,
    Format,
    Modality,
    Prompting,
    Request,
    Target,
    Weights,
)
from pytest_aprqa.engines import Engine, Limits, Result, open_engine
from pytest_aprqa.evidence import Resumable, completion_of, content_key
from pytest_aprqa.gates import Finding, check_integrity
from pytest_aprqa.playbook import Playbook
from pytest_aprqa.weights import Search, Wanted, digest_memory, digested, resolve

AWAKE_PROMPT = "What is 2+2?"
"""The simple prompt of gateway G2."""
AWAKE_TOKENS = 16


@dataclass(frozen=True, slots=True)
class BenchSetup:
    """What a bench needs to know of the run."""

    search: Search
    limits: Limits
    engine: str | None = None
    """Name of the engine for every target; None takes each format's default."""
    resumable: Resumable = field(default_factory=lambda: Resumable({}))
    """Records of an earlier run whose answers may be taken over."""


@dataclass(slots=True)
class Bench:
    """Holds what is dear; `close` it at the end."""

    setup: BenchSetup
    _weights: dict[tuple[Path, str], Weights | AprqaError] = field(default_factory=dict)
    _findings: dict[Path, tuple[Finding, ...]] = field(default_factory=dict)
    _engines: dict[tuple[Path, Target], Engine | EngineError] = field(default_factory=dict)
    _results: dict[tuple[Path, str], Result] = field(default_factory=dict)

    def weights(self, playbook: Playbook) -> Weights:
        """The model's files on this machine.

        Raises:
            WeightsUnavailable: they are not here.
            ArtefactError: they are here and broken.
        """
        model = playbook.model
        key = (playbook.path, model.hf_repo)
        if key not in self._weights:
            files = {it: path for it in Format if (path := getattr(model.files, it)) is not None}
            wanted = Wanted(model.hf_repo, model.revision, model.local_path, files)
            try:
                found = resolve(wanted, self.setup.search)
                self._weights[key] = digested(found, memory=digest_memory(self.setup.search.environment))
            except AprqaError as problem:
                self._weights[key] = problem
        weights = self._weights[key]
        if isinstance(weights, AprqaError):
            raise weights
        return weights

    def findings(self, playbook: Playbook) -> tuple[Finding, ...]:
        """What the integrity gates say of the files; read once for all targets that share them."""
        weights = self.weights(playbook)
        if weights.folder not in self._findings:
            self._findings[weights.folder] = check_integrity(weights, expected_numbers(playbook))
        return self._findings[weights.folder]

    def engine(self, playbook: Playbook, target: Target) -> Engine:
        """The engine that holds the target, started on first use.

        Raises:
            EngineError: it cannot start or cannot load the model; the same error every time.
        """
        key = (playbook.path, target)
        if key not in self._engines:
            self._close_others(target)
            try:
                weights = self.weights(playbook)
                self._engines[key] = open_engine(target, weights, self.setup.limits, name=self.setup.engine)
            except EngineError as problem:
                self._engines[key] = problem
        engine = self._engines[key]
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
            waiting = [one for one in new if one is case or self.earlier(playbook, one) is None]
            results = self.engine(playbook, case.cell.target).generate([request_of(one) for one in waiting])
            self._results.update({(playbook.path, one.id): it for one, it in zip(waiting, results, strict=True)})
        return self._results[playbook.path, case.id]

    def key_of(self, playbook: Playbook, case: Case) -> str:
        """Content key of a case: equal keys mean that the same question was put to the same artefact the same way."""
        facts = self.engine(playbook, case.cell.target).facts
        scenario = case.scenario
        return content_key(
            weights_digests=self.weights(playbook).digests,
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


def expected_numbers(playbook: Playbook) -> dict[str, int]:
    """The architecture numbers that a playbook states, by the names of its keys, such as ``expected_hidden_dim``."""
    model = playbook.model
    stated = {
        "expected_hidden_dim": model.expected_hidden_dim,
        "expected_num_layers": model.expected_num_layers,
        "expected_num_heads": model.expected_num_heads,
        "expected_num_kv_heads": model.expected_num_kv_heads,
        "expected_vocab_size": model.expected_vocab_size,
        "expected_intermediate_dim": model.expected_intermediate_dim,
    }
    return {name: number for name, number in stated.items() if number is not None}
