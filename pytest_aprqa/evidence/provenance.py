"""Where what was tested came from: rules that a run's evidence must satisfy before its origin counts as verified.

Each rule says in a sentence what it misses, under its id. Knows the evidence alone: no file is read again, and who
signed a model is not known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from pytest_aprqa.core import Backend
from pytest_aprqa.evidence.evidence import Evidence, WeightsInfo

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_COMMIT: Final = re.compile(r"[0-9a-f]{40,64}")
_HUB: Final = ("Hugging Face", "downloaded from")
"""How a source begins whose files have a revision."""
_CONVERTED: Final = "converted by"
"""How a source begins whose files were made here."""
_TRUTH: Final = "safetensors-"
"""How the id of a ground truth's target begins."""


def provenance_problems(evidence: Evidence) -> tuple[str, ...]:
    """What is missing or wrong in where the tested files came from, one sentence each; none means verified."""
    return tuple(f"{rule}: {problem}" for rule, check in RULES.items() for problem in dict.fromkeys(check(evidence)))


def _weights_are_recorded(evidence: Evidence) -> Iterator[str]:
    known = {weights.target for weights in evidence.weights}
    if not known:
        yield "no weights are recorded"
        return
    judged = {it.target_id for it in evidence.records if it.outcome.passed or it.outcome.failed} - {None}
    yield from (f"{it} was tested, and its weights are not recorded" for it in sorted(map(str, judged - known)))


def _source_is_named(evidence: Evidence) -> Iterator[str]:
    yield from (f"{it.target}: where its files were found is not recorded" for it in evidence.weights if not it.source)


def _digests_are_there(evidence: Evidence) -> Iterator[str]:
    for weights in evidence.weights:
        if not weights.digests:
            yield f"{weights.target}: its files have no digests"
        for name, digest in weights.digests.items():
            if not _SHA256.fullmatch(digest):
                yield f"{weights.target}: the digest of {name} is no SHA-256"


def _revision_is_known(evidence: Evidence) -> Iterator[str]:
    for weights in evidence.weights:
        if weights.source.startswith(_HUB) and not _COMMIT.fullmatch(weights.revision or ""):
            yield f"{weights.target}: comes from the hub, and its commit is not recorded"


def _converter_is_named(evidence: Evidence) -> Iterator[str]:
    for weights in evidence.weights:
        if not (weights.source.startswith(_CONVERTED) or weights.converter or weights.made_from):
            continue
        if not weights.converter:
            yield f"{weights.target}: was converted, and by which version of what is not recorded"
        if not weights.made_from:
            yield f"{weights.target}: was converted, and from which files is not recorded"


def _derived_from_what_was_tested(evidence: Evidence) -> Iterator[str]:
    """What was made here was made of the ground truth; a ground truth that was made, of a file that was tested."""
    truths = [it for it in evidence.weights if it.target.startswith(_TRUTH)]
    derived = [it for it in evidence.weights if it.made_from and it not in truths]
    for weights in derived:
        # Where the ground truth itself is not a target, what was made must at least agree on it.
        sources = [it.digests for it in truths] or [derived[0].made_from]
        if weights.made_from not in sources:
            yield f"{weights.target}: was not made from the ground truth's files, but from {_words(weights.made_from)}"
    given = [it.digests for it in evidence.weights if not it.made_from]
    for truth in truths:
        if truth.made_from and not any(truth.made_from.items() <= digests.items() for digests in given):
            yield f"{truth.target}: was made from a file that was not tested, {_words(truth.made_from)}"


def _engine_is_known(evidence: Evidence) -> Iterator[str]:
    asked = sorted({str(it.target_id) for it in evidence.records if it.target_id and it.answers})
    versioned = {engine.target for engine in evidence.engines if engine.name and engine.versions}
    yield from (f"{it}: which version of which engine answered is not recorded" for it in asked if it not in versioned)


def _one_set_of_files_each(evidence: Evidence) -> Iterator[str]:
    """One target has one set of files, and one set of files belongs to one format and quantization."""
    by_target: dict[str, Mapping[str, str]] = {}
    by_digest: dict[str, str] = {}
    for weights in evidence.weights:
        if by_target.setdefault(weights.target, weights.digests) != weights.digests:
            yield f"{weights.target}: was tested with two different sets of files"
        artefact = _artefact(weights)
        for name, digest in weights.digests.items():
            other = by_digest.setdefault(digest, artefact)
            if other != artefact and name.endswith((".gguf", ".apr", ".safetensors")):
                yield f"{artefact} and {other} are one file, {name}"


def _signature_holds(evidence: Evidence) -> Iterator[str]:
    for weights in evidence.weights:
        if weights.signature.startswith("differs"):
            yield f"{weights.target}: is not what was signed: {weights.signature}"


def _artefact(weights: WeightsInfo) -> str:
    """A target without its device, such as ``gguf-q8_0``."""
    artefact, _, last = weights.target.rpartition("-")
    return artefact if last in set(Backend) else weights.target


def _words(digests: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {digest[:12]}" for name, digest in sorted(digests.items())[:3])


RULES: Final[Mapping[str, Callable[[Evidence], Iterator[str]]]] = {
    "PROV-001": _weights_are_recorded,
    "PROV-002": _source_is_named,
    "PROV-003": _digests_are_there,
    "PROV-004": _revision_is_known,
    "PROV-005": _converter_is_named,
    "PROV-006": _derived_from_what_was_tested,
    "PROV-007": _engine_is_known,
    "PROV-008": _one_set_of_files_each,
    "PROV-009": _signature_holds,
}
"""Every rule with its id, in the order in which their problems are said."""
