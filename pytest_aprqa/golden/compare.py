"""Holds an engine against a golden corpus: token ids first, then the logits of the same row, then greedy answers.

KL divergence is measured on the recorded tokens and one bucket for the rest (`coarse`), so it is a lower bound. A
prompt whose token ids differ is not compared further: its logits would be those of another text. A greedy answer may
part from the recorded one where the recording is nearly undecided, or where the engine's own logits, which have limits
of their own, choose the other token; else it generates by other logits than it shows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pytest_aprqa.core import (
    EngineUnavailable,
    Json,
    Quantization,
    Verdict,
    corroborated,
    falsified,
    inconclusive,
)
from pytest_aprqa.engines import Instruments
from pytest_aprqa.golden.corpus import GoldenCorpus, GoldenPrompt
from pytest_aprqa.golden.observe import (
    Check,
    Observation,
    checks_of,
    margin_at,
    observe,
    own_margin_at,
    parting,
    unusable,
)
from pytest_aprqa.golden.speech import encode_prompts
from pytest_aprqa.parity import compare_ids

DEFAULT_WORD = "f32"


@dataclass(frozen=True, slots=True)
class PromptResult:
    """What became of one prompt."""

    id: str
    problem: str
    """Why its logits could not be compared; empty when they were."""
    positions: int
    """Positions compared."""
    kl_mean: float | None
    """Nats; None where nothing was compared."""
    kl_max: float | None
    nmse: float | None
    agreed: int
    """Positions with the same likeliest token."""
    parted_at: int | None
    """Token of the continuation from which on it differs; None where it does not."""
    margin: float
    """Nats that the recording holds between the two tokens there; 0.0 where the continuations agree."""
    own_margin: float
    """Nats that the engine's own logits hold against the token it chose there."""


@dataclass(frozen=True, slots=True)
class GoldenComparison:
    """An engine against a corpus."""

    model: str
    """Whose corpus it is."""
    digest: str
    """The corpus'."""
    word: str
    """Stored type whose limits were asked for."""
    prompts: tuple[PromptResult, ...]
    checks: tuple[Check, ...]
    """Over all prompts that could be compared; empty where none could."""

    @property
    def compared(self) -> int:
        """Positions of all prompts together."""
        return sum(each.positions for each in self.prompts)

    @property
    def problems(self) -> tuple[PromptResult, ...]:
        """Prompts that could not be compared."""
        return tuple(each for each in self.prompts if each.problem)

    def to_json(self) -> dict[str, Json]:
        """As plain JSON."""
        return {
            "model": self.model,
            "corpus_digest": self.digest,
            "limits_for": self.word,
            "positions": self.compared,
            "checks": [_check_json(check) for check in self.checks],
            "prompts": [{name: getattr(each, name) for name in PromptResult.__slots__} for each in self.prompts],
        }


def compare(
    corpus: GoldenCorpus,
    instruments: Instruments,
    word: Quantization | str | None = None,
    overrides: Mapping[str, float] | None = None,
) -> GoldenComparison:
    """Compares every prompt of a corpus.

    Args:
        corpus: as `read_golden` gives it.
        instruments: of the engine that holds the other artefact.
        word: its quantization or stored type, whose limits apply; None means float32.
        overrides: limits of the playbook's own, by quantity.

    Raises:
        AprqaError: there are no limits for `word`.
        EngineError: whatever the engine raises.
    """
    rows = encode_prompts(instruments, [each.prompt for each in corpus.prompts]) if corpus.prompts else ()
    problems = {each.prompt.id: _other_ids(each, row) for each, row in zip(corpus.prompts, rows, strict=True)}
    same = [each for each in corpus.prompts if not problems[each.prompt.id]]
    answers = _answers(instruments, same)
    results: dict[str, PromptResult] = {}
    observations: list[Observation] = []
    for each in same:
        logits = instruments.logits([each.recording.row])[0]
        if problem := unusable(each.recording, logits):
            problems[each.prompt.id] = problem
            continue
        seen = observe(each.recording, logits)
        observations.append(seen)
        results[each.prompt.id] = _result(each, seen, answers[each.prompt.id], logits)
    margins = [min(result.margin, result.own_margin) for result in results.values()]
    spelled = str(word or DEFAULT_WORD)
    return GoldenComparison(
        model=corpus.provenance.model,
        digest=corpus.digest,
        word=spelled,
        prompts=tuple(
            results.get(each.prompt.id) or _not_compared(each.prompt.id, problems[each.prompt.id])
            for each in corpus.prompts
        ),
        checks=checks_of(observations, margins, spelled, overrides, parameters=corpus.engine.parameters)
        if observations
        else (),
    )


def judge_parity(
    corpus: GoldenCorpus,
    instruments: Instruments,
    word: Quantization | str | None = None,
    overrides: Mapping[str, float] | None = None,
) -> Verdict:
    """The verdict of gate F-HF-PARITY-001; raises as `compare` does, but for an instrument that is missing."""
    try:
        return judge_comparison(compare(corpus, instruments, word, overrides))
    except EngineUnavailable as exc:
        return inconclusive(f"cannot be compared with the golden corpus: {exc}")


def judge_comparison(comparison: GoldenComparison) -> Verdict:
    """The verdict on a comparison that was made; with nothing compared it is inconclusive, unless it is refuted."""
    details = comparison.to_json()
    if comparison.problems:
        first = comparison.problems[0]
        return falsified(
            f"{len(comparison.problems)} of {len(comparison.prompts)} golden prompts cannot be compared; "
            f"first {first.id!r}: {first.problem}",
            compared=max(comparison.compared, 1),
            **details,
        )
    broken = [check for check in comparison.checks if not check.holds]
    if broken:
        said = "; ".join(map(str, broken))
        return falsified(
            f"not the golden logits: {said}; worst prompt {_worst(comparison)!r}",
            compared=comparison.compared,
            **details,
        )
    said = ", ".join(map(str, comparison.checks))
    return corroborated(
        f"the golden logits at {comparison.compared} positions of {len(comparison.prompts)} prompts: {said}",
        compared=comparison.compared if comparison.checks else 0,
        **details,
    )


def _worst(comparison: GoldenComparison) -> str:
    return max(comparison.prompts, key=lambda each: (each.kl_mean or 0.0, each.own_margin)).id


def _answers(instruments: Instruments, prompts: Sequence[GoldenPrompt]) -> dict[str, tuple[int, ...]]:
    if not prompts:
        return {}
    longest = max(len(each.recording.continuation) for each in prompts)
    rows = [each.recording.token_ids.tolist() for each in prompts]
    answers = instruments.greedy(rows, max_tokens=longest)
    return {each.prompt.id: answer for each, answer in zip(prompts, answers, strict=True)}


def _other_ids(golden: GoldenPrompt, row: tuple[int, ...]) -> str:
    differences = compare_ids([golden.recording.token_ids.tolist()], [row])
    if not differences:
        return ""
    at = differences[0].first
    expected, found = (list(ids[at : at + 3]) for ids in (differences[0].expected, differences[0].found))
    return f"token ids differ from token {at} on: expected {expected}, found {found}"


def _result(
    golden: GoldenPrompt, seen: Observation, answer: tuple[int, ...], logits: NDArray[np.float32]
) -> PromptResult:
    parted = parting(golden.recording, answer)
    return PromptResult(
        id=golden.prompt.id,
        problem="",
        positions=seen.kl.size,
        kl_mean=float(seen.kl.mean()),
        kl_max=float(seen.kl.max()),
        nmse=float(seen.nmse.mean()),
        agreed=seen.agreed,
        parted_at=parted.first,
        margin=margin_at(golden.recording, parted),
        own_margin=own_margin_at(golden.recording, parted, logits),
    )


def _not_compared(identity: str, problem: str) -> PromptResult:
    return PromptResult(identity, problem, 0, None, None, None, 0, None, 0.0, 0.0)


def _check_json(check: Check) -> dict[str, Json]:
    return {
        "quantity": str(check.quantity),
        "value": check.measured.value,
        "low": check.measured.low,
        "high": check.measured.high,
        "limit": check.limit.value,
        "source": check.limit.source,
        "holds": check.holds,
    }
