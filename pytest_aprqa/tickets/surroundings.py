"""Where a failure was seen: host, engines, versions, digests, revision. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from pytest_aprqa.evidence import Evidence

_PARTS: Final = 12
"""Engines, and files, listed at most."""


def environment_of(evidence: Evidence, targets: Collection[str]) -> tuple[tuple[str, str], ...]:
    """What is known of the run and of these targets, by name."""
    found = (*_run(evidence), *_engines(evidence, targets), *_weights(evidence, targets))
    return tuple((name, value) for name, value in found if value)


def _run(evidence: Evidence) -> Iterator[tuple[str, str]]:
    run, host, playbook = evidence.run, evidence.host, evidence.playbook
    memory = "" if host.memory_bytes is None else f"{host.memory_bytes / 2**30:.1f} GiB"
    cores = "" if host.cores is None else f"{host.cores} cores"
    yield "playbook", ", ".join(filter(None, (playbook.name, playbook.path, playbook.tier and f"tier {playbook.tier}")))
    yield "playbook sha256", playbook.sha256
    yield "run", " ".join(filter(None, (run.id, run.started_at)))
    yield "evidence", "" if evidence.run.id else f"foreign, {evidence.dialect}"
    yield "pytest-aprqa", run.aprqa_version
    yield "pytest", run.pytest_version
    yield "python", host.python
    yield "host", ", ".join(filter(None, (host.hostname, host.os)))
    yield "processor", ", ".join(filter(None, (host.cpu, cores, memory)))
    yield "gpus", ", ".join(host.gpus)


def _engines(evidence: Evidence, targets: Collection[str]) -> Iterator[tuple[str, str]]:
    own = [engine for engine in evidence.engines if engine.target in targets]
    for engine in own[:_PARTS]:
        versions = ", ".join(f"{name} {version}" for name, version in engine.versions.items())
        threads = "" if engine.threads is None else f"{engine.threads} threads"
        parts = (engine.name, versions, engine.device, engine.dtype, threads)
        yield f"engine of {engine.target}", "; ".join(filter(None, parts))


def _weights(evidence: Evidence, targets: Collection[str]) -> Iterator[tuple[str, str]]:
    own = [weights for weights in evidence.weights if weights.target in targets]
    for weights in own[:_PARTS]:
        revision = weights.revision and f"revision {weights.revision}"
        yield f"weights of {weights.target}", "; ".join(filter(None, (weights.folder, weights.source, revision)))
        for name, digest in list(weights.digests.items())[:_PARTS]:
            yield f"sha256 of {weights.target} {name}", digest
