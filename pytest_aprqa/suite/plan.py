"""From a playbook's path to the ordered list of what will be tested; pure but for reading the file.

Equal inputs give equal plans in every process, so that xdist workers agree on what they collect.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from pytest_aprqa.core import Case, EngineRefused, Gateway, PlaybookError, Scenario, Target, Tier
from pytest_aprqa.oracles import check_spec
from pytest_aprqa.playbook import FailurePolicy, Playbook, expand, lock_problem, read_playbook
from pytest_aprqa.scenarios import Draw, digest, edge_probes, fill
from pytest_aprqa.serving import check_command
from pytest_aprqa.suite.goldens import goldens_of
from pytest_aprqa.suite.machine import unserved_formats
from pytest_aprqa.suite.overrides import Overrides, override
from pytest_aprqa.suite.policy import Scope, scope_of
from pytest_aprqa.suite.wishes import limits_of

NO_OVERRIDES: Final = Overrides()
EDGE_PROBES = 6
"""Edge probes that tiers from mvp upward add to every cell."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A playbook and everything it expands to."""

    playbook: Playbook
    scenarios: tuple[Scenario, ...]
    """What is sent in each cell, edge probes last."""
    cases: tuple[Case, ...]
    """Cells × scenarios, a target's cases together, skipped ones included."""
    scenarios_digest: str
    """SHA-256 of the scenarios, equal wherever the same playbook is planned by the same hypothesis version."""
    baseline: bool = False
    """Whether speeds are to be compared with those of an earlier run."""

    @property
    def targets(self) -> tuple[Target, ...]:
        """Every target once, in the order of the cases."""
        return tuple(dict.fromkeys(case.cell.target for case in self.cases))

    @property
    def distinct_prompts(self) -> int:
        """How many different conversations are sent."""
        return len({scenario.turns for scenario in self.scenarios})

    def skip_of(self, target: Target) -> str | None:
        """Why nothing of the target can run; None when some case can."""
        reasons = [case.skip for case in self.cases if case.cell.target == target]
        return None if None in reasons else reasons[0]


def plan_playbook(
    path: Path,
    values: Mapping[str, str],
    *,
    strict: bool,
    unavailable: Mapping[str, str],
    commands: bool = True,
    engine: str | None = None,
    baseline: bool = False,
    overrides: Overrides = NO_OVERRIDES,
    lock: Path | None = None,
) -> Plan:
    """Reads a playbook and expands it.

    Args:
        path: the playbook.
        values: what ``${NAME}`` stands for.
        strict: unknown keys are errors.
        unavailable: word of a cell (format, quantization, backend, modality) → why it cannot run here.
        commands: whether command lines that the playbook brings may be started.
        engine: the engine that the user wants for every target; None for each format's own.
        baseline: whether speeds are to be compared with those of an earlier run.
        overrides: what the user says in place of the playbook.
        lock: refuses a playbook that is not what this lock file says; None asks for none.

    Raises:
        PlaybookError: the playbook cannot be read, or asks for draws that do not exist.
    """
    playbook = read_playbook(path, values, strict=strict)
    if lock is not None and (problem := lock_problem(playbook, lock)):
        raise PlaybookError(problem.removeprefix(f"{path}: "), path=path, line=1, column=1, field="")
    return plan_of(
        override(playbook, overrides), unavailable=unavailable, commands=commands, engine=engine, baseline=baseline
    )


def plan_of(
    playbook: Playbook,
    *,
    unavailable: Mapping[str, str],
    commands: bool = True,
    engine: str | None = None,
    baseline: bool = False,
) -> Plan:
    """Expands a playbook that was read; the arguments are those of `plan_playbook`.

    Raises:
        PlaybookError: it asks for oracles, a server, goldens, limits or draws that do not exist.
    """
    _check_oracles(playbook)
    _check_command(playbook)
    goldens_of(playbook)
    limits_of(playbook)
    ordinary = _drawn(playbook)
    probed = playbook.tier not in (None, Tier.SMOKE)
    edge = edge_probes(seed=playbook.matrix.seed, count=EDGE_PROBES) if probed else ()
    scenarios = (*ordinary, *edge)
    unserved = unserved_formats(playbook.declared.serve, commands=commands, engine=engine)
    cases = expand(playbook, ordinary, unavailable=unavailable, unserved=unserved, edge=edge)
    return Plan(playbook, scenarios, cases, digest(scenarios), baseline)


def _drawn(playbook: Playbook) -> tuple[Scenario, ...]:
    """The scenarios that the playbook lists, and those drawn to the number it asks for."""
    listed = playbook.listed_scenarios
    draws = [Draw(test.name, test.generator, test.oracle, test.count) for test in playbook.property_tests]
    count = max(playbook.matrix.scenario_count, len(listed))
    try:
        return fill(listed, draws, count=count, seed=playbook.matrix.seed)
    except ValueError as problem:
        line = playbook.line_of("property_tests") or 1
        raise PlaybookError(str(problem), path=playbook.path, line=line, column=1, field="property_tests") from problem


def hypothesis_version() -> str:
    """The version that decides what is drawn."""
    return version("hypothesis")


def _check_oracles(playbook: Playbook) -> None:
    """Refuses an oracle that no case could be judged by, before anything runs."""
    places = [(spec, playbook.line_of(f"oracles[{place}]"), "oracles") for place, spec in enumerate(playbook.oracles)]
    places += [
        (spec, scenario.line, f"scenario {scenario.name!r}")
        for scenario in playbook.listed_scenarios
        for spec in scenario.oracles
    ]
    for spec, line, field in places:
        try:
            check_spec(spec)
        except ValueError as problem:
            raise PlaybookError(str(problem), path=playbook.path, line=line, column=1, field=field) from problem


def _check_command(playbook: Playbook) -> None:
    """Refuses the command line of a server that could never be started."""
    serve = playbook.declared.serve
    if serve.command is None:
        return
    try:
        check_command(serve.command, with_url=serve.url is not None)
    except EngineRefused as problem:
        line = playbook.line_of("serve.command") or playbook.line_of("serve")
        raise PlaybookError(str(problem), path=playbook.path, line=line, column=1, field="serve.command") from problem


def group_key(plan: Plan, target: Target, policy: FailurePolicy | None) -> str:
    """What belongs together in one process; `policy` is the user's, None leaves it to the playbook."""
    match scope_of(policy or plan.playbook.failure_policy):
        case Scope.TARGET:
            return f"{plan.playbook.path}::{target.id}"
        case Scope.MODEL:
            return str(plan.playbook.path)
        case Scope.SESSION:
            return "session"


def is_on(playbook: Playbook, gateway: Gateway) -> bool:
    """Whether a gateway may stop the run; one that the playbook switches off is judged and reported all the same."""
    gates = playbook.gates
    switches = {
        Gateway.G0: gates.g0,
        Gateway.G1: gates.g1,
        Gateway.G2: gates.g2,
        Gateway.G3: gates.g3,
        Gateway.G4: gates.g4,
    }
    return switches[gateway]
