"""Judges of the .apr container itself: dtype bytes, alignment, and everything else that its header promises."""

from __future__ import annotations

from collections.abc import Callable

from pytest_aprqa.core import Verdict, corroborated, falsified, inconclusive
from pytest_aprqa.formats import AprPart, AprProblem, check_apr
from pytest_aprqa.gates.comparison.pair import Pair
from pytest_aprqa.gates.measured import once

DTYPES = frozenset({AprPart.DTYPE})
ALIGNMENT = frozenset({AprPart.ALIGNMENT})
REST = frozenset(AprPart) - DTYPES - ALIGNMENT


def judge_container(parts: frozenset[AprPart], sound: str) -> Callable[[Pair], Verdict]:
    """F-APR-FORMAT-001 to 003: none of the file's problems is of these parts."""

    def judge(pair: Pair) -> Verdict:
        problems: tuple[AprProblem, ...] = once(pair.memory, "container", lambda: check_apr(pair.path))
        mine = [problem for problem in problems if problem.part in parts]
        if mine:
            return falsified(
                f"{len(mine)} problems of the container: {_sentence(mine[0])}",
                problems=[_sentence(problem) for problem in mine[:5]],
            )
        if problems:
            # A fault elsewhere can hide the rest from the reader.
            return inconclusive(f"nothing is sure behind another problem: {_sentence(problems[0])}")
        tensors = len(pair.artefact.tensors)
        return corroborated(f"{sound} of {tensors} tensors", compared=tensors)

    return judge


def _sentence(problem: AprProblem) -> str:
    where = "" if problem.offset is None else f" @ {problem.offset:#x}"
    return f"{problem.message}{where}"
