"""What a check is judged on: the pair of models, the engine at work, the engine under a clock, the server.

One of each is kept, for the target in work, with whatever was measured of it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, assert_never

from pytest_aprqa.core import Backend, Json, Outcome, Target, Verdict
from pytest_aprqa.engines import Engine, Instruments, instruments_of
from pytest_aprqa.evidence import Observed, read_host
from pytest_aprqa.gates import (
    SPEED_CHECKS,
    Check,
    Kind,
    Timing,
    Work,
    judge_check,
    judge_service,
    judge_speed,
    judge_state,
    known_deviation,
)
from pytest_aprqa.playbook import Playbook
from pytest_aprqa.suite.bench import Bench
from pytest_aprqa.suite.pairs import Pairs
from pytest_aprqa.suite.servers import Servers
from pytest_aprqa.suite.wishes import limits_of, thresholds_for

Speeds = Mapping[str, Mapping[str, Json]]
"""Target id → what was measured of its speed."""


@dataclass(slots=True)
class Subjects:
    """Holds the subjects in work; `close` it at the end."""

    bench: Bench
    servers: Servers
    baseline: Speeds | None = None
    """Of an earlier run; None when there is none to compare with."""
    pairs: Pairs = field(init=False)
    _key: tuple[Path, Target] | None = None
    _work: Work | None = None
    _timing: Timing | None = None
    _speeds: dict[tuple[Path, str], Mapping[str, Json]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.pairs = Pairs(self.bench)

    def judge(self, check: Check[Any], playbook: Playbook, target: Target) -> Observed:
        """What a check says of a target."""
        match check.kind:
            case Kind.CONTRACT | Kind.PARITY | Kind.CONVERSION:
                return _seen(judge_check(check, self.pairs.pair(playbook, target)))
            case Kind.STATE:
                return _seen(judge_state(check, self._at_work(playbook, target)))
            case Kind.PROFILE:
                return _seen(self._timed(check, playbook, target))
            case Kind.SERVER:
                return self._served(check, playbook, target)
            case _:
                assert_never(check.kind)

    def close(self) -> None:
        """Ends servers, removes what was made on the way."""
        self.servers.close()
        self.pairs.close()

    def _served(self, check: Check[Any], playbook: Playbook, target: Target) -> Observed:
        service = self.servers.service(playbook, target)
        verdict = judge_service(check, service)
        seen = _seen(verdict)
        if verdict.outcome is not Outcome.FALSIFIED:
            return seen
        seen["stderr_tail"] = self.servers.log_tail()
        kind = self.servers.kind
        if kind is not None and (known := known_deviation(kind, check.gate_id)):
            seen["outcome"], seen["reason"] = Outcome.SKIPPED, f"{known}; seen: {verdict.reason}"
        return seen

    def _timed(self, check: Check[Any], playbook: Playbook, target: Target) -> Verdict:
        timing = self._under_clock(playbook, target)
        verdict = judge_speed(check, timing)
        self._keep_speed(playbook, target, verdict)
        return verdict

    def _at_work(self, playbook: Playbook, target: Target) -> Work:
        self._turn_to(playbook, target)
        if self._work is None:
            self._work = Work(
                format=target.format,
                quantization=target.quantization,
                backend=target.backend,
                engine=lambda: self.bench.engine(playbook, target),
                instruments=lambda: self._instruments(playbook, target),
                cpu=self._cpu_side(playbook, target),
                limits=limits_of(playbook),
                timeout_ms=playbook.matrix.timeout_ms,
            )
        return self._work

    def _under_clock(self, playbook: Playbook, target: Target) -> Timing:
        self._turn_to(playbook, target)
        if self._timing is None:
            self._timing = self._clock(playbook, target, lambda: self.bench.engine(playbook, target))
            self._timing.cpu_speed = lambda: self._speed_on_cpu(playbook, target)
        return self._timing

    def _clock(self, playbook: Playbook, target: Target, engine: Callable[[], Engine]) -> Timing:
        timing = Timing(
            format=target.format,
            quantization=target.quantization,
            backend=target.backend,
            engine=engine,
            instruments=lambda: instruments_of(engine()),
            thresholds=thresholds_for(playbook, target),
            baseline=None if self.baseline is None else self.baseline.get(target.id),
            model=playbook.model.hf_repo,
            machine=_machine(),
        )
        profile = playbook.declared.profile_ci
        if profile is not None:
            timing.warmup, timing.measure, timing.tokens = profile.warmup, profile.measure, profile.tokens
            timing.prompt = profile.prompt or timing.prompt
        return timing

    def _speed_on_cpu(self, playbook: Playbook, target: Target) -> Mapping[str, Json] | None:
        """Of a gpu target, the speed on the cpu: as this process measured it before, else measured now."""
        cpu = _on_cpu(target)
        if (playbook.path, cpu.id) not in self._speeds:
            timing = self._clock(playbook, cpu, lambda: self.bench.beside(playbook, cpu))
            self._keep_speed(playbook, cpu, judge_speed(SPEED_CHECKS[0], timing))
        return self._speeds.get((playbook.path, cpu.id))

    def _keep_speed(self, playbook: Playbook, target: Target, verdict: Verdict) -> None:
        speed = verdict.details.get("speed")
        if isinstance(speed, dict):
            self._speeds[playbook.path, target.id] = speed

    def _cpu_side(self, playbook: Playbook, target: Target) -> Callable[[], Instruments] | None:
        if target.backend is Backend.CPU:
            return None
        return lambda: instruments_of(self.bench.beside(playbook, _on_cpu(target)))

    def _instruments(self, playbook: Playbook, target: Target) -> Instruments:
        return instruments_of(self.bench.engine(playbook, target))

    def _turn_to(self, playbook: Playbook, target: Target) -> None:
        if self._key != (playbook.path, target):
            self._key, self._work, self._timing = (playbook.path, target), None, None


def _on_cpu(target: Target) -> Target:
    return Target(target.model, target.format, target.quantization, Backend.CPU)


@functools.cache
def _machine() -> str:
    """What computes, so that a speed is not held against another machine's."""
    host = read_host()
    return "; ".join((host.cpu, *host.gpus))


def _seen(verdict: Verdict) -> Observed:
    return Observed(outcome=verdict.outcome, reason=verdict.reason, verdict=verdict)
