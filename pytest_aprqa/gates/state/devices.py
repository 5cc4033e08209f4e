"""F-PAR-001: does the gpu compute what the cpu computes, by the divergence of the next token over a text?"""

from __future__ import annotations

from typing import Final

import numpy as np

from pytest_aprqa.core import (
    AprqaError,
    Backend,
    EngineOutOfMemory,
    EngineUnavailable,
    Verdict,
    corroborated,
    falsified,
)
from pytest_aprqa.gates.measured import Unjudgeable
from pytest_aprqa.gates.state.closeness import Arithmetic, arithmetic_of
from pytest_aprqa.gates.state.distance import Logits
from pytest_aprqa.gates.state.rows import long_row
from pytest_aprqa.gates.state.work import Work
from pytest_aprqa.parity import Limit, Quantity, compare_logits, limit_for

_KL_MEAN: Final = {Arithmetic.FLOAT: 1e-6, Arithmetic.HALF: 1e-3}
"""Nats: other kernels round float32 otherwise; bfloat16 against the cpu's float32 costs a thousand times more."""


def judge_devices(work: Work) -> Verdict:
    """Falsified where the mean divergence is beyond the limit of the type that the gpu computes with."""
    if work.backend is not Backend.GPU:
        raise Unjudgeable("the target runs on the cpu")
    if work.cpu is None:
        raise Unjudgeable("there is no cpu target of the same artefact to hold the gpu against")
    row = long_row(work)
    theirs = work.instruments().logits([row])[0].copy()
    found = compare_logits([(_on_cpu(work, row), theirs, np.asarray(row[1:]))])
    if found.not_finite:
        return falsified(
            f"the gpu's logits at {found.not_finite} of {len(row)} positions are not finite", compared=len(row)
        )
    if not found.positions:
        raise Unjudgeable("the cpu's logits are not finite to begin with")
    limit = _limit(work)
    kl = found.kl_mean
    verdict = corroborated if limit.holds(kl.value) else falsified
    return verdict(
        f"mean KL divergence of gpu from cpu {kl.value:.3g} (95 % {kl.low:.3g} to {kl.high:.3g}), limit {limit}, "
        f"largest {found.kl_max:.3g} at token {found.kl_worst}; the likeliest token agrees at "
        f"{found.top1_strict.value:.1%} of {found.positions} positions",
        compared=found.positions,
        kl_mean=kl.value,
        kl_max=found.kl_max,
        limit=limit.value,
        limit_source=limit.source,
    )


def _on_cpu(work: Work, row: tuple[int, ...]) -> Logits:
    """What the cpu computes; that it cannot is no fault of the gpu's."""
    assert work.cpu is not None
    try:
        return work.cpu().logits([row])[0]
    except (EngineUnavailable, EngineOutOfMemory):
        raise
    except AprqaError as exc:
        raise Unjudgeable(f"the cpu could not be asked: {exc}") from exc


def _limit(work: Work) -> Limit:
    facts = work.engine().facts
    arithmetic = arithmetic_of(facts.dtype)
    word = work.quantization or ("f32" if arithmetic is Arithmetic.FLOAT else facts.dtype)
    if arithmetic in _KL_MEAN and f"{word}.{Quantity.KL_MEAN}" not in work.limits:
        return Limit(_KL_MEAN[arithmetic], f"starting value of {arithmetic}, not calibrated")
    try:
        return limit_for(word, Quantity.KL_MEAN, work.limits, parameters=facts.parameters)
    except AprqaError as exc:
        raise Unjudgeable(str(exc)) from exc
