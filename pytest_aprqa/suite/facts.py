"""What a worker learns about weights and engines, as messages to the process that writes the evidence."""

from __future__ import annotations

from pytest_aprqa.core import Json, Target, Weights
from pytest_aprqa.engines import EngineFacts
from pytest_aprqa.evidence import EngineInfo, PlaybookInfo, WeightsInfo
from pytest_aprqa.playbook import question_digest
from pytest_aprqa.serving import Server
from pytest_aprqa.suite.agenda import agenda_of
from pytest_aprqa.suite.plan import Plan, hypothesis_version

WEIGHTS, ENGINE = "weights", "engine"
"""Kinds of facts: keys of the one-entry mapping that a fact is."""


def weights_fact(target: Target, weights: Weights) -> dict[str, Json]:
    """The weights that a target is tested with."""
    info = WeightsInfo(
        target=target.id,
        folder=str(weights.folder),
        source=weights.source,
        revision=weights.revision,
        digests=dict(weights.digests),
        converter=weights.converter,
        made_from=dict(weights.made_from),
        signature=weights.signature,
    )
    return {WEIGHTS: info.to_json()}


def engine_fact(target: Target, facts: EngineFacts) -> dict[str, Json]:
    """The engine that answers for a target."""
    info = EngineInfo(
        target=target.id,
        name=facts.name,
        versions=dict(facts.versions),
        device=facts.device,
        dtype=facts.dtype,
        threads=facts.threads,
    )
    return {ENGINE: info.to_json()}


def server_fact(target: Target, server: Server, facts: EngineFacts) -> dict[str, Json]:
    """The server that answers for a target behind HTTP."""
    info = EngineInfo(
        target=target.id,
        name=f"{server.kind} server",
        versions=dict(server.versions),
        device=facts.device,
        threads=facts.threads,
    )
    return {ENGINE: info.to_json()}


def playbook_info(plan: Plan) -> PlaybookInfo:
    """What the evidence says of a playbook."""
    playbook = plan.playbook
    return PlaybookInfo(
        name=playbook.name,
        path=str(playbook.path),
        sha256=playbook.sha256,
        tier=playbook.tier,
        model=playbook.model.hf_repo,
        reports=playbook.reports,
        warnings=playbook.warnings,
        planned=len(agenda_of(plan)),
        scenarios_digest=plan.scenarios_digest,
        question_sha256=question_digest(playbook),
        hypothesis_version=hypothesis_version(),
    )
