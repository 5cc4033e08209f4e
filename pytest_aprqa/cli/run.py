"""``apr-qa run``: pytest over playbooks, with the options that people know from the command line passed on."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from pytest_aprqa.cli.say import json_option, say, say_json

if TYPE_CHECKING:
    from pytest_aprqa.certification import Ended, Outlook, Wishes
    from pytest_aprqa.core import Json
    from pytest_aprqa.playbook import Playbook

POLICIES: Final = ("stop-on-first", "stop-on-p0", "collect-all", "fail-fast")
_INTERRUPTED: Final = 128
"""Shells add the signal's number."""
_AFTER: Final = "pytest_aprqa.cli.run.after"
_TRACES: Final = "F-TRACE"
_Command = TypeVar("_Command", bound=Callable[..., Any])


def run_options(command: _Command) -> _Command:
    """The options that ``run`` and ``certify`` share; they decide how pytest is run."""
    for option in reversed(_SHARED):
        command = option(command)
    return command


def check_values(_ctx: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Each is NAME=VALUE."""
    for text in values:
        name, equals, _ = text.partition("=")
        if not equals or not name.isidentifier():
            raise click.BadParameter(f"expected NAME=VALUE; found {text!r}")
    return values


def check_workers(_ctx: click.Context, _option: click.Parameter, workers: int) -> int:
    """More than one worker needs pytest-xdist."""
    if workers > 1 and importlib.util.find_spec("xdist") is None:
        raise click.BadParameter("more than 1 needs pytest-xdist; install it with: pip install 'pytest-aprqa[xdist]'")
    return workers


_SHARED: Final = (
    click.option("--failure-policy", type=click.Choice(POLICIES), help="What one failure ends."),
    click.option(
        "--workers",
        type=click.IntRange(1, 256),
        default=1,
        show_default=True,
        callback=check_workers,
        help="Processes that test at the same time (pytest-xdist).",
    ),
    click.option(
        "--timeout",
        "timeout_ms",
        type=click.IntRange(1_000, 600_000),
        metavar="MS",
        help="Deadline of each request in milliseconds; by default the playbook's.",
    ),
    click.option("--no-gpu", is_flag=True, help="Skip the gpu cells."),
    click.option(
        "--model-cache",
        type=click.Path(file_okay=False, path_type=Path),
        metavar="DIR",
        help="Folder with models in Hugging Face layout, as DIR/org/name.",
    ),
    click.option("--download", is_flag=True, help="Download weights that are not here from the hub."),
    click.option(
        "--set",
        "values",
        multiple=True,
        callback=check_values,
        metavar="NAME=VALUE",
        help="What ${NAME} stands for in playbooks; may be repeated; wins over the environment.",
    ),
    click.option("--no-integrity-check", is_flag=True, help="Do not hold the playbook against its lock file."),
    click.option("--allow-missing", is_flag=True, help="Missing weights or engines are no failure."),
    click.option("--dry-run", is_flag=True, help="Print the plan and run nothing."),
)


class PassesOn(click.Command):
    """A command whose words after ``--`` are kept for another program."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Puts them aside."""
        before, after = (args, []) if "--" not in args else (args[: args.index("--")], args[args.index("--") + 1 :])
        ctx.meta[_AFTER] = tuple(after)
        return super().parse_args(ctx, before)


@click.command(cls=PassesOn, short_help="Runs a playbook under pytest.")
@click.argument(
    "playbooks",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path),
    metavar="PLAYBOOK... [-- PYTEST_OPTIONS...]",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("certifications"),
    show_default=True,
    metavar="DIR",
    help="Folder for evidence, with a folder for each model.",
)
@run_options
@click.option("--fail-fast", is_flag=True, help="The same as --failure-policy fail-fast; wins over it.")
@click.option(
    "--model-path",
    type=click.Path(exists=True, path_type=Path),
    metavar="DIR",
    help="The model's own folder, instead of the playbook's.",
)
@click.option("--skip-conversion-tests", is_flag=True, help="Leave out further conversions; the run is then partial.")
@click.option("--run-tool-tests", is_flag=True, help="Then also run `apr-qa tools` on the model's folder.")
@click.option("--profile-ci", is_flag=True, help="Measure speed even where the tier does not ask for it.")
@click.option("--no-differential", is_flag=True, help="Leave out comparisons with the ground truth; partial.")
@click.option("--no-trace-payload", is_flag=True, help="Leave out the comparison layer by layer; partial.")
@click.option("--hf-parity", is_flag=True, help="Hold the answers against a golden corpus as well.")
@click.option("--hf-corpus-path", metavar="PATH", help="The corpus, or the folder that holds it.")
@click.option("--hf-model-family", metavar="NAME", help="The corpus's name.")
@json_option
@click.pass_context
def run(ctx: click.Context, /, playbooks: tuple[Path, ...], as_json: bool, **given: Any) -> None:  # noqa: ANN401 - click's
    """Runs playbooks: pytest PLAYBOOK..., with these options passed on, and everything after -- as it is.

    Exit code: 0 when everything passed, 1 when not, 2 for wrong usage, 130 after Ctrl-C.
    """
    from pytest_aprqa.certification.run import check_locks, foresee_run, read_all

    wishes = _wishes(given, ctx.meta[_AFTER])
    check = not given["no_integrity_check"]
    read = read_all(playbooks, wishes)
    if given["dry_run"]:
        plans = foresee_run(playbooks, wishes, check_lock=check)
        _show_plans(plans, as_json=as_json)
        ctx.exit(0 if all(plan.lock.holds for plan in plans) else 1)
    if check:
        check_locks(read)
    ctx.exit(_run(read, wishes, tools=given["run_tool_tests"], no_gpu=given["no_gpu"], as_json=as_json))


def exit_code(ended: Ended) -> int:
    """0 and 1 as they are; a refused command line is wrong usage, everything else a failure."""
    if ended.signal is not None:
        return _INTERRUPTED + ended.signal
    return {0: 0, 4: 2}.get(ended.code, 1)


def _run(read: Sequence[Playbook], wishes: Wishes, *, tools: bool, no_gpu: bool, as_json: bool) -> int:
    from pytest_aprqa.certification.run import run_playbooks

    ended, reports = run_playbooks(read, wishes, quiet=as_json)
    code = exit_code(ended)
    rows: list[Json] = []
    if tools and not ended.interrupted:
        for playbook in read:
            tested = _tools(playbook, wishes, no_gpu=no_gpu)
            rows.append(tested)
            code = max(code, 0 if tested["passed"] else 1)
    if as_json:
        extra: dict[str, Json] = {"tools": rows} if tools else {}
        say_json({"exit_code": code, "playbooks": [one.to_json() for one in reports], **extra})
    return code


def _tools(playbook: Playbook, wishes: Wishes, *, no_gpu: bool) -> dict[str, Json]:
    """What ``apr-qa tools`` says of the playbook's model."""
    import os

    from pytest_aprqa.certification import look_for, try_tools
    from pytest_aprqa.weights import Search

    seen = look_for(playbook, Search(wishes.model_cache, os.environ))
    if seen.path is None:
        return {"passed": False, "model": playbook.model.hf_repo, "problem": seen.where}
    assert wishes.output is not None
    return try_tools(seen.path, output=wishes.output / "tools", no_gpu=no_gpu, serve=False).to_json()


def _wishes(given: dict[str, Any], extra: tuple[str, ...]) -> Wishes:
    from pytest_aprqa.certification import Wishes

    return Wishes(
        output=given["output"],
        model_cache=given["model_cache"],
        model_path=given["model_path"],
        download=given["download"],
        failure_policy="fail-fast" if given["fail_fast"] else given["failure_policy"],
        workers=given["workers"],
        timeout_ms=given["timeout_ms"],
        no_gpu=given["no_gpu"],
        allow_missing=given["allow_missing"],
        profile_ci=given["profile_ci"],
        golden_corpus=_corpus(given),
        values=given["values"],
        unwanted=tuple(_unwanted(given)),
        unnamed=(_TRACES,) if given["no_trace_payload"] else (),
        extra=extra,
    )


def _unwanted(given: dict[str, Any]) -> Iterator[str]:
    if given["skip_conversion_tests"]:
        yield "conversion"
    if given["no_differential"]:
        yield from ("contract", "parity")


def _corpus(given: dict[str, Any]) -> str | None:
    path, family = given["hf_corpus_path"], given["hf_model_family"]
    if not given["hf_parity"]:
        if path or family:
            raise click.UsageError("--hf-corpus-path and --hf-model-family belong to --hf-parity; add it")
        return None
    if not path and not family:
        raise click.UsageError("--hf-parity needs a corpus: --hf-corpus-path PATH, --hf-model-family NAME, or both")
    return str(Path(path or "", family or "")) if path else str(family)


def _show_plans(plans: Sequence[Outlook], *, as_json: bool) -> None:
    from pytest_aprqa.certification import outlook_lines

    if as_json:
        say_json({"plans": [plan.to_json() for plan in plans]})
        return
    for plan in plans:
        for line in outlook_lines(plan):
            say(line)
