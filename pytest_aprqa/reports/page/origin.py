"""Where everything came from: run, host, playbook, engines, and weights with their digests; as rows of texts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pytest_aprqa.evidence import EngineInfo, Evidence, WeightsInfo

_MOST_FILES: Final = 60
_MOST: Final = 200
"""Targets whose weights and engines are listed."""

Rows = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Source:
    """The weights of one target."""

    target: str
    facts: Rows
    digests: Rows
    """File name and SHA-256."""
    files_more: int
    """Files that are not listed."""


def run_rows(evidence: Evidence) -> Rows:
    """The run, the host and the playbook; what is unknown is left out."""
    run, host, playbook = evidence.run, evidence.host, evidence.playbook
    memory = "" if host.memory_bytes is None else f"{host.memory_bytes / 2**30:.1f} GiB"
    cores = "" if host.cores is None else f", {host.cores} cores"
    rows = (
        ("playbook", playbook.name),
        ("playbook file", playbook.path),
        ("playbook SHA-256", playbook.sha256),
        ("scenarios SHA-256", playbook.scenarios_digest),
        ("tier", playbook.tier or ""),
        ("evidence written as", evidence.dialect),
        ("run", run.id),
        ("started", run.started_at),
        ("finished", run.finished_at or ""),
        ("command", " ".join(run.command)),
        ("selection", f"{run.selection}{f': {run.selection_reason}' if run.selection_reason else ''}"),
        ("failure policy", run.failure_policy),
        ("pytest-aprqa", run.aprqa_version),
        ("pytest", run.pytest_version),
        ("workers", str(run.workers) if run.workers else ""),
        ("host", host.hostname),
        ("system", host.os),
        ("Python", host.python),
        ("processor", f"{host.cpu}{cores}" if host.cpu else ""),
        ("memory", memory),
        ("accelerators", ", ".join(host.gpus[:_MOST_FILES])),
    )
    return tuple((name, value) for name, value in rows if value)


def sources(evidence: Evidence) -> tuple[Source, ...]:
    """One for each target's weights."""
    return tuple(map(_source, evidence.weights[:_MOST]))


def engine_rows(evidence: Evidence) -> tuple[tuple[str, str, str, str], ...]:
    """Target, engine, what it computed on, and the versions of its libraries."""
    return tuple(
        (engine.target, engine.name, _device(engine), ", ".join(f"{name} {at}" for name, at in engine.versions.items()))
        for engine in evidence.engines[:_MOST]
    )


def _device(engine: EngineInfo) -> str:
    threads = "" if engine.threads is None else f"{engine.threads} thread{'' if engine.threads == 1 else 's'}"
    return ", ".join(filter(None, (engine.device, engine.dtype, threads)))


def _source(weights: WeightsInfo) -> Source:
    digests = tuple(weights.digests.items())
    return Source(weights.target, tuple(_facts(weights)), digests[:_MOST_FILES], max(0, len(digests) - _MOST_FILES))


def _facts(weights: WeightsInfo) -> Iterator[tuple[str, str]]:
    yield "found", weights.source
    yield "folder", weights.folder
    if weights.revision:
        yield "revision", weights.revision
    if weights.converter:
        yield "converted by", weights.converter
    for file, digest in list(weights.made_from.items())[:_MOST_FILES]:
        yield "made from", f"{file} sha256:{digest}"
    if weights.signature:
        yield "signature", weights.signature
