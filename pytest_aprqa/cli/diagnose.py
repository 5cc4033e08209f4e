"""``apr-qa diagnose-conversion``: all five invariants of the contract, and what is probably wrong."""

from __future__ import annotations

import json
import tempfile
from contextlib import ExitStack
from pathlib import Path

import click

from pytest_aprqa.cli.contract import engine_limits, quantization_of
from pytest_aprqa.cli.contract_table import report_json, report_text
from pytest_aprqa.cli.say import say, screen


@click.command("diagnose-conversion", short_help="Says what a conversion did wrong.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--against",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="HF_DIR",
    required=True,
    help="The Hugging Face folder that FILE was made of.",
)
@click.option("--no-engines", is_flag=True, help="Files only: leaves out I-1 (answers) and I-5 (tokenizer).")
@click.option("--quantization", metavar="WORD", help="What FILE promises to be, such as q4_k_m; default what it says.")
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    metavar="N",
    help="Threads of an engine; default OMP_NUM_THREADS, else all cores.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def diagnose_conversion(
    ctx: click.Context,
    *,
    file: Path,
    against: Path,
    no_engines: bool,
    quantization: str | None,
    threads: int | None,
    as_json: bool,
) -> None:
    """Judges FILE (.gguf or .apr) by the five invariants, each whatever became of the others, and names the cause.

    I-1 the same answers, I-2 the same tensors, I-3 the promised types, I-4 the same statistics, I-5 a tokenizer that
    gives back what it was given.

    Exit code: 0 when all invariants stood, 1 when one did not or something else was refuted, 2 for unusable input.
    """
    from pytest_aprqa.gates import EnginePool
    from pytest_aprqa.gates import diagnose_conversion as diagnose

    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="aprqa-")))
        pool = None if no_engines else stack.enter_context(EnginePool(engine_limits(threads)))
        report = diagnose(file, against, scratch=scratch, engines=pool, quantization=quantization_of(quantization))
    say(
        json.dumps(report_json(report), indent=1)
        if as_json
        else report_text(report, screen(), left_out="it needs engines")
    )
    ctx.exit(0 if report.passed else 1)
