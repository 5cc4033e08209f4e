"""What else differs between two runs: machine, engines, versions, playbook, weights, selection. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from pytest_aprqa.core import Json
from pytest_aprqa.evidence import Evidence, Selection

_PLACES_OF_FILES: Final = ("model_path", "lock")
"""Options that name where something lies."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One circumstance that is not the same in both runs."""

    what: str
    """Such as ``engine of gguf-q8_0-cpu``."""
    before: str
    """Empty where the run does not say."""
    after: str
    doubt: str
    """Why the comparison means less for it; empty where such a difference is what one compares for."""


def differences(before: Evidence, after: Evidence) -> tuple[Difference, ...]:
    """All that differs, what casts doubt on the comparison first."""
    found = [*_of_question(before, after), *_of_place(before, after), *_of_subject(before, after)]
    return tuple(sorted(found, key=lambda one: not one.doubt))


def _of_question(before: Evidence, after: Evidence) -> Iterator[Difference]:
    """What was asked."""
    doubts = {
        "model": "these are two models: what differs between them is no regression of either",
        "playbook": "the runs are of two playbooks: only what both ask is compared",
        "playbook digest": "the playbook was changed: a case may expect something else under the same name",
        "scenarios digest": "the scenarios were changed: a case may expect something else under the same name",
        "tier": "the tiers differ in what they require",
        "options": "options that bear on the verdict differ",
        "dialect": "the files were written by different tools, which do not judge alike",
    }
    semantic = bool(before.playbook.question_sha256 and after.playbook.question_sha256)
    questions = (_question(run, semantic=semantic) for run in (before, after))
    for what, one, other in zip(doubts, *questions, strict=True):
        if one != other:
            yield Difference(what, one, other, doubts[what])
    if before.run.selection != after.run.selection or Selection.PARTIAL in (before.run.selection, after.run.selection):
        yield Difference(
            "selection",
            _selection(before),
            _selection(after),
            "not all of the playbook's cases were run: what was left out is not compared",
        )


def _question(evidence: Evidence, *, semantic: bool) -> tuple[str, ...]:
    """What is asked; where a model's files lie is not part of it, since their digests tell them apart."""
    playbook = evidence.playbook
    options = {name: value for name, value in evidence.run.options.items() if name not in _PLACES_OF_FILES}
    return (
        playbook.model,
        playbook.name,
        _digest(playbook.question_sha256 if semantic else playbook.sha256),
        _digest(playbook.scenarios_digest),
        playbook.tier or "",
        _pairs(options),
        evidence.dialect,
    )


def _selection(evidence: Evidence) -> str:
    reason = evidence.run.selection_reason
    return f"{evidence.run.selection}{f' ({reason})' if reason else ''}"


def _of_place(before: Evidence, after: Evidence) -> Iterator[Difference]:
    """Where it was run, and with what."""
    for what, one, other in zip(_PLACES, _place(before), _place(after), strict=True):
        if one != other:
            yield Difference(what, one, other, "")


_PLACES = ("processor", "cores", "memory", "gpus", "operating system", "python", "pytest-aprqa", "failure policy")


def _place(evidence: Evidence) -> tuple[str, ...]:
    host, run = evidence.host, evidence.run
    memory = "" if host.memory_bytes is None else f"{host.memory_bytes / 2**30:.1f} GiB"
    return (
        host.cpu,
        str(host.cores or ""),
        memory,
        ", ".join(host.gpus),
        host.os,
        host.python,
        run.aprqa_version,
        run.failure_policy,
    )


def _of_subject(before: Evidence, after: Evidence) -> Iterator[Difference]:
    """Engines and weights of the targets that both have."""
    for what, read in (("engine", _engines), ("weights", _weights)):
        then, now = read(before), read(after)
        for target_id in sorted(then.keys() & now.keys()):
            one, other = then[target_id], now[target_id]
            if one != other:
                gone, come = ("; ".join(sorted(words)) for words in (one - other, other - one))
                yield Difference(f"{what} of {target_id}", gone, come, "")


def _engines(evidence: Evidence) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for engine in evidence.engines:
        words = " ".join(filter(None, (engine.name, _pairs(engine.versions), engine.device, engine.dtype)))
        found.setdefault(engine.target, set()).add(words)
    return found


def _weights(evidence: Evidence) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for weights in evidence.weights:
        words = {f"{name} {_digest(digest)}" for name, digest in weights.digests.items()}
        words |= {f"revision {weights.revision}"} if weights.revision else set()
        found.setdefault(weights.target, set()).update(words)
    return found


def _digest(digest: str) -> str:
    return digest[:12]


def _pairs(values: Mapping[str, Json]) -> str:
    return ", ".join(f"{name} {value}" for name, value in sorted(values.items()))
