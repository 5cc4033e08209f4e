"""The suite properties of a JUnit report: the score and what it rests on, as pairs of texts that XML can hold."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_aprqa.core import excerpt
from pytest_aprqa.evidence import EngineInfo, Evidence
from pytest_aprqa.scoring import Mqs, coverage_of, headline

_CHARS = 500


def suite_properties(evidence: Evidence, mqs: Mqs) -> tuple[tuple[str, str], ...]:
    """Name and value of each property, in a fixed order; every value is one printable line."""
    return tuple((_safe(name), _safe(value)) for _, name, value in _properties(evidence, mqs))


def target_properties(evidence: Evidence, mqs: Mqs, target_id: str) -> tuple[tuple[str, str], ...]:
    """The same for a suite of one target: what is said of the other targets is left out."""
    chosen = (None, target_id)
    return tuple((_safe(name), _safe(value)) for of, name, value in _properties(evidence, mqs) if of in chosen)


def _properties(evidence: Evidence, mqs: Mqs) -> Iterator[tuple[str | None, str, str]]:
    """Target that the property is about, None for the run as a whole, with its name and value."""
    yield from ((None, *pair) for pair in _run_pairs(evidence))
    yield from ((None, *pair) for pair in _score_pairs(mqs))
    for target, states in mqs.target_gateways.items():
        for gateway, state in states.items():
            yield target, f"gateway.{gateway}.{target}", state
    yield from ((None, *pair) for pair in _count_pairs(mqs))
    if coverage := coverage_of(evidence).words:
        yield None, "coverage", coverage
    yield None, "distinct_prompts", str(evidence.distinct_prompts)
    for weights in evidence.weights:
        for file, digest in weights.digests.items():
            yield weights.target, f"weights.{weights.target}.{file}", f"sha256:{digest}"
    for engine in evidence.engines:
        yield engine.target, f"engine.{engine.target}", _engine(engine)


def _run_pairs(evidence: Evidence) -> Iterator[tuple[str, str]]:
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


def _score_pairs(mqs: Mqs) -> Iterator[tuple[str, str]]:
    yield "mqs.status", mqs.status
    yield "mqs.headline", headline(mqs)
    yield "mqs.raw_score", str(mqs.mqs)
    yield "mqs.ceiling", str(mqs.mqs_ceiling)
    yield "mqs.normalized_score", f"{mqs.normalized_score:.3f}"
    yield "mqs.grade", mqs.grade
    yield "mqs.cert_grade", mqs.cert_grade
    yield "mqs.qualifies", str(mqs.qualifies).lower()
    yield "tier.passed", str(mqs.tier.passed).lower()
    yield "tier.scoped_score", str(mqs.tier.scoped_score)
    for gateway, state in mqs.gateways.items():
        yield f"gateway.{gateway}", state


def _count_pairs(mqs: Mqs) -> Iterator[tuple[str, str]]:
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
