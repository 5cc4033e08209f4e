"""``apr-qa bootstrap``: writes a playbook for a model, or all playbooks of the registry."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pytest_aprqa.cli.say import json_option, say, say_json
from pytest_aprqa.core import AprqaError, Json, Tier, counted, visible

if TYPE_CHECKING:
    from pytest_aprqa.bootstrap import Change, ModelFacts
    from pytest_aprqa.kernels import KernelProfile

_FILE = click.Path(path_type=Path)
_OF_ONE_MODEL = {
    "tier": "--tier",
    "hf_repo": "--hf-repo",
    "gguf": "--gguf",
    "apr": "--apr",
    "output": "--output",
    "profile": "--profile",
}


@click.command(short_help="Writes a playbook for a model.")
@click.argument("source", required=False, metavar="[FOLDER|config.json|MODEL_ID]")
@click.option("--tier", type=click.Choice([str(tier) for tier in Tier]), default=str(Tier.MVP), show_default=True)
@click.option("--hf-repo", default="", metavar="ORG/NAME", help="The model's name, where the folder does not tell it.")
@click.option("--gguf", type=_FILE, help="A GGUF file that you have, to be tested as it is.")
@click.option("--apr", type=_FILE, help="An APR file that you have, to be tested as it is.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write to this file instead of standard output.",
)
@click.option("--profile", is_flag=True, help="Only show which operations the model exercises, and what says so.")
@click.option("--all", "every", is_flag=True, help="All playbooks of the registry, instead of one.")
@click.option(
    "--playbooks",
    type=_FILE,
    default=Path("playbooks"),
    show_default=True,
    metavar="DIR",
    help="With --all, where they are written; with a MODEL_ID, only where architectures.yaml with its sizes may be.",
)
@click.option(
    "--registry",
    type=_FILE,
    default=Path("certifications/models.csv"),
    show_default=True,
    metavar="FILE",
    help="Where a MODEL_ID, or with --all every model, is looked up.",
)
@click.option("--check", is_flag=True, help="Write nothing; exit 1 where a file is not what would be written.")
@click.option("--dry-run", is_flag=True, help="Write nothing; say what would be written.")
@json_option
@click.pass_context
def bootstrap(
    ctx: click.Context,
    source: str | None,
    tier: str,
    hf_repo: str,
    gguf: Path | None,
    apr: Path | None,
    output: Path | None,
    profile: bool,
    every: bool,
    playbooks: Path,
    registry: Path,
    check: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Writes a complete playbook from what a model's files say, or from the registry's row of a MODEL_ID.

    The result is read again by the validator before it is given out. Exit code: 1 where --check finds a difference.
    """
    if every == (source is not None):
        raise click.UsageError("expected either a model or --all")
    if every:
        _refuse_beside_all(ctx)
        ctx.exit(_all(playbooks, registry, write=not (check or dry_run), fail=check, as_json=as_json))
    assert source is not None
    model = _model(source, registry, playbooks, hf_repo, gguf, apr)
    if profile:
        _show(model, as_json=as_json)
        return
    ctx.exit(_one(model, source, Tier(tier), output, check=check, dry_run=dry_run, as_json=as_json))


def _refuse_beside_all(ctx: click.Context) -> None:
    """Every model has its own tiers, files and place; an option that would be ignored is an error."""
    given = [
        option
        for name, option in _OF_ONE_MODEL.items()
        if ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
    ]
    if given:
        raise click.UsageError(f"{', '.join(given)}: expected one model, found --all")


def _model(
    source: str, registry: Path, playbooks: Path, hf_repo: str, gguf: Path | None, apr: Path | None
) -> ModelFacts:
    """What a path, or else the registry, tells of a model."""
    from pytest_aprqa.bootstrap import model_at

    path = Path(source)
    if path.exists() or not _is_model_id(source):
        return model_at(path, hf_repo=hf_repo, gguf=gguf, apr=apr)
    if hf_repo or gguf or apr:
        raise click.UsageError(f"--hf-repo, --gguf and --apr need a folder or config.json; {source} is neither")
    return registered_model(source, registry, playbooks)


def model_named(source: str, registry: Path, playbooks: Path) -> ModelFacts:
    """What is known of a folder, a config.json, a registry's model, or of a name alone."""
    from pytest_aprqa.bootstrap import named
    from pytest_aprqa.registry import read_registry

    if Path(source).exists() or not _is_model_id(source):
        return _model(source, registry, playbooks, "", None, None)
    if registry.is_file() and read_registry(registry).find(source) is not None:
        return registered_model(source, registry, playbooks)
    return named(source)


def _is_model_id(source: str) -> bool:
    return source.count("/") == 1 and not source.startswith((".", "/", "~")) and not source.endswith((".json", "/"))


def registered_model(model_id: str, registry: Path, playbooks: Path) -> ModelFacts:
    """What the registry's row of a model tells, and the file of architectures beside the playbooks.

    Raises:
        AprqaError: the registry does not list the model.
    """
    from pytest_aprqa.bootstrap import ARCHITECTURES_FILE, Registered, model_of, read_architectures
    from pytest_aprqa.registry import read_registry

    row = read_registry(registry).find(model_id)
    if row is None:
        raise AprqaError(
            f"{model_id}: no such folder, and {registry} does not list it; "
            "give a folder that has its config.json, or add the model to the registry"
        )
    known = read_architectures(playbooks / ARCHITECTURES_FILE).get(model_id)
    return model_of(Registered(row.model_id, row.family, row.parameters), known)


def _one(
    model: ModelFacts, source: str, tier: Tier, output: Path | None, *, check: bool, dry_run: bool, as_json: bool
) -> int:
    from pytest_aprqa.bootstrap import draft, playbook_name
    from pytest_aprqa.evidence.atomic import write_atomically

    text = draft(model, tier, command=f"apr-qa bootstrap {Path(source).name or source} --tier {tier}")
    if output is None:
        if check or dry_run:
            raise click.UsageError(f"{'--check' if check else '--dry-run'} needs -o FILE")
        if as_json:
            say_json({"name": playbook_name(model.repo, tier), "tier": str(tier), "model": model.repo, "text": text})
        else:
            say(text.rstrip("\n"))
        return 0
    found = output.read_text(encoding="utf-8") if output.is_file() else None
    same = found == text
    if not (check or dry_run or same):
        write_atomically(output, text.encode("utf-8"))
    what = "unchanged" if same else "new" if found is None else "changed"
    if as_json:
        say_json({"path": str(output), "what": what, "written": not (check or dry_run or same)})
    else:
        click.echo(f"{output}: {what}{'' if not (check or dry_run) or same else ', not written'}", err=True)
    return int(check and not same)


def _all(playbooks: Path, registry: Path, *, write: bool, fail: bool, as_json: bool) -> int:
    from pytest_aprqa.bootstrap import (
        ARCHITECTURES_FILE,
        MODELS_FOLDER,
        Registered,
        apply,
        changes,
        read_architectures,
    )
    from pytest_aprqa.registry import read_registry

    rows = [Registered(row.model_id, row.family, row.parameters) for row in read_registry(registry).rows]
    if not rows:
        raise AprqaError(f"{registry}: expected a registry that lists models, found none")
    found: list[Change] = []
    for change in changes(playbooks / MODELS_FOLDER, rows, read_architectures(playbooks / ARCHITECTURES_FILE)):
        found.append(change)
        if write:
            apply(change)
        if not as_json:
            say(f"{change.what:9}  {change.path}")
    if as_json:
        listed: list[Json] = [{"path": str(change.path), "what": change.what} for change in found]
        say_json({"models": len(rows), "changes": listed, "written": write})
    else:
        done = "done" if write else "nothing written"
        say(f"{counted(len(rows), 'model')}, {counted(len(found), 'file')} to be written, {done}")
    return int(fail and bool(found))


def _show(model: ModelFacts, *, as_json: bool) -> None:
    from pytest_aprqa.kernels import profile_of

    profile = model.profile or profile_of({})
    if as_json:
        say_json({"model": model.repo, **profile.to_json(), "remarks": list(model.remarks)})
        return
    for line in _lines(model, profile):
        say(line)


def _lines(model: ModelFacts, profile: KernelProfile) -> list[str]:
    width = max((len(each.name) for each in profile.operations), default=0)
    lines = [f"{model.repo}: {profile.model_type or 'no model_type'}"]
    lines += [f"  {each.name:{width}}  {each.fact}" for each in profile.operations]
    lines += [f"  not told: {each.aspect} ({each.why})" for each in profile.unknown]
    lines += ["stressed by"]
    lines += [f"  {each.topic:{10}} {each.operation}: {each.why}" for each in profile.stresses]
    lines += [f"note: {remark}" for remark in model.remarks if not remark.startswith("config.json leaves open")]
    return [visible(line) for line in lines]
