"""Lays a playbook out as YAML with comments: one function for each block, in the order of the file."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pytest_aprqa.bootstrap.asked import Asked
from pytest_aprqa.bootstrap.drawn import Drawn
from pytest_aprqa.bootstrap.entries import entry_of, yaml_lines
from pytest_aprqa.bootstrap.model import Kind, ModelFacts
from pytest_aprqa.bootstrap.sizes import in_words
from pytest_aprqa.bootstrap.templates import TEMPLATES
from pytest_aprqa.bootstrap.yaml_text import flow, noted, quoted, scalar, words
from pytest_aprqa.core import Backend, Format, Modality, Quantization, TierPlan
from pytest_aprqa.kernels import Topic

MARK: Final = "# Written by: "
"""Begins the line that names the command; a file without it was written by a person."""
_WIDTH: Final = 118
_TOKENS, _LONG_TOKENS, _THOUGHT_TOKENS = 64, 128, 768
_LONGEST_TIMEOUT_MS: Final = 600_000
_BACKEND_KEYS: Final = {Backend.CPU: "min_throughput_cpu", Backend.GPU: "min_throughput_gpu"}

Lines = Iterator[str]


@dataclass(frozen=True, slots=True)
class Sheet:
    """Everything that a playbook says, decided."""

    name: str
    model: ModelFacts
    plan: TierPlan
    formats: tuple[Format, ...]
    quantizations: tuple[Quantization, ...]
    """Of the GGUF targets; empty where the user's file decides, or there is none."""
    modalities: tuple[Modality, ...]
    asked: tuple[Asked, ...]
    drawn: tuple[Drawn, ...]
    command: str
    """That writes this file."""
    schema: str
    """Where editors find the schema."""


def write(sheet: Sheet) -> str:
    """The text of the playbook."""
    blocks = (
        _head(sheet),
        _model(sheet),
        _matrix(sheet),
        _kernels(sheet),
        _scenarios(sheet),
        _drawn(sheet),
        _gates(sheet),
        _speed(sheet),
        _metadata(sheet),
    )
    texts = ["\n".join(block) for block in blocks]
    return "\n\n".join(text for text in texts if text) + "\n"


def comment(text: str, *, indent: str = "") -> list[str]:
    """A text as lines of comment."""
    return textwrap.wrap(
        text, _WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ", break_on_hyphens=False
    )


def _head(sheet: Sheet) -> Lines:
    plan, model = sheet.plan, sheet.model
    yield f"# yaml-language-server: $schema={sheet.schema}"
    yield f"{MARK}{sheet.command}"
    yield "#"
    targets = sum(max(1, len(sheet.quantizations)) if it is Format.GGUF else 1 for it in sheet.formats)
    cells = targets * len(plan.backends) * len(sheet.modalities)
    low, high = plan.minutes
    yield from comment(
        f"Tier {plan.tier}: {cells} {'cell' if cells == 1 else 'cells'} of {_count(sheet)} scenarios; meant to take "
        f"{low} to {high} minutes on hardware that suits the model."
    )
    for remark in model.remarks:
        yield from comment(remark)
    yield f"name: {scalar(sheet.name)}"
    yield 'version: "1.0.0"'
    yield f"description: {quoted(f'{TEMPLATES[plan.tier].words} of {model.short_name}'[:500])}"


def _model(sheet: Sheet) -> Lines:
    model = sheet.model
    yield "model:"
    yield f"  hf_repo: {scalar(model.repo)}"
    if model.folder is not None:
        yield f"  local_path: {quoted(str(model.folder))}"
    if model.files:
        yield noted("  files:", "tested as they are")
        yield from (f"    {format}: {quoted(str(path))}" for format, path in model.files.items())
    if model.dequantized:
        yield noted("  ground_truth: dequantized", "there is no original to be compared with")
    formats = f"  formats: {words(sheet.formats)}"
    yield noted(formats, "safetensors is the ground truth") if Format.SAFETENSORS in sheet.formats else formats
    if sheet.quantizations:
        yield f"  quantizations: {words(sheet.quantizations)}"
    if model.parameters is not None:
        yield noted(f"  size_category: {model.size.category}", f"{in_words(model.parameters)} parameters")
    if model.architecture or model.family:
        yield f"  family: {scalar(model.architecture or model.family)}"
    if model.expected:
        yield from comment(f"From {model.source}.", indent="  ")
        yield from (f"  {key}: {value}" for key, value in model.expected.items())
    else:
        yield "  # No expected_... numbers: no source is at hand; `apr-qa bootstrap FOLDER` reads config.json."


def _matrix(sheet: Sheet) -> Lines:
    model = sheet.model
    yield "test_matrix:"
    yield f"  modalities: {words(sheet.modalities)}"
    if model.kind is Kind.BASE:
        yield noted("  prompting: raw", "a base model continues texts; it has no chat template")
    yield f"  backends: {words(sheet.plan.backends)}"
    if sheet.drawn:
        yield noted(f"  scenario_count: {_count(sheet)}", "what is listed below comes first, the rest is drawn")
    yield "  seed: 42"
    yield f"  timeout_ms: {timeout_of(model)}"
    limit = f"  max_tokens: {tokens_of(model)}"
    yield noted(limit, "thoughts included") if model.thinks else limit


def timeout_of(model: ModelFacts) -> int:
    """Deadline of a request, in milliseconds; thoughts take as long again."""
    usual = model.size.timeout_ms
    return min(2 * usual, _LONGEST_TIMEOUT_MS) if model.thinks else usual


def tokens_of(model: ModelFacts) -> int:
    """Limit of an answer that has none of its own."""
    if model.thinks:
        return _THOUGHT_TOKENS
    return _LONG_TOKENS if model.profile is not None and model.profile.does("long_context") else _TOKENS


def _count(sheet: Sheet) -> int:
    return sheet.plan.scenarios if sheet.drawn else len(sheet.asked)


def _kernels(sheet: Sheet) -> Lines:
    profile = sheet.model.profile
    if profile is None:
        return
    yield "# What an engine has to compute for this model, and what says so."
    width = max((len(each.name) for each in profile.operations), default=0)
    for each in profile.operations:
        yield f"#   {each.name:{width}}  {each.fact}"[:_WIDTH].rstrip()
    for gap in profile.unknown:
        yield from comment(f"  not told ({gap.aspect}): {gap.why}")
    yield "kernel_profile:"
    if profile.model_type:
        yield f"  family: {scalar(profile.model_type)}"
    names = words([each.name for each in profile.operations])
    yield from textwrap.wrap(f"kernel_ops: {names}", _WIDTH, initial_indent="  ", subsequent_indent="    ")
    yield f"  prompt_count: {len(sheet.asked)}"
    yield f"  long_context: {flow(profile.does('long_context'))}"


def _scenarios(sheet: Sheet) -> Lines:
    yield "scenarios:"
    for topic in dict.fromkeys(asked.topic for asked in sheet.asked):
        yield from comment(f"{topic}: {_reasons(sheet, topic)}", indent="  ")
        for asked in sheet.asked:
            if asked.topic is topic:
                yield from yaml_lines(entry_of(asked, limited=not sheet.model.thinks))


def _reasons(sheet: Sheet, topic: Topic) -> str:
    stresses = () if sheet.model.profile is None else sheet.model.profile.stresses
    by_reason: dict[str, list[str]] = {}
    for stress in stresses:
        if stress.topic is topic:
            by_reason.setdefault(stress.why, []).append(stress.operation)
    said = [f"{', '.join(names)}: {why}" for why, names in by_reason.items()]
    return "; ".join(said) if said else "asked of every model"


def _drawn(sheet: Sheet) -> Lines:
    if not sheet.drawn:
        return
    yield noted("property_tests:", "fill up to scenario_count, in proportion to their counts")
    for each in sheet.drawn:
        yield f"  - name: {each.name}"
        yield f"    generator: {quoted(each.generator)}"
        yield f"    oracle: {quoted(each.oracle)}"
        yield f"    count: {each.count}"


def _gates(sheet: Sheet) -> Lines:
    template = TEMPLATES[sheet.plan.tier]
    yield "gates:"
    yield from (
        f"  {name}: true"
        for name in ("g0_integrity", "g1_model_loads", "g2_basic_inference", "g3_no_crashes", "g4_output_quality")
    )
    yield ""
    yield f"failure_policy: {template.policy}"
    if template.invariants and len(sheet.formats) > 1:
        yield ""
        yield noted("contract_tests:", "what must hold between the formats")
        yield f"  invariants: {words(template.invariants)}"


def _speed(sheet: Sheet) -> Lines:
    template, size = TEMPLATES[sheet.plan.tier], sheet.model.size
    if not template.measure:
        return
    yield "profile_ci:"
    yield f"  warmup: {template.warmup}"
    yield f"  measure: {template.measure}"
    yield noted("  assertions:", f"usual for {size.category} models on a desktop; yours may be faster")
    floors = {Backend.CPU: size.cpu_tokens, Backend.GPU: size.gpu_tokens}
    for backend in sheet.plan.backends:
        if floors[backend]:
            yield noted(f"    {_BACKEND_KEYS[backend]}: {floors[backend]:g}", "tokens per second")
    yield noted(f"    max_p99_ms: {size.p99_ms}", "between two tokens")


def _metadata(sheet: Sheet) -> Lines:
    model, tier = sheet.model, sheet.plan.tier
    yield "metadata:"
    yield "  author: pytest-aprqa"
    yield f"  tier: {tier}"
    if model.architecture:
        yield f"  architecture: {scalar(model.architecture)}"
    tags = [str(model.kind), "code" if model.codes else "", "reasoning" if model.thinks else "", str(tier)]
    yield f"  tags: {words([tag for tag in tags if tag])}"
