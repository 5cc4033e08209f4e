"""``apr-qa generate``: writes scenarios for a model."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import click

from pytest_aprqa.cli.say import json_option, say


@click.command(short_help="Writes scenarios for a model.")
@click.argument("model", metavar="MODEL")
@click.option("-c", "--count", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option("-f", "--format", "form", type=click.Choice(["yaml", "json", "jsonl"]), default="yaml", show_default=True)
@click.option("--seed", type=click.IntRange(0, (1 << 63) - 1), default=42, show_default=True, help="Of what is drawn.")
@click.option("--category", "categories", multiple=True, metavar="WORD", help="Only this category; may be repeated.")
@click.option(
    "--registry",
    type=click.Path(path_type=Path),
    default=Path("certifications/models.csv"),
    show_default=True,
    help="Of model ids.",
)
@click.option(
    "--playbooks",
    type=click.Path(path_type=Path),
    default=Path("playbooks"),
    show_default=True,
    help="Folder with the file of architectures.",
)
@json_option
def generate(
    model: str,
    count: int,
    form: str,
    seed: int,
    categories: Sequence[str],
    registry: Path,
    playbooks: Path,
    as_json: bool,
) -> None:
    """Writes distinct scenarios for MODEL, the same ones for the same words: a folder, a config.json, or an ORG/NAME.

    YAML is the `scenarios:` block of a playbook.
    """
    from pytest_aprqa.bootstrap import Form, Kind, render
    from pytest_aprqa.bootstrap import generate as draw
    from pytest_aprqa.cli.bootstrap import model_named

    facts = model_named(model, registry, playbooks)
    drawn = draw(facts, count, seed=seed, categories=categories)
    words = ["apr-qa", "generate", model, "-c", str(count), "--seed", str(seed)]
    words += [word for category in categories for word in ("--category", category)]
    shape = Form.JSON if as_json else Form(form)
    command = "".join(letter if letter.isprintable() else "?" for letter in shlex.join(words))
    say(render(drawn, shape, raw=facts.kind is Kind.BASE, command=command).rstrip("\n"))
