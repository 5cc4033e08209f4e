"""The JSON Schema of playbooks, generated from the model classes and the table of dialects."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any, Final

from pytest_aprqa.core import Json
from pytest_aprqa.playbook.dialects import MOVES
from pytest_aprqa.playbook.document import Document

SCHEMA_FILE: Final = Path(__file__).with_name("playbook.schema.json")
"""Where the schema is shipped."""
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Json]:
    """JSON Schema 2020-12 of a playbook, in all dialects that `read_playbook` takes."""
    schema = Document.model_json_schema(mode="validation")
    definitions = schema["$defs"]
    for move in MOVES:
        _add_alias(schema, definitions, move.source, move.target)
    _either_repository(definitions["Model"])
    properties = schema["properties"]
    settings = properties.pop("property_settings")["anyOf"][0]
    tests = properties["property_tests"]
    properties["property_tests"] = {"anyOf": [tests, settings]}
    return {"$schema": _DIALECT, **schema, "title": "Playbook"}


def _add_alias(
    schema: dict[str, Any], definitions: dict[str, Any], source: tuple[str, str], target: tuple[str, ...]
) -> None:
    section, key = source
    described = deepcopy(_block(schema, definitions, target[:-1])["properties"][target[-1]])
    described["description"] = f"Another dialect's word for {'.'.join(target)}."
    _block(schema, definitions, (section,))["properties"][key] = described


def _block(schema: dict[str, Any], definitions: dict[str, Any], steps: tuple[str, ...]) -> dict[str, Any]:
    """The definition of the block at a path."""
    block = schema
    for step in steps:
        found = block["properties"][step]
        reference = found.get("$ref") or next(
            one["$ref"] for one in found.get("anyOf", found.get("allOf", ())) if "$ref" in one
        )
        block = definitions[reference.rpartition("/")[2]]
    return block


def _either_repository(model: dict[str, Any]) -> None:
    model["required"] = [name for name in model["required"] if name != "hf_repo"]
    model["anyOf"] = [{"required": ["hf_repo"]}, {"required": ["id"]}]
