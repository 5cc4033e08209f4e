"""``apr-qa certify``: models of the registry, or the user's own files, qualified one after the other."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from pytest_aprqa.cli.run import run_options
from pytest_aprqa.cli.say import json_option, say, say_json
from pytest_aprqa.core import TIER_WORDS, AprqaError, Json, Tier, visible

if TYPE_CHECKING:
    from pytest_aprqa.certification import Candidate, Certifying, Outlook, Settled

_OUTPUT: Final = Path("certifications")


def _tier(_ctx: click.Context, _option: click.Parameter, word: str) -> Tier:
    tier = TIER_WORDS.get(word.lower())
    if tier is None:
        raise click.BadParameter(f"expected one of {', '.join(TIER_WORDS)}; found {word!r}")
    return tier


_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER: Final = click.Path(exists=True, file_okay=False, path_type=Path)
_ANY_FOLDER: Final = click.Path(file_okay=False, path_type=Path)


@click.command(short_help="Qualifies models and writes the registry.")
@click.argument("names", nargs=-1, metavar="[MODEL...]")
@click.option("--model", "more", multiple=True, metavar="ID", help="A model of the registry; may be repeated.")
@click.option("--family", metavar="NAME", help="All models of a family.")
@click.option("--all", "every", is_flag=True, help="All models of the registry.")
@click.option("--tier", default="quick", show_default=True, callback=_tier, help="smoke, mvp, quick, standard, deep.")
@click.option("--hf", type=_FOLDER, metavar="DIR", help="The user's own original, in Hugging Face layout.")
@click.option("--gguf", type=_FILE, metavar="FILE", help="With --hf: a GGUF file made of it.")
@click.option("--apr", type=_FILE, metavar="FILE", help="With --hf: an APR file made of it.")
@click.option("--register", is_flag=True, help="With --hf: write a row of the registry, too.")
@run_options
@click.option("--fail-fast", is_flag=True, help="Stop at the first failure, and after the first model that has one.")
@click.option(
    "-o",
    "--output",
    type=_ANY_FOLDER,
    default=_OUTPUT,
    show_default=True,
    metavar="DIR",
    help="Folder for evidence and reports, with a folder for each model.",
)
@click.option(
    "--registry",
    type=click.Path(dir_okay=False, path_type=Path),
    default=_OUTPUT / "models.csv",
    show_default=True,
    metavar="CSV",
    help="The registry.",
)
@click.option(
    "--playbooks", type=_ANY_FOLDER, default=Path("playbooks"), show_default=True, metavar="DIR", help="The playbooks."
)
@click.option(
    "--lock",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The playbooks' lock file; by default playbook.lock.yaml in their folder.",
)
@click.option("--auto-ticket", is_flag=True, help="Write tickets for what failed.")
@click.option("--ticket-repo", default="", metavar="OWNER/REPO", help="GitHub repository that tickets are meant for.")
@json_option
@click.pass_context
def certify(ctx: click.Context, /, names: tuple[str, ...], as_json: bool, **given: Any) -> None:  # noqa: ANN401 - click's
    """Qualifies models: finds the playbook, checks its lock, runs pytest, writes reports and the registry's row.

    MODEL is an id of the registry. With --hf, files of your own are qualified; no playbook and no registry is needed,
    and MODEL is the name that they are to have.

    Without --failure-policy or --fail-fast everything is run (collect-all), whatever the playbook says.

    Exit code: 0 when every model passed its tier, 1 when not, 2 for wrong usage, 130 after Ctrl-C.
    """
    from pytest_aprqa.certification import certify as certify_models

    if given["ticket_repo"] and not given["auto_ticket"]:
        raise click.UsageError("--ticket-repo belongs to --auto-ticket; add it")
    how = _how(given, quiet=as_json)
    _check_own(given, (*names, *given["more"]))
    if given["dry_run"]:
        with tempfile.TemporaryDirectory(prefix="aprqa-plan-") as scratch:
            how = replace(how, desk=replace(how.desk, output=Path(scratch)))
            candidates = _candidates((*names, *given["more"]), given, how)
            ctx.exit(_show_plans(candidates, how, as_json=as_json))
    candidates = _candidates((*names, *given["more"]), given, how)
    results = tuple(certify_models(candidates, how))
    _show(results, how, as_json=as_json)
    ctx.exit(_code(results, allow_missing=given["allow_missing"]))


def _how(given: dict[str, Any], *, quiet: bool) -> Certifying:
    from pytest_aprqa.certification import Certifying, Desk, Wishes
    from pytest_aprqa.playbook import LOCK_NAME

    policy = given["failure_policy"] or ("fail-fast" if given["fail_fast"] else "collect-all")
    wishes = Wishes(
        model_cache=given["model_cache"],
        download=given["download"],
        failure_policy=policy,
        workers=given["workers"],
        timeout_ms=given["timeout_ms"],
        no_gpu=given["no_gpu"],
        allow_missing=given["allow_missing"],
        values=given["values"],
    )
    registered = given["hf"] is None or given["register"]
    desk = Desk(
        output=given["output"],
        registry=given["registry"] if registered else None,
        ticket_repo=given["ticket_repo"] if given["auto_ticket"] else None,
    )
    return Certifying(
        tier=given["tier"],
        wishes=wishes,
        desk=desk,
        playbooks=given["playbooks"],
        lock=given["lock"] or given["playbooks"] / LOCK_NAME,
        check_lock=not given["no_integrity_check"],
        fail_fast=given["fail_fast"],
        quiet=quiet,
        tell=_tell,
    )


def _tell(line: str) -> None:
    click.echo(visible(line), err=True)


def _check_own(given: dict[str, Any], names: Sequence[str]) -> None:
    """Options that belong to the user's own files, and those that do not."""
    if given["hf"] is None:
        if alone := [f"--{name}" for name in ("gguf", "apr", "register") if given[name]]:
            raise click.UsageError(
                f"{' and '.join(alone)}: expected --hf DIR beside it, the original in Hugging Face layout; without one:"
                " apr-qa tools FILE"
            )
    elif given["family"] or given["every"] or len(names) > 1:
        raise click.UsageError(
            "--hf is one model; expected at most one MODEL beside it, and neither --family nor --all"
        )
    elif names and "/" not in names[0]:
        raise click.UsageError(f"expected MODEL as org/name beside --hf; found {names[0]!r}")


def _candidates(names: Sequence[str], given: dict[str, Any], how: Certifying) -> list[Candidate]:
    from pytest_aprqa.certification import Candidate, choose, own_files
    from pytest_aprqa.registry import read_registry

    if given["hf"] is not None:
        return [own_files(given["hf"], given["gguf"], given["apr"], how, name=names[0] if names else "")]
    rows = choose(read_registry(given["registry"]), names, family=given["family"], every=given["every"])
    return [Candidate(row.model_id, row.status, row.family, row.parameters) for row in rows]


def _show_plans(candidates: Sequence[Candidate], how: Certifying, *, as_json: bool) -> int:
    """Prints the plans; 1 when one of them could not be run."""
    from pytest_aprqa.certification import foresee, outlook_lines

    plans = list(zip(candidates, foresee(candidates, how), strict=True))
    if as_json:
        models: list[Json] = [_plan_json(candidate, plan) for candidate, plan in plans]
        say_json({"tier": str(how.tier), "models": models})
    for candidate, plan in () if as_json else plans:
        lines = [visible(f"{candidate.model}: {plan}")] if isinstance(plan, AprqaError) else outlook_lines(plan)
        say("\n".join((*lines, "")))
    return int(not all(not isinstance(plan, AprqaError) and plan.lock.holds for _, plan in plans))


def _plan_json(candidate: Candidate, plan: Outlook | AprqaError) -> dict[str, Json]:
    if isinstance(plan, AprqaError):
        return {"model": candidate.model, "problem": str(plan)}
    return {**plan.to_json(), "problem": None}


def _show(results: Sequence[Settled], how: Certifying, *, as_json: bool) -> None:
    from pytest_aprqa.certification import summary_lines

    if as_json:
        models: list[Json] = [one.to_json() for one in results]
        say_json({"tier": str(how.tier), "passed": all(one.passed for one in results), "models": models})
        return
    say("")
    for line in summary_lines(results):
        say(line)


def _code(results: Sequence[Settled], *, allow_missing: bool) -> int:
    """0 when every model passed, or could not be measured where the user does not mind."""
    from pytest_aprqa.certification import Ending

    endings = {one.ending for one in results}
    if Ending.INTERRUPTED in endings:
        return 130
    fine = {Ending.PASSED, Ending.NOT_MEASURED} if allow_missing else {Ending.PASSED}
    return 0 if endings <= fine else 1
