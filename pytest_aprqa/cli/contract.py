"""``apr-qa validate-contract``: is a file valid, and does it keep the contract with the model it was made of?"""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pytest_aprqa.cli.contract_table import report_json, report_text
from pytest_aprqa.cli.say import say, screen

if TYPE_CHECKING:
    from pytest_aprqa.core import Quantization
    from pytest_aprqa.engines import Limits


@click.command("validate-contract", short_help="Judges a model file, alone or against its ground truth.")
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--against",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="HF_DIR",
    help="The Hugging Face folder that FILE was made of.",
)
@click.option("--engines", is_flag=True, help="Run both models: invariants I-1 and I-5, tokens, chat template.")
@click.option("--logits", is_flag=True, help="Compare what both models predict, too; implies --engines.")
@click.option("--quantization", metavar="WORD", help="What FILE promises to be, such as q4_k_m; default what it says.")
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    metavar="N",
    help="Threads of an engine; default OMP_NUM_THREADS, else all cores.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def validate_contract(
    ctx: click.Context,
    *,
    file: Path,
    against: Path | None,
    engines: bool,
    logits: bool,
    quantization: str | None,
    threads: int | None,
    as_json: bool,
) -> None:
    """Judges FILE (.gguf, .apr, or a Hugging Face folder): container, metadata, tokenizer, tensors.

    With --against also the contract: names, types, statistics, layout, metadata and tokenizer of the ground truth.

    Exit code: 0 when everything stood, 1 when something was refuted or a required gate could not
    be judged, 2 for unusable input.
    """
    from pytest_aprqa.gates import EnginePool
    from pytest_aprqa.gates import validate_contract as validate

    running = engines or logits
    if running and against is None:
        raise click.UsageError("--engines and --logits compare with the ground truth: they need --against HF_DIR")
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="aprqa-")))
        pool = stack.enter_context(EnginePool(engine_limits(threads))) if running else None
        report = validate(
            file,
            scratch=scratch,
            against=against,
            engines=pool,
            logits=logits,
            quantization=quantization_of(quantization),
        )
    needs = (
        "they need --against HF_DIR" if against is None else "they need --logits" if running else "they need engines"
    )
    say(json.dumps(report_json(report), indent=1) if as_json else report_text(report, screen(), left_out=needs))
    ctx.exit(0 if report.passed else 1)


def engine_limits(threads: int | None) -> Limits:
    """What an engine of a command may use: float32, as the ground truth is."""
    from pytest_aprqa.engines import Limits, default_threads

    return Limits(threads=threads or default_threads(os.environ), dtype="float32")


def quantization_of(word: str | None) -> Quantization | None:
    """The quantization that the user named."""
    from pytest_aprqa.core import Quantization

    if word is None:
        return None
    try:
        return Quantization(word.lower().replace("-", "_"))
    except ValueError as exc:
        known = ", ".join(Quantization)
        raise click.UsageError(f"--quantization: expected one of {known}; found {word!r}") from exc
