"""Golden corpora that a playbook names: the checks that hold a target's engine against them.

An ``hf_parity`` oracle of the playbook is about every target, one of a scenario, or a scenario's ``prompt_set``, about
those of the scenario's formats and backends.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import JsonValue

from pytest_aprqa.core import Format, Outcome, PlaybookError, Target, Verdict, inconclusive
from pytest_aprqa.evidence import plain_json
from pytest_aprqa.gates import Check, Kind, Pair, word_of
from pytest_aprqa.golden import (
    Wanted,
    default_root,
    family_of,
    find_golden,
    judge_corpus,
    judge_parity,
    read_golden,
    read_hf_parity,
)
from pytest_aprqa.playbook import OracleType, Playbook

_FORMATS = frozenset(Format)


@dataclass(frozen=True, slots=True)
class Golden:
    """One corpus that a playbook names."""

    wanted: Wanted
    home: Path
    """The playbook's folder, from which relative paths start."""
    words: tuple[str, ...]
    """Formats and backends that it is about; none for all."""
    line: int
    """1-based line in the playbook."""

    def is_for(self, target: Target) -> bool:
        """Whether the target is to be held against it."""
        formats = [word for word in self.words if word in set(Format)]
        backends = [word for word in self.words if word not in set(Format)]
        return (not formats or target.format in formats) and (not backends or target.backend in backends)


def goldens_of(playbook: Playbook) -> tuple[Golden, ...]:
    """Every corpus that the playbook names.

    Raises:
        PlaybookError: an ``hf_parity`` oracle makes no sense.
    """
    return tuple(_goldens(playbook))


def golden_checks(playbook: Playbook, target: Target) -> tuple[tuple[Check[Pair], int], ...]:
    """The golden checks of a target with the line that asks for them."""
    goldens = [golden for golden in goldens_of(playbook) if golden.is_for(target)]
    if not goldens:
        return ()
    checks: tuple[Check[Pair], ...] = (
        Check("F-HF-PARITY-004", Kind.PARITY, _FORMATS, lambda _: _worst([_whole(it) for it in goldens])),
        Check("F-HF-PARITY-001", Kind.PARITY, _FORMATS, lambda pair: _worst([_close(it, pair) for it in goldens])),
    )
    return tuple((check, goldens[0].line) for check in checks)


def _goldens(playbook: Playbook) -> Iterator[Golden]:
    for place, oracle in enumerate(playbook.declared.oracles):
        if oracle.type is OracleType.HF_PARITY:
            line = playbook.line_of(f"oracles[{place}]")
            yield Golden(_wanted(playbook, oracle.config, line), playbook.path.parent, (), line)
    for place, scenario in enumerate(playbook.declared.scenarios):
        line = playbook.line_of(f"scenarios[{place}]")
        words = tuple(str(word) for word in (*(scenario.formats or ()), *(scenario.backends or ()), *scenario.only))
        wanted = [_wanted(playbook, it.config, line) for it in scenario.oracle if it.type is OracleType.HF_PARITY]
        if scenario.prompt_set is not None:
            wanted = [replace(it, corpus=it.corpus or scenario.prompt_set) for it in wanted or [Wanted("")]]
        yield from (Golden(it, playbook.path.parent, words, line) for it in wanted)


def _wanted(playbook: Playbook, config: Mapping[str, JsonValue], line: int) -> Wanted:
    try:
        wanted = read_hf_parity({key: plain_json(value) for key, value in config.items()})
    except ValueError as problem:
        raise PlaybookError(
            f"hf_parity: {problem}", path=playbook.path, line=line, column=1, field="oracles"
        ) from problem
    return wanted if wanted.corpus else replace(wanted, corpus=playbook.model.hf_repo)


def _whole(golden: Golden) -> Verdict:
    folder = _folder(golden)
    return _absent(golden) if folder is None else judge_corpus(folder)


def _close(golden: Golden, pair: Pair) -> Verdict:
    folder = _folder(golden)
    if folder is None:
        return _absent(golden)
    assert pair.artefact_instruments is not None
    word = golden.wanted.word or word_of(pair)
    return judge_parity(read_golden(folder), pair.artefact_instruments(), word, golden.wanted.overrides)


def _folder(golden: Golden) -> Path | None:
    return find_golden(golden.wanted.corpus, default_root(os.environ), relative_to=golden.home)


def _absent(golden: Golden) -> Verdict:
    family = golden.wanted.corpus
    return inconclusive(
        f"there is no golden corpus {family!r}; apr-qa parity --model-family {family_of(family)} --record makes one"
    )


def _worst(verdicts: Sequence[Verdict]) -> Verdict:
    order = (Outcome.FALSIFIED, Outcome.INCONCLUSIVE, Outcome.CORROBORATED)
    return min(verdicts, key=lambda verdict: order.index(verdict.outcome))
