"""``apr-qa parity``: golden corpora listed, checked, recorded, and held against an artefact."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from pytest_aprqa.cli.say import say
from pytest_aprqa.core import excerpt, visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_aprqa.core import Json, Target, Weights
    from pytest_aprqa.engines import Engine, Instruments
    from pytest_aprqa.golden import GoldenComparison, GoldenCorpus, Place, Provenance


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says."""

    family: str
    """Empty for all."""
    root: Path
    model: str | None
    model_cache: Path | None
    prompts: Path | None
    force: bool
    quantization: str | None
    threads: int
    as_json: bool


@click.command(short_help="Compares an artefact with recorded logits of the ground truth.")
@click.option("--model-family", "family", default="", metavar="F", help="FAMILY, FAMILY/VERSION or ORG/MODEL.")
@click.option(
    "--golden",
    "root",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="ROOT",
    help="Folder of corpora, as FAMILY/VERSION/; default pytest-aprqa/golden in $XDG_DATA_HOME, %LOCALAPPDATA% or "
    "~/.local/share. Corpora that come with the package are found everywhere.",
)
@click.option("--list", "list_", is_flag=True, help="Show the corpora (of the family, when one is given).")
@click.option("--self-check", is_flag=True, help="Look for damage, and for a comparison that could not refute.")
@click.option("--record", is_flag=True, help="Record a corpus from the ground truth: --model in float32 on the CPU.")
@click.option(
    "--against",
    type=click.Path(exists=True, path_type=Path),
    metavar="PATH",
    help="Compare a .gguf file, an .apr file or a Hugging Face folder with the corpus.",
)
@click.option("--model", metavar="NAME", help="With --record: the model, ORG/NAME.")
@click.option(
    "--model-cache",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="With --record: a folder that holds the model.",
)
@click.option(
    "--prompts",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="With --record: one raw prompt a line, or a .json object with a list of prompts; default built-in ones.",
)
@click.option("--force", is_flag=True, help="With --record: replace a corpus that is there.")
@click.option("--quantization", metavar="WORD", help="With --against: whose limits apply; default what the file says.")
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    metavar="N",
    help="Threads of the engine; default OMP_NUM_THREADS, else all cores.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def parity(
    ctx: click.Context,
    *,
    family: str,
    root: Path | None,
    list_: bool,
    self_check: bool,
    record: bool,
    against: Path | None,
    model: str | None,
    model_cache: Path | None,
    prompts: Path | None,
    force: bool,
    quantization: str | None,
    threads: int | None,
    as_json: bool,
) -> None:
    """Lists, checks or records a golden corpus, or holds an artefact against one.

    A corpus has prompts, their token ids, the likeliest logits at each position, and greedy continuations, as
    transformers computes them in float32.

    Exit code: 0 when nothing was refuted, 1 when the corpus is damaged or the artefact differs, 2 for unusable input.
    """
    from pytest_aprqa.engines import default_threads
    from pytest_aprqa.golden import default_root

    if sum((list_, self_check, record, against is not None)) != 1:
        raise click.UsageError("expected one of --list, --self-check, --record and --against PATH")
    if not family and not list_:
        raise click.UsageError("expected --model-family F; --list shows what there is")
    if record and not model:
        raise click.UsageError("--record needs --model NAME")
    asked = Asked(
        family=family,
        root=root or default_root(os.environ),
        model=model,
        model_cache=model_cache,
        prompts=prompts,
        force=force,
        quantization=quantization,
        threads=threads or default_threads(os.environ),
        as_json=as_json,
    )
    if against is not None:
        ctx.exit(_against(asked, against))
    ctx.exit(_list(asked) if list_ else _self_check(asked) if self_check else _record(asked))


def _list(asked: Asked) -> int:
    places = _places(asked)
    entries = [_entry(place) for place in places]
    if asked.as_json:
        say(json.dumps({"corpora": entries}, indent=1))
    else:
        for entry in entries:
            say("\n".join(_listed(entry, prompts=bool(asked.family))))
    if not entries:
        click.echo(f"no corpus{f' of {asked.family}' if asked.family else ''} in {asked.root}", err=True)
    return 2 if asked.family and not entries else 1 if any("problem" in entry for entry in entries) else 0


def _places(asked: Asked) -> list[Place]:
    """The corpora of the family, or all; the user's own before those of the package."""
    from pytest_aprqa.golden import built_in_root, family_of, list_places

    family, _, version = asked.family.partition("/")
    return [
        place
        for root in dict.fromkeys((asked.root, built_in_root()))
        for place in list_places(root)
        if not asked.family
        or place.family == family_of(asked.family)
        or (place.family == family and version in ("", place.version))
    ]


def _entry(place: Place) -> dict[str, Json]:
    from pytest_aprqa.core import ArtefactError
    from pytest_aprqa.golden import read_golden

    entry: dict[str, Json] = {"family": place.family, "version": place.version, "folder": str(place.folder)}
    try:
        corpus = read_golden(place.folder)
    except ArtefactError as exc:
        return {**entry, "problem": str(exc)}
    return {**entry, **_provenance(corpus)}


def _provenance(corpus: GoldenCorpus) -> dict[str, Json]:
    return {
        "model": corpus.provenance.model,
        "revision": corpus.provenance.revision,
        "recorded_at": corpus.provenance.recorded_at,
        "engine": corpus.engine.name,
        "versions": dict(corpus.engine.versions),
        "dtype": corpus.engine.dtype,
        "positions": corpus.positions,
        "top_k": corpus.top_k,
        "digest": corpus.digest,
        "digests": dict(corpus.provenance.digests),
        "prompts": [
            {"id": each.prompt.id, "prompting": str(each.prompt.prompting), "text": each.prompt.text}
            for each in corpus.prompts
        ],
    }


def _listed(entry: dict[str, Json], *, prompts: bool) -> Iterator[str]:
    name = f"{entry['family']}/{entry['version']}"
    if "problem" in entry:
        yield visible(f"{name}: unusable: {entry['problem']}")
        return
    listed = entry["prompts"]
    assert isinstance(listed, list)
    revision = f" at {entry['revision']}" if entry["revision"] else ""
    yield visible(
        f"{name}: {entry['model']}{revision}, {len(listed)} prompts, "
        f"{entry['positions']} positions, recorded {entry['recorded_at']} by {entry['engine']} in {entry['dtype']}"
    )
    for item in listed if prompts else ():
        assert isinstance(item, dict)
        yield f"  {item['id']!s:<18} {item['prompting']!s:<9} {excerpt(str(item['text']), limit=80)}"
    if prompts:
        versions = entry["versions"]
        assert isinstance(versions, dict)
        yield f"  made with {', '.join(f'{library} {version}' for library, version in versions.items())}"
        yield f"  digest {entry['digest']}"


def _self_check(asked: Asked) -> int:
    from pytest_aprqa.golden import self_check

    places = _places(asked)
    if not places:
        raise _missing(asked)
    found = {f"{place.family}/{place.version}": self_check(place.folder) for place in places}
    if asked.as_json:
        say(json.dumps({"problems": {name: [str(each) for each in problems] for name, problems in found.items()}}))
    else:
        for name, problems in found.items():
            say(f"{name}: {f'{len(problems)} problems' if problems else 'whole, and able to refute'}")
            for problem in problems:
                say(visible(f"  {problem}"))
    return 1 if any(found.values()) else 0


def _missing(asked: Asked) -> click.UsageError:
    return click.UsageError(
        f"no golden corpus of {asked.family!r} in {asked.root} or in the package; --list shows what there is"
    )


def _record(asked: Asked) -> int:
    from pytest_aprqa.core import Backend, Format, Target
    from pytest_aprqa.golden import BUILT_IN, corpus_folder, read_prompts, record
    from pytest_aprqa.weights import Search, Wanted, digest_memory, digested, resolve

    assert asked.model is not None
    folder = corpus_folder(asked.root, asked.family)
    prompts = read_prompts(asked.prompts) if asked.prompts else BUILT_IN
    if folder.exists() and not asked.force:
        raise click.UsageError(f"{folder} is there already; name another version, as FAMILY/VERSION, or give --force")
    found = resolve(Wanted(asked.model), Search(asked.model_cache, os.environ))
    weights = digested(found, memory=digest_memory(os.environ))
    engine = _open(Target(asked.model, Format.SAFETENSORS, None, Backend.CPU), weights, asked.threads)
    try:
        corpus = record(
            _instruments(engine), engine.facts, _made_now(asked.model, weights), prompts, folder, force=asked.force
        )
    finally:
        engine.close()
    left_out = [each.id for each in prompts if each.id not in {kept.prompt.id for kept in corpus.prompts}]
    if asked.as_json:
        say(json.dumps({"folder": str(folder), "left_out": left_out, **_provenance(corpus)}, indent=1))
        return 0
    say(f"{folder}: {len(corpus.prompts)} prompts, {corpus.positions} positions; digest {corpus.digest}")
    if left_out:
        say(f"left out, since the model cannot take them: {', '.join(left_out)}")
    return 0


def _made_now(model: str, weights: Weights) -> Provenance:
    import platform
    from datetime import UTC, datetime

    from pytest_aprqa.evidence import read_host
    from pytest_aprqa.golden import Provenance

    host = read_host()
    facts: dict[str, Json] = {
        "os": f"{platform.system()} {platform.machine()}",
        "cpu": host.cpu,
        "cores": host.cores,
    }
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Provenance(model, dict(weights.digests), now, weights.revision, facts)


def _against(asked: Asked, path: Path) -> int:
    from pytest_aprqa.golden import artefact_of, compare, find_golden, judge_comparison, read_golden

    folder = find_golden(asked.family, asked.root)
    if folder is None:
        raise _missing(asked)
    corpus = read_golden(folder)
    artefact = artefact_of(path, corpus, quantization=asked.quantization)
    engine = _open(artefact.target, artefact.weights, asked.threads)
    try:
        comparison = compare(corpus, _instruments(engine), artefact.word)
    finally:
        engine.close()
    verdict = judge_comparison(comparison)
    if asked.as_json:
        said = {"outcome": str(verdict.outcome), "reason": verdict.reason, **comparison.to_json()}
        say(json.dumps(said, indent=1))
    else:
        say("\n".join(_report(comparison, verdict.outcome)))
    return 0 if verdict.outcome.passed else 1


def _report(comparison: GoldenComparison, outcome: str) -> Iterator[str]:
    yield f"{outcome}: {comparison.model}, limits of {comparison.word}, {comparison.compared} positions"
    for check in comparison.checks:
        low, high = check.measured.low, check.measured.high
        yield f"  {'ok    ' if check.holds else 'FAILED'} {check}, 95 % interval {low:.3g} to {high:.3g}"
    for each in comparison.problems:
        yield visible(f"  FAILED {each.id}: {each.problem}")
    worst = sorted((each for each in comparison.prompts if each.kl_mean), key=lambda each: -(each.kl_mean or 0))
    for each in worst[:3]:
        parted = (
            ""
            if each.parted_at is None
            else f", greedy parts at token {each.parted_at} (margin {each.margin:.3g} nats)"
        )
        yield f"  {each.id}: KL {each.kl_mean:.3g}, at most {each.kl_max:.3g}{parted}"


def _open(target: Target, weights: Weights, threads: int) -> Engine:
    from pytest_aprqa.engines import Limits, open_engine

    return open_engine(target, weights, Limits(threads=threads))


def _instruments(engine: Engine) -> Instruments:
    """The same engine, which may have been written before there were instruments."""
    from pytest_aprqa.core import EngineUnavailable

    if not hasattr(engine, "logits"):
        raise EngineUnavailable(
            engine.facts.name, "it has no instrument 'logits'", install="pip install 'pytest-aprqa[transformers]'"
        )
    return cast("Instruments", engine)
