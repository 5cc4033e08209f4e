from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pytest_aprqa.core import Modality, Outcome
from pytest_aprqa.evidence import Evidence, RunInfo, portable, portable_playbook
from pytest_aprqa.registry.enter import award_of_file
from pytest_aprqa.registry.evidence_files import EvidenceFile
from pytest_aprqa.reports import render_certificate, statement_of
from pytest_aprqa.scoring import score_evidence
from pytest_aprqa.tickets import render_ticket, tickets_of
from tests.reports.samples import CPU, GGUF, case, evidence, gateways

HOME = "/home/ann"
RUN = f"{HOME}/work/repo"
DIGEST = "ab" * 32
NOW = datetime(2026, 3, 4, tzinfo=UTC)


def a_run(*, folder: str = RUN, playbook: str = f"{RUN}/playbooks/a.playbook.yaml") -> Evidence:
    """A run whose every text names a place of the machine."""
    where = f"{HOME}/models/my model/broken.gguf, {RUN}/out/x.json, {HOME}, /root/.cache/y and /tmp/aprqa-1/z"
    failed: dict[str, Any] = {
        "outcome": Outcome.CRASHED,
        "reason": f"cannot read {where}",
        "stderr_tail": f"File '{HOME}/venv/lib/a.py', line 3: {where}",
        "details": {"file": where, "all": [where]},
    }
    made = evidence(
        [
            *gateways(CPU),
            case("sum", Modality.RUN, GGUF, **failed),
            case("open", Modality.RUN, GGUF, outcome=Outcome.SKIPPED, reason=f"looked in {where}"),
        ],
        run=RunInfo(
            id="run-1",
            folder=folder,
            command=("pytest", playbook, f"--aprqa-model-cache={HOME}/models", "--aprqa-model-path", f"{RUN}/m.gguf"),
            options={"model_path": f"{RUN}/m.gguf", "lock": f"{HOME}/locks/playbook.lock.yaml"},
        ),
    )
    weights = [one.model_copy(update={"folder": f"{HOME}/models/my model", "source": where}) for one in made.weights]
    own = made.playbook.model_copy(update={"path": playbook, "warnings": (f"remark on {where}",)})
    return made.model_copy(update={"playbook": own, "weights": tuple(weights)})


def given_away(made: Evidence) -> dict[str, str]:
    scored = score_evidence(made)
    award = award_of_file(EvidenceFile(Path(f"{RUN}/e.json"), DIGEST, made), scored, csv=Path(f"{RUN}/m.csv"), now=NOW)
    forms = ("markdown", "html")
    papers = {it: render_certificate(made, scored, evidence_sha256=DIGEST, now=NOW, form=it) for it in forms}
    return {
        **papers,
        "statement": json.dumps(statement_of(made, scored, evidence_sha256=DIGEST, now=NOW), ensure_ascii=False),
        "tickets": "\n".join(map(render_ticket, tickets_of(made))),
        "tickets as JSON": json.dumps([one.to_json() for one in tickets_of(made)], ensure_ascii=False),
        "award": award.model_dump_json(),
    }


@pytest.mark.parametrize("folder", [RUN, "", "/srv/elsewhere"])
def test_no_absolute_path_of_the_run_or_of_a_home_is_given_away(folder: str) -> None:
    for name, text in given_away(a_run(folder=folder)).items():
        for place in (HOME, "/root", "/tmp/", RUN):
            assert place not in text, (name, place)
    assert HOME in a_run().to_json()["run"]["folder"]  # type: ignore[operator, index, call-overload] # plain JSON


@pytest.mark.parametrize("folder", ["/", "/home"])
def test_a_run_in_the_root_of_the_machine_gives_no_home_away_and_garbles_nothing(folder: str) -> None:
    made = a_run(folder=folder)
    typed = made.run.model_copy(update={"command": ("pytest", "--rootdir=/", "a or b / c")})
    given = portable(made.model_copy(update={"run": typed}))
    assert given.run.command == ("pytest", "--rootdir=/", "a or b / c")
    assert given.playbook.path == "…/a.playbook.yaml"
    assert given.records[-1].reason == "looked in …/my model/broken.gguf, …/x.json, ~, …/y and …/z"


def test_commands_of_tickets_can_be_typed_in_the_folder_of_the_run() -> None:
    ticket = tickets_of(a_run())[0]
    assert ticket.reproduction.startswith("pytest 'playbooks/a.playbook.yaml::run[gguf-q4_k_m-cpu-sum]'")
    assert "--aprqa-model-path m.gguf" in ticket.reproduction
    assert "'--aprqa-model-cache=…/models'" in ticket.reproduction


def test_the_folder_is_told_by_the_command_where_older_evidence_does_not_say() -> None:
    made = a_run(folder="")
    typed = made.run.model_copy(update={"command": ("pytest", "playbooks/a.playbook.yaml::run[x]", "-q")})
    assert portable_playbook(made.model_copy(update={"run": typed})) == "playbooks/a.playbook.yaml"
    assert portable_playbook(made) == "…/a.playbook.yaml"


def test_prompts_answers_addresses_and_longer_names_are_not_touched() -> None:
    made = evidence([case("sum", Modality.RUN, answer=f"{RUN}/x", reason=f"GET /v1/models, {RUN}2/x is not {RUN}/x")])
    made = made.model_copy(update={"run": RunInfo(folder=RUN)})
    told = portable(made).records[0]
    assert told.answers == made.records[0].answers
    assert told.reason == "GET /v1/models, …/x is not x"
    assert portable(made).records[0].turns == made.records[0].turns


def test_the_score_stays() -> None:
    assert score_evidence(portable(a_run())) == score_evidence(a_run())
