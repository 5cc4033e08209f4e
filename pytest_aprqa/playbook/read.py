"""A file → a playbook: the door through which every playbook comes in. Only `PlaybookError` leaves it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from pytest_aprqa.core import TIER_WORDS, Json, PlaybookError, Scenario
from pytest_aprqa.playbook.cells import admits, cell_words, list_cells
from pytest_aprqa.playbook.dialects import normalise, refuse_other_kinds
from pytest_aprqa.playbook.document import Document, Files, Matrix, Model
from pytest_aprqa.playbook.listing import list_scenarios, specs
from pytest_aprqa.playbook.parse import parse_yaml
from pytest_aprqa.playbook.placeholders import render
from pytest_aprqa.playbook.playbook import Playbook, PropertyTest, line_of, stem, tier_of
from pytest_aprqa.playbook.problems import MAX_WARNINGS, did_you_mean, first_problem, unknown_keys
from pytest_aprqa.playbook.source import read_source
from pytest_aprqa.playbook.tree import Node, locate, plain_data
from pytest_aprqa.playbook.untested import list_untested

_FILE_FIELDS: Final = tuple(Files.model_fields)


def read_playbook(path: Path, values: Mapping[str, str], *, strict: bool = False) -> Playbook:
    """Reads and checks a playbook.

    Args:
        path: the file.
        values: what ``${VAR}`` stands for.
        strict: an unknown key is an error instead of a warning.

    Raises:
        PlaybookError: the file cannot be read, is no playbook, or asks for something impossible.
    """
    source = read_source(path)
    root = parse_yaml(source.text, path)
    refuse_other_kinds(root, path)
    root = normalise(render(root, values, path), path)
    document = _validate(root, path)
    unknown = unknown_keys(document, root, path)
    if strict and unknown:
        raise unknown[0]
    scenarios = list_scenarios(document, root)
    name = document.name or _name_of(path)
    metadata: Mapping[str, Json] = json.loads(json.dumps(document.metadata))
    return Playbook(
        name=name,
        version=document.version,
        description=document.description,
        path=path,
        sha256=source.sha256,
        model=_resolved(document.model, path, root),
        matrix=_counted(document, scenarios),
        gates=document.gates,
        oracles=specs(document.oracles),
        failure_policy=document.failure_policy,
        property_tests=_property_tests(document, root),
        listed_scenarios=scenarios,
        skips=document.skips,
        metadata=metadata,
        tier=tier_of(metadata, path, name),
        reports=list_untested(document, scenarios, root),
        warnings=(*_said(unknown, path), *_tier_warnings(metadata, path, root)),
        declared=document,
        root=root,
    )


def _validate(root: Node, path: Path) -> Document:
    try:
        return Document.model_validate(plain_data(root))
    except ValidationError as error:
        raise first_problem(error, root, path) from error


def _said(unknown: Sequence[PlaybookError], path: Path) -> tuple[str, ...]:
    more = (f"{path}: there may be more unknown keys",) if len(unknown) == MAX_WARNINGS else ()
    return (*map(str, unknown), *more)


def _name_of(path: Path) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", stem(path)).strip("-.")[:100] or "playbook"


def _resolved(model: Model, path: Path, root: Node) -> Model:
    """The model with its paths absolute, so that they mean the same in every process."""
    files = {
        name: _absolute(file, path, f"model.files.{name}", root)
        for name in _FILE_FIELDS
        if (file := getattr(model.files, name)) is not None
    }
    changes: dict[str, object] = {"files": model.files.model_copy(update=files)}
    if model.local_path is not None:
        changes["local_path"] = _absolute(model.local_path, path, "model.local_path", root)
    return model.model_copy(update=changes)


def _absolute(file: Path, path: Path, field: str, root: Node) -> Path:
    try:
        return (path.parent / file.expanduser()).absolute()
    except RuntimeError as error:
        place = locate(root, field.split("."))
        raise PlaybookError(
            "names a user without a home", path=path, line=place.line, column=place.column, field=field, found=str(file)
        ) from error


def _counted(document: Document, scenarios: Sequence[Scenario]) -> Matrix:
    """The matrix; without a count of its own it has as many scenarios as the fullest cell lists."""
    matrix = document.test_matrix
    if "scenario_count" in matrix.model_fields_set or not scenarios:
        return matrix
    every = (cell_words(cell) for cell in list_cells(document.model, matrix))
    fullest = max(sum(admits(words, scenario) for scenario in scenarios) for words in every)
    return matrix.model_copy(update={"scenario_count": max(fullest, 1)})


def _property_tests(document: Document, root: Node) -> tuple[PropertyTest, ...]:
    return tuple(
        PropertyTest(entry.name, entry.generator, entry.oracle, entry.count, line_of(root, f"property_tests[{index}]"))
        for index, entry in enumerate(document.property_tests)
    )


def _tier_warnings(metadata: Mapping[str, Json], path: Path, root: Node) -> tuple[str, ...]:
    """A tier that is no tier, or another than the file's name says."""
    declared = metadata.get("tier")
    if declared is None:
        return ()
    place = locate(root, ("metadata", "tier"))
    where = f"{path}:{place.line}:{place.column}: metadata.tier"
    word = str(declared).lower()
    if word not in TIER_WORDS:
        hint = did_you_mean(word, TIER_WORDS)
        return (f"{where}: {word[:60]!r} names no tier{f'; {hint}' if hint else ''}",)
    named = TIER_WORDS.get(stem(path).rpartition("-")[2].lower())
    if named not in (None, TIER_WORDS[word]):
        return (f"{where}: {word!r} is the {TIER_WORDS[word]} tier, but the file's name says {named}",)
    return ()
