"""From what is known of a model to a playbook of a tier: complete, commented, and read again before it is given out."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from pytest_aprqa.bootstrap.check import checked
from pytest_aprqa.bootstrap.choose import choose
from pytest_aprqa.bootstrap.drawn import drawn_for
from pytest_aprqa.bootstrap.model import Kind, ModelFacts
from pytest_aprqa.bootstrap.templates import TEMPLATES
from pytest_aprqa.bootstrap.write import Sheet, write
from pytest_aprqa.core import TIERS, Format, Modality, Quantization, Tier, TierPlan
from pytest_aprqa.kernels import with_quantizations
from pytest_aprqa.playbook import SCHEMA_FILE

_DROPPED: Final = frozenset({"instruct", "it"})
"""Words that nearly every model's name has."""
_LONGEST_NAME: Final = 90


def draft(model: ModelFacts, tier: Tier, *, name: str = "", command: str = "", schema: str = "") -> str:
    """A playbook for a model.

    Args:
        model: what is known of it.
        tier: how deep it goes.
        name: the playbook's; default: made from the model's name and the tier.
        command: what the file says that it was written by.
        schema: where editors find the schema; default: in the installed package.

    Raises:
        AprqaError: the text would not load without a warning.
    """
    name = name or playbook_name(model.repo, tier)
    text = compose(model, tier, name=name, command=command, schema=schema)
    checked(text, name)
    return text


def compose(model: ModelFacts, tier: Tier, *, name: str, command: str = "", schema: str = "") -> str:
    """The text of a playbook, not read again: for comparing it with one that was."""
    return write(_sheet(model, tier, name, command, schema))


def playbook_name(repo: str, tier: Tier, *, whole: bool = False) -> str:
    """The name of a model's playbook.

    >>> playbook_name("Qwen/Qwen2.5-Coder-0.5B-Instruct", Tier.MVP)
    'qwen2.5-coder-0.5b-mvp'
    >>> playbook_name("internlm/internlm2_5-7b-chat", Tier.DEEP)
    'internlm2.5-7b-chat-full'

    Args:
        repo: ``org/name``.
        tier: its suffix ends the name.
        whole: keeps the words ``instruct`` and ``it``, by which two models may differ.
    """
    short = re.sub(r"(?<=\d)_(?=\d)", ".", repo.rpartition("/")[2].lower())
    segments = [part for part in short.split("-") if part and (whole or part not in _DROPPED)]
    plain = re.sub(r"[^a-z0-9._-]+", "-", "-".join(segments)).strip("-._") or "model"
    return f"{plain[:_LONGEST_NAME].rstrip('-._')}-{TIERS[tier].suffix}"


def _sheet(model: ModelFacts, tier: Tier, name: str, command: str, schema: str) -> Sheet:
    plan, template = TIERS[tier], TEMPLATES[tier]
    formats = model.formats or (*plan.formats, *(it for it in model.files if it not in plan.formats))
    quantizations = _quantizations(model, plan, formats)
    if model.profile is not None:
        model = replace(model, profile=with_quantizations(model.profile, quantizations))
    spoken = tuple(it for it in plan.modalities if model.kind is Kind.INSTRUCT or it is not Modality.CHAT)
    base = model.kind is Kind.BASE
    asked = choose(model, tier, spoken, plan.scenarios if base else min(template.listed, plan.scenarios))
    drawn = () if base or len(asked) >= plan.scenarios else drawn_for(model, spoken)
    return Sheet(
        name=name,
        model=model,
        plan=plan,
        formats=formats,
        quantizations=quantizations,
        modalities=spoken,
        asked=asked,
        drawn=drawn,
        command=command or f"apr-qa bootstrap {model.repo} --tier {tier}",
        schema=schema or SCHEMA_FILE.as_posix(),
    )


def _quantizations(model: ModelFacts, plan: TierPlan, formats: tuple[Format, ...]) -> tuple[Quantization, ...]:
    if Format.GGUF not in formats:
        return ()
    return plan.quantizations if model.quantizations is None else model.quantizations
