"""All playbooks of a registry: which there are, what each says, and writing or checking a folder of them.

Registries are read above this room; a `Registered` is what is needed of one row.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_aprqa.bootstrap.architectures import Architecture
from pytest_aprqa.bootstrap.check import checked
from pytest_aprqa.bootstrap.draft import compose, playbook_name
from pytest_aprqa.bootstrap.folder import expected_of
from pytest_aprqa.bootstrap.model import Kind, ModelFacts, codes, thinks
from pytest_aprqa.bootstrap.sizes import parameters_of
from pytest_aprqa.bootstrap.write import MARK
from pytest_aprqa.core import Tier
from pytest_aprqa.kernels import profile_of

ARCHITECTURES_FILE: Final = "architectures.yaml"
"""In the folder of playbooks."""
MODELS_FOLDER: Final = "models"
"""Below it, where the playbooks are."""
ENDING: Final = ".playbook.yaml"
SCHEMA: Final = "../../pytest_aprqa/playbook/playbook.schema.json"
"""From the folder of models, in the repository."""

_EMBEDDED: Final = "aprqa/aprqa-tiny"
"""It knows what it was taught and nothing else, and has playbooks of its own."""
_EVERY_TIER: Final = (Tier.SMOKE, Tier.MVP)
_SMALL_TIERS: Final = (Tier.QUICK, Tier.STANDARD, Tier.DEEP)
_SMALL: Final = 4 * 10**9
"""Parameters: below it a deep run is within reach of one machine."""
_THINKING_FAMILIES: Final = frozenset({"qwen3", "qwen3-moe", "deepseek-r1"})
"""Families that think before they answer unless they are told not to."""


@dataclass(frozen=True, slots=True)
class Registered:
    """One model of a registry."""

    model_id: str
    family: str
    parameters: str
    """Such as ``0.5B``."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One playbook that there should be."""

    model: Registered
    tier: Tier
    name: str


@dataclass(frozen=True, slots=True)
class Change:
    """What writing would do to one file."""

    path: Path
    what: str
    """``new``, ``changed`` or ``left over`` (nobody would write it)."""
    text: str
    """What the file should say; empty for one that is left over."""


def model_of(row: Registered, architecture: Architecture | None) -> ModelFacts:
    """What a registry's row, and a source of its architecture, tell of a model.

    Raises:
        AprqaError: the row's number of parameters is none.
    """
    profile = (
        profile_of(architecture.config, whole_file=False) if architecture is not None and architecture.config else None
    )
    return ModelFacts(
        repo=row.model_id,
        kind=Kind.BASE if architecture is not None and architecture.base else Kind.INSTRUCT,
        thinks=thinks(row.model_id) or row.family in _THINKING_FAMILIES,
        codes=codes(row.model_id),
        parameters=parameters_of(row.parameters),
        family=row.family,
        architecture=profile.model_type if profile is not None else "",
        profile=profile,
        expected={} if profile is None else expected_of(profile.facts),
        source=architecture.source if architecture is not None else "",
    )


def plan_all(rows: Sequence[Registered]) -> tuple[Planned, ...]:
    """Every playbook of a registry: smoke and mvp for all, the deeper tiers for each family's smallest small model."""
    rows = [row for row in rows if row.model_id != _EMBEDDED]
    deeper = {row.model_id for row in _smallest(rows)}
    planned = [
        Planned(row, tier, "")
        for row in rows
        for tier in (*_EVERY_TIER, *(_SMALL_TIERS if row.model_id in deeper else ()))
    ]
    short = Counter(playbook_name(each.model.model_id, each.tier) for each in planned)
    return tuple(Planned(each.model, each.tier, _name(each, short)) for each in planned)


def _smallest(rows: Iterable[Registered]) -> Iterator[Registered]:
    smallest: dict[str, Registered] = {}
    for row in rows:
        if parameters_of(row.parameters) < _SMALL:
            known = smallest.setdefault(row.family, row)
            if parameters_of(row.parameters) < parameters_of(known.parameters):
                smallest[row.family] = row
    return iter(smallest.values())


def _name(planned: Planned, short: Mapping[str, int]) -> str:
    name = playbook_name(planned.model.model_id, planned.tier)
    return name if short[name] == 1 else playbook_name(planned.model.model_id, planned.tier, whole=True)


def write_one(planned: Planned, architectures: Mapping[str, Architecture]) -> str:
    """The text of one playbook of a registry, not read again."""
    model = model_of(planned.model, architectures.get(planned.model.model_id))
    command = f"apr-qa bootstrap {planned.model.model_id} --tier {planned.tier}"
    return compose(model, planned.tier, name=planned.name, command=command, schema=SCHEMA)


def changes(folder: Path, rows: Sequence[Registered], architectures: Mapping[str, Architecture]) -> Iterator[Change]:
    """How a folder of playbooks differs from what would be written; files that a person wrote are left alone."""
    wanted = {f"{planned.name}{ENDING}": planned for planned in plan_all(rows)}
    for name, planned in wanted.items():
        path = folder / name
        found = path.read_text(encoding="utf-8") if path.is_file() else None
        if found is not None and not is_written(found):
            continue
        text = write_one(planned, architectures)
        if found != text:
            checked(text, planned.name)
            yield Change(path, "new" if found is None else "changed", text)
    for path in sorted(folder.glob(f"*{ENDING}")) if folder.is_dir() else ():
        if path.name not in wanted and is_written(path.read_text(encoding="utf-8")):
            yield Change(path, "left over", "")


def is_written(text: str) -> bool:
    """Whether a playbook says in its first lines that bootstrap wrote it."""
    return any(line.startswith(f"{MARK}apr-qa bootstrap") for line in text.split("\n", 3)[:3])


def apply(change: Change) -> None:
    """Writes one file, or removes one that is left over."""
    if not change.text:
        change.path.unlink()
        return
    change.path.parent.mkdir(parents=True, exist_ok=True)
    temporary = change.path.with_name(f".{change.path.name}.{os.getpid()}")
    temporary.write_text(change.text, encoding="utf-8", newline="\n")
    temporary.replace(change.path)
