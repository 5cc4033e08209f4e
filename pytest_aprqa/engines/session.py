"""`SupervisedEngine`: an engine whose model lives in a child process, and which survives whatever that process does.

A batch that dies is asked again request by request, so that the fault is attributed to the request that has it and the
others get their answers. Knows nothing of what runs in the child.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NoReturn

from pytest_aprqa.core import (
    Completion,
    EngineCrashed,
    EngineError,
    EngineOutOfMemory,
    EngineRefused,
    EngineTimeout,
    Request,
    Target,
    Weights,
)
from pytest_aprqa.engines.batches import chunks, plan, refusal
from pytest_aprqa.engines.child import Child
from pytest_aprqa.engines.instruments import RemoteInstruments
from pytest_aprqa.engines.orders import Generate, Load, Measure
from pytest_aprqa.engines.protocol import EngineFacts, Limits, Result
from pytest_aprqa.engines.wire import Answered, Failed, Loaded, Reply

_Batch = Mapping[int, Request]
_Results = dict[int, Result]


def supervise(loader: str, target: Target, weights: Weights, limits: Limits) -> SupervisedEngine:
    """Opens an engine that runs `loader` in a supervised child; for those who write an engine.

    Args:
        loader: ``module:function`` of a `LoadResident`, imported in the child only.
        target: handed to the loader.
        weights: handed to the loader.
        limits: handed to the loader, and kept by the supervisor.

    Raises:
        EngineUnavailable: the loader needs something that is not installed.
        EngineRefused: the loader refused.
        EngineTimeout: loading passed its deadline.
        EngineCrashed: the process died while loading.
        EngineOutOfMemory: the model does not fit.
    """
    return SupervisedEngine(Load(loader, target, weights, limits))


class SupervisedEngine(RemoteInstruments):
    """An `Engine` with its `Instruments` in a child process, which is replaced when it dies.

    Args:
        order: what the child loads.
    """

    def __init__(self, order: Load) -> None:
        self._order = order
        self._broken: EngineError | None = None
        self._child: Child | None = None
        self._facts = self._load()

    @property
    def facts(self) -> EngineFacts:
        """What the engine said about itself when it was first loaded."""
        return self._facts

    @property
    def pid(self) -> int | None:
        """Process id of the child, which leads its own process group; None while there is none."""
        return self._child.pid if self._child is not None else None

    def generate(self, requests: Sequence[Request]) -> tuple[Result, ...]:
        """One result for each request, in their order; never raises for what the model or its process did."""
        results: _Results = {}
        for batch in self.batches(requests):
            if (refused := refusal(requests[batch[0]])) is not None:
                results[batch[0]] = refused
            else:
                results |= self._answer({index: requests[index] for index in batch})
        return tuple(results[index] for index in range(len(requests)))

    def batches(self, requests: Sequence[Request]) -> tuple[tuple[int, ...], ...]:
        """Which of the requests are computed together; one that is refused is alone."""
        refused = {index for index, request in enumerate(requests) if refusal(request) is not None}
        askable = {index: request for index, request in enumerate(requests) if index not in refused}
        return (*((index,) for index in refused), *plan(askable, max_batch=self._together))

    def close(self) -> None:
        """Kills the child and all its descendants; may be called twice."""
        self._drop()
        self._broken = EngineRefused("the engine is closed")

    def _answer(self, batch: _Batch, notes: tuple[str, ...] = ()) -> _Results:
        """Results of one batch: of the whole, or of its parts where the whole died."""
        if (fault := self._reload()) is not None:
            return dict.fromkeys(batch, fault)
        try:
            return self._ask(batch, notes)
        except EngineOutOfMemory as error:
            self._drop()
            # One smaller try, then one alone: each costs a load.
            size = 1 if notes else (len(batch) + 1) // 2
            return self._answer_parts(batch, size, error, (*notes, _retry_note("out of memory", batch, size)))
        except (EngineTimeout, EngineCrashed) as error:
            self._drop()
            cause = "a timeout" if isinstance(error, EngineTimeout) else "a crash"
            return self._answer_parts(batch, 1, error, (*notes, _retry_note(cause, batch, 1)))
        except EngineError as error:
            return dict.fromkeys(batch, error)

    def _answer_parts(self, batch: _Batch, size: int, error: EngineError, notes: tuple[str, ...]) -> _Results:
        if len(batch) == 1:
            return dict.fromkeys(batch, error)
        results: _Results = {}
        for part in chunks(list(batch), size):
            results |= self._answer({index: batch[index] for index in part}, notes)
        return results

    def _ask(self, batch: _Batch, notes: tuple[str, ...]) -> _Results:
        assert self._child is not None
        requests = tuple(batch.values())
        reply = self._child.exchange(
            Generate(requests), doing=_doing(requests), timeout_ms=min(request.timeout_ms for request in requests)
        )
        if isinstance(reply, Failed):
            raise reply.error
        if not isinstance(reply, Answered) or len(reply.results) != len(requests):
            raise self._child.violation(_doing(requests), "it did not send one result for each request")
        return {index: _noted(result, notes) for index, result in zip(batch, reply.results, strict=True)}

    @property
    def _together(self) -> int:
        return self._order.limits.max_batch

    def _consult(self, order: Measure, *, doing: str, timeout_ms: int) -> Reply:
        if (fault := self._reload()) is not None:
            raise fault
        assert self._child is not None
        reply = self._child.exchange(order, doing=doing, timeout_ms=timeout_ms)
        if isinstance(reply, Failed):
            if isinstance(reply.error, EngineOutOfMemory):
                self._drop()  # what it still holds would be missing for the next order
            raise reply.error
        return reply

    def _reject(self, doing: str, what: str) -> NoReturn:
        assert self._child is not None
        raise self._child.violation(doing, what)

    def _reload(self) -> EngineError | None:
        """Makes sure that there is a child; a model that cannot be loaded again is not tried a third time."""
        if self._broken is None and (self._child is None or not self._child.alive):
            try:
                self._load()
            except EngineError as error:
                self._broken = error
        return self._broken

    def _load(self) -> EngineFacts:
        self._drop()
        limits = self._order.limits
        started = time.perf_counter()
        self._child = Child(threads=limits.threads, memory_bytes=limits.memory_bytes)
        try:
            reply = self._child.exchange(self._order, doing="loading the model", timeout_ms=limits.load_timeout_ms)
            if isinstance(reply, Failed):
                raise reply.error
            if not isinstance(reply, Loaded):
                raise self._child.violation("loading the model", "it did not say what it loaded")
        except BaseException:
            self._drop()
            raise
        return replace(reply.facts, load_ms=(time.perf_counter() - started) * 1000)

    def _drop(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child = None


def _doing(requests: Sequence[Request]) -> str:
    if len(requests) == 1:
        return f"answering {requests[0].id!r}"
    return f"answering {len(requests)} requests together, {requests[0].id!r} to {requests[-1].id!r}"


def _retry_note(cause: str, batch: _Batch, size: int) -> str:
    how = "alone" if size == 1 else f"in a batch of {size}"
    return f"repeated {how} in a fresh process after {cause} in a batch of {len(batch)}"


def _noted(result: Result, notes: tuple[str, ...]) -> Result:
    if notes and isinstance(result, Completion):
        return replace(result, notes=(*result.notes, *notes))
    return result
