from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_aprqa.core import Backend, Format, Outcome, Quantization, Target
from pytest_aprqa.evidence import EngineInfo, Evidence, WeightsInfo, provenance_problems, read_evidence
from pytest_aprqa.evidence.provenance import RULES
from tests.evidence.samples import MODEL, a_record, an_evidence

TRUTH = {"model.safetensors": "a" * 64, "config.json": "b" * 64}
TARGETS = {
    "safetensors-cpu": Target(MODEL, Format.SAFETENSORS, None, Backend.CPU),
    "gguf-q8_0-cpu": Target(MODEL, Format.GGUF, Quantization.Q8_0, Backend.CPU),
    "apr-cpu": Target(MODEL, Format.APR, None, Backend.CPU),
}


def weights(target: str, digests: dict[str, str], **fields: object) -> WeightsInfo:
    made = {"target": target, "folder": "/m", "source": "Hugging Face cache", "revision": "c" * 40, "digests": digests}
    return WeightsInfo.model_validate({**made, **fields})


def made(target: str, name: str, digest: str, **fields: object) -> WeightsInfo:
    by = {"source": "converted by pytest-aprqa", "converter": "pytest-aprqa 1", "made_from": TRUTH}
    return weights(target, {name: digest * 64}, **{**by, **fields})


def evidence() -> Evidence:
    """A ground truth and two artefacts made from it, all asked."""
    records = [a_record(index=index, texts=("4",), target=target) for index, target in enumerate(TARGETS.values())]
    return an_evidence(*records).model_copy(
        update={
            "weights": (
                weights("safetensors-cpu", TRUTH),
                made("gguf-q8_0-cpu", "model.gguf", "1"),
                made("apr-cpu", "model.apr", "2"),
            ),
            "engines": tuple(EngineInfo(target=it, name="fake", versions={"fake": "1"}) for it in TARGETS),
        }
    )


def changed(target: str, **fields: object) -> Evidence:
    whole = evidence()
    new = tuple(it.model_copy(update=fields) if it.target == target else it for it in whole.weights)
    return whole.model_copy(update={"weights": new})


def added(*more: WeightsInfo) -> Evidence:
    whole = evidence()
    return whole.model_copy(update={"weights": (*whole.weights, *more)})


def test_what_is_whole_has_no_problem() -> None:
    assert provenance_problems(evidence()) == ()


BROKEN: dict[str, tuple[Callable[[], Evidence], str]] = {
    "nothing recorded": (
        lambda: evidence().model_copy(update={"weights": ()}),
        "PROV-001: no weights are recorded",
    ),
    "one not recorded": (
        lambda: evidence().model_copy(update={"weights": evidence().weights[:2]}),
        "PROV-001: apr-cpu was tested, and its weights are not recorded",
    ),
    "no source": (
        lambda: changed("safetensors-cpu", source=""),
        "PROV-002: safetensors-cpu: where its files were found is not recorded",
    ),
    "no digest": (lambda: changed("apr-cpu", digests={}), "PROV-003: apr-cpu: its files have no digests"),
    "short digest": (
        lambda: changed("apr-cpu", digests={"model.apr": "ab"}),
        "PROV-003: apr-cpu: the digest of model.apr is no SHA-256",
    ),
    "no commit": (
        lambda: changed("safetensors-cpu", revision=None),
        "PROV-004: safetensors-cpu: comes from the hub, and its commit is not recorded",
    ),
    "a branch": (
        lambda: changed("safetensors-cpu", revision="main", source="downloaded from https://hub.example"),
        "PROV-004: safetensors-cpu: comes from the hub, and its commit is not recorded",
    ),
    "no converter": (
        lambda: changed("apr-cpu", converter=""),
        "PROV-005: apr-cpu: was converted, and by which version of what is not recorded",
    ),
    "not made from anything": (
        lambda: changed("apr-cpu", made_from={}),
        "PROV-005: apr-cpu: was converted, and from which files is not recorded",
    ),
    "made from something else": (
        lambda: changed("apr-cpu", made_from={"model.safetensors": "f" * 64}),
        "PROV-006: apr-cpu: was not made from the ground truth's files, but from model.safetensors ffffffffffff",
    ),
    "made from a part": (
        lambda: changed("apr-cpu", made_from={"config.json": "b" * 64}),
        "PROV-006: apr-cpu: was not made from the ground truth's files, but from config.json bbbbbbbbbbbb",
    ),
    "a truth made from another file": (
        lambda: changed("safetensors-cpu", made_from={"other.gguf": "e" * 64}, converter="x"),
        "PROV-006: safetensors-cpu: was made from a file that was not tested, other.gguf eeeeeeeeeeee",
    ),
    "no engine": (
        lambda: evidence().model_copy(update={"engines": evidence().engines[:2]}),
        "PROV-007: apr-cpu: which version of which engine answered is not recorded",
    ),
    "an engine without a version": (
        lambda: evidence().model_copy(
            update={"engines": (*evidence().engines[:2], EngineInfo(target="apr-cpu", name="apr"))}
        ),
        "PROV-007: apr-cpu: which version of which engine answered is not recorded",
    ),
    "two sets of files": (
        lambda: added(made("apr-cpu", "model.apr", "3")),
        "PROV-008: apr-cpu: was tested with two different sets of files",
    ),
    "one file as two": (
        lambda: added(made("gguf-q4_0-cpu", "model.gguf", "1")),
        "PROV-008: gguf-q4_0 and gguf-q8_0 are one file, model.gguf",
    ),
    "not what was signed": (
        lambda: changed("safetensors-cpu", signature="differs: config.json"),
        "PROV-009: safetensors-cpu: is not what was signed: differs: config.json",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_every_rule_fires(name: str) -> None:
    made_evidence, problem = BROKEN[name]
    assert provenance_problems(made_evidence()) == (problem,)


def test_no_rule_is_without_a_test() -> None:
    assert {problem.partition(":")[0] for _, problem in BROKEN.values()} == set(RULES)


@pytest.mark.parametrize(
    "fine",
    [
        lambda: changed("safetensors-cpu", source="playbook model.local_path", revision=None),
        lambda: added(made("gguf-q8_0-gpu", "model.gguf", "1")),
        lambda: changed("gguf-q8_0-cpu", source="playbook model.files.gguf", converter="", made_from={}),
        lambda: changed("safetensors-cpu", signature="unverified: covers none of the tested files"),
    ],
    ids=["a local model", "one file on two devices", "the user's own file", "a signature of something else"],
)
def test_what_is_no_problem(fine: Callable[[], Evidence]) -> None:
    assert provenance_problems(fine()) == ()


def test_without_a_ground_truth_among_the_targets_what_was_made_must_agree() -> None:
    whole = evidence()
    alike = whole.model_copy(update={"weights": whole.weights[1:], "records": whole.records[1:]})
    assert provenance_problems(alike) == ()
    other = whole.weights[2].model_copy(update={"made_from": {"model.safetensors": "9" * 64}})
    torn = alike.model_copy(update={"weights": (whole.weights[1], other)})
    assert [it.partition(":")[0] for it in provenance_problems(torn)] == ["PROV-006"]


def test_a_ground_truth_made_from_the_tested_file_is_fine() -> None:
    whole = evidence()
    gguf = weights("gguf-q8_0-cpu", {"own.gguf": "7" * 64}, source="playbook model.files.gguf", revision=None)
    truth = whole.weights[0].model_copy(
        update={"source": "converted by x", "converter": "x 1", "made_from": gguf.digests}
    )
    assert provenance_problems(whole.model_copy(update={"weights": (truth, gguf, whole.weights[2])})) == ()


def test_what_did_not_run_needs_no_weights() -> None:
    skipped = a_record(index=3, outcome=Outcome.SKIPPED, target=Target(MODEL, Format.APR, None, Backend.GPU))
    whole = evidence()
    assert provenance_problems(whole.model_copy(update={"records": (*whole.records, skipped)})) == ()


def test_published_evidence_proves_no_provenance(corpus: Path) -> None:
    for file in sorted((corpus / "evidence").glob("*.json")):
        assert "PROV-001: no weights are recorded" in provenance_problems(read_evidence(file))
