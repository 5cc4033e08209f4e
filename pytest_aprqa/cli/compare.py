"""``apr-qa compare``: is a later run worse than an earlier one?"""

from __future__ import annotations

import math
from pathlib import Path

import click

from pytest_aprqa.cli.say import json_option, say, say_json, screen


class _Share(click.FloatRange):
    """A number in a range; click lets "nan" through, beside which nothing would ever be a regression."""

    def convert(self, value: float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"expected a number, found {value!r}", param, ctx)
        return number


_SHARE = _Share(min=0)


@click.command(short_help="Compares two evidence files.")
@click.argument("before", type=click.Path(path_type=Path))
@click.argument("after", type=click.Path(path_type=Path))
@click.option(
    "--alpha",
    type=_Share(min=0, max=1),
    default=0.05,
    show_default=True,
    help="One-sided p of McNemar's exact test below which more broke than chance breaks.",
)
@click.option(
    "--max-broken", type=click.IntRange(min=0), default=0, show_default=True, help="P0 and P1 cases that may break."
)
@click.option("--max-unjudged", type=click.IntRange(min=0), help="Passed cases that may end unjudged; default any.")
@click.option(
    "--max-throughput-drop",
    type=_Share(min=0, max=1),
    default=0.1,
    show_default=True,
    help="Share of the earlier rate of decoding.",
)
@click.option(
    "--max-latency-rise",
    type=_SHARE,
    default=0.2,
    show_default=True,
    help="Share of the earlier times to and between tokens.",
)
@click.option(
    "--max-divergence-rise",
    type=_SHARE,
    default=0.1,
    show_default=True,
    help="Share of a stored type's limit by which KL and the like may rise.",
)
@click.option(
    "--markdown", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Also write Markdown."
)
@click.option("--all", "everything", is_flag=True, help="List every changed case and every number.")
@json_option
@click.pass_context
def compare(
    ctx: click.Context,
    *,
    before: Path,
    after: Path,
    alpha: float,
    max_broken: int,
    max_unjudged: int | None,
    max_throughput_drop: float,
    max_latency_rise: float,
    max_divergence_rise: float,
    markdown: Path | None,
    everything: bool,
    as_json: bool,
) -> None:
    """Compares AFTER with BEFORE, two evidence.json or evidence.jsonl, ours or foreign.

    Cases are paired by name, else by what they test. It is a regression when a passed gateway is lost, when a P0 or P1
    case broke, when more broke than chance explains, when a divergence rose or speed dropped beyond its interval
    and its limit.

    Exit code: 0 when nothing is worse, 1 on a regression or when nothing could be compared, 2 when a
    file cannot be read.
    """
    from pytest_aprqa.evidence import read_run
    from pytest_aprqa.regression import Limits
    from pytest_aprqa.regression import compare as compare_runs
    from pytest_aprqa.reports.comparison import render_comparison, render_comparison_markdown

    if markdown is not None and markdown.resolve() in (before.resolve(), after.resolve()):
        raise click.UsageError("--markdown: expected another file than BEFORE and AFTER")
    limits = Limits(alpha, max_broken, max_unjudged, max_throughput_drop, max_latency_rise, max_divergence_rise)
    found = compare_runs(read_run(before), read_run(after), limits=limits)
    if markdown is not None:
        markdown.write_text(render_comparison_markdown(found, everything=everything), encoding="utf-8")
    if as_json:
        say_json({"before_file": str(before), "after_file": str(after), **found.to_json()})
    else:
        shown = screen()
        text = render_comparison(found, width=shown.width, color=shown.color, ascii=shown.ascii, everything=everything)
        say(text.rstrip("\n"))
    ctx.exit(0 if found.passed else 1)
