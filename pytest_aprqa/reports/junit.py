"""The suite properties of a JUnit report: the score and what it rests on, as pairs of texts that XML can hold."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_aprqa.evidence import EngineInfo, Evidence
from pytest_aprqa.reports.visible import excerpt
from pytest_aprqa.scoring import Mqs

_CHARS = 500


def suite_properties(evidence: Evidence, mqs: Mqs) -> tuple[tuple[str, str], ...]:
    """Name and value of each property, in a fixed order; every value is one printable line."""
    return tuple((_safe(name), _safe(value)) for name, value in _pairs(evidence, mqs))


def _pairs(evidence: Evidence, mqs: Mqs) -> Iterator[tuple[str, str]]:
    playbook, run = evidence.playbook, evidence.run
    yield "model", playbook.model
    yield "playbook", playbook.name
    yield "playbook.path", playbook.path
    yield "playbook.sha256", playbook.sha256
    yield "playbook.tier", playbook.tier or ""
    yield "playbook.scenarios_digest", playbook.scenarios_digest
    yield "aprqa.version", run.aprqa_version
    yield "selection", run.selection
    if run.selection_reason:
        yield "selection.reason", run.selection_reason
    yield from _score_pairs(mqs)
    yield "distinct_prompts", str(evidence.distinct_prompts)
    for weights in evidence.weights:
        for file, digest in weights.digests.items():
            yield f"weights.{weights.target}.{file}", f"sha256:{digest}"
    for engine in evidence.engines:
        yield f"engine.{engine.target}", _engine(engine)


def _score_pairs(mqs: Mqs) -> Iterator[tuple[str, str]]:
    yield "mqs.raw_score", str(mqs.mqs)
    yield "mqs.ceiling", str(mqs.mqs_ceiling)
    yield "mqs.normalized_score", f"{mqs.normalized_score:.3f}"
    yield "mqs.grade", mqs.grade
    yield "mqs.cert_grade", mqs.cert_grade
    yield "mqs.status", mqs.status
    yield "mqs.qualifies", str(mqs.qualifies).lower()
    yield "tier.passed", str(mqs.tier.passed).lower()
    yield "tier.scoped_score", str(mqs.tier.scoped_score)
    for gateway, state in mqs.gateways.items():
        yield f"gateway.{gateway}", state
    for target, states in mqs.target_gateways.items():
        for gateway, state in states.items():
            yield f"gateway.{gateway}.{target}", state
    for score in mqs.categories.values():
        tested = f"{score.points}/{score.max_points}" if score.total else "no evidence"
        yield f"category.{score.category}", tested
    for outcome, count in mqs.outcomes.items():
        yield f"records.{outcome}", str(count)


def _engine(engine: EngineInfo) -> str:
    versions = ", ".join(f"{library} {version}" for library, version in sorted(engine.versions.items()))
    words = (engine.name, f"({versions})" if versions else "", engine.device, engine.dtype)
    return " ".join(word for word in words if word)


def _safe(text: str) -> str:
    return excerpt(text, limit=_CHARS)
