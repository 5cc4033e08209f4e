"""Writes docs/reference/: gates, playbook, evidence, commands and options, from the code that decides them.

    python -m tests.docs.reference

A test holds the pages to what this writes; nobody edits them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

from pytest_aprqa import evidence, playbook
from pytest_aprqa.cli import apr_qa
from pytest_aprqa.cli.commands import COMMANDS
from pytest_aprqa.core import GATES, TIERS, Category, Gate, TierPlan
from pytest_aprqa.plugin.options import OPTIONS
from pytest_aprqa.scoring import MAX_POINTS

FOLDER: Final = Path(__file__).resolve().parents[2] / "docs" / "reference"
MADE: Final = "Made by `python -m tests.docs.reference`; nobody edits it."

_CATEGORY_WORDS: Final[Mapping[Category, str]] = {
    Category.QUAL: "answers: loads, responds, says the right thing",
    Category.PERF: "speed and memory",
    Category.STAB: "stability: integrity of files, state, servers",
    Category.COMP: "compatibility: formats, quantizations and backends agree with the ground truth",
    Category.EDGE: "edges: hostile prompts, bad requests",
    Category.REGR: "regression: round trips, golden corpora",
}

Schema = Mapping[str, Any]


def pages() -> dict[str, str]:
    """File name to text."""
    makers: Mapping[str, Callable[[], Iterable[str]]] = {
        "gates.md": _gates,
        "playbook.md": lambda: _schema("Playbook", _PLAYBOOK_HEAD, playbook.json_schema()),
        "evidence.md": lambda: _schema("Evidence", _EVIDENCE_HEAD, _evidence_schema()),
        "commands.md": _commands,
        "options.md": _options,
        "tiers.md": _tiers,
    }
    return {name: "\n".join(make()).rstrip("\n") + "\n" for name, make in makers.items()}


def _gates() -> Iterator[str]:
    yield from ("# Gates", "", f"Every gate, {len(GATES)} of them, by score category. {MADE}", "")
    yield "A gate's title is its hypothesis; it is falsified, not adjusted. `P0` stops the line. The gates of a gateway"
    yield "make the score zero when they fail. Which planted defect each gate was seen to catch:"
    yield "[Planted defects](../defects.md) and [Behind a server](../serving.md)."
    for category in Category:
        members = [gate for gate in GATES.values() if gate.category is category]
        yield from ("", f"## {category}: {_CATEGORY_WORDS[category]}", "")
        yield f"{MAX_POINTS[category]} points, {len(members)} gates."
        yield ""
        yield from table(["gate", "severity", "gateway", "hypothesis"], map(_gate, members))


def _gate(gate: Gate) -> Sequence[str]:
    return f"`{gate.id}`", str(gate.severity), str(gate.gateway or ""), gate.title


def _tiers() -> Iterator[str]:
    yield from ("# Tiers", "", f"What each tier looks at, needs and may award. {MADE}", "")
    header = ["tier", "playbook", "minutes", "formats", "GGUF types", "backends", "modalities", "scenarios in a cell"]
    yield from table(header, map(_matrix, TIERS.values()))
    yield ""
    yield from table(
        ["tier", "categories that need evidence", "passed from", "awards at best"], map(_award, TIERS.values())
    )
    yield ""
    yield "A tier is passed when all gateways passed, every category that it requires has evidence, and the scoped"
    yield "score (points over those categories, scaled to 1000, less penalties) reaches the mark. Minutes are for a"
    yield "machine that suits the model."


def _matrix(plan: TierPlan) -> Sequence[str]:
    low, high = plan.minutes
    words = (plan.formats, plan.quantizations, plan.backends, plan.modalities)
    return (
        f"`{plan.tier}`", f"`…-{plan.suffix}`", f"{low} to {high}", *(", ".join(it) or "–" for it in words),
        str(plan.scenarios),
    )  # fmt: skip


def _award(plan: TierPlan) -> Sequence[str]:
    return f"`{plan.tier}`", ", ".join(plan.required), str(plan.pass_mark), f"{plan.award}"


def _options() -> Iterator[str]:
    yield from ("# Options of pytest", "", f"What the plugin adds to pytest's command line. {MADE}", "")
    yield "Each `--aprqa-x` can stand in the ini file (`pyproject.toml`, `pytest.ini`) as `aprqa_x`, and the command"
    yield "line wins; those marked *command line only* may not, so that they stand in the command that was typed."
    yield ""
    rows = []
    for option in OPTIONS:
        value = f" {option.metavar}" if option.metavar else ""
        words = option.help + (f" ({', '.join(f'`{it}`' for it in option.choices)})" if option.choices else "")
        rows.append((f"`{option.flag}{value}`", words + ("" if option.ini else " — *command line only*")))
    yield from table(["option", "what it does"], rows)


def _commands() -> Iterator[str]:
    yield from ("# Commands", "", f"`apr-qa COMMAND --help` says the same. {MADE}", "")
    yield "Exit codes: 0 done and passed, 1 done and not passed, 2 wrong usage or unreadable input."
    for section in dict.fromkeys(row.section for row in COMMANDS.values()):
        yield from ("", f"## {section}")
        for name, row in COMMANDS.items():
            if row.section == section:
                yield from _command(name)


def _command(name: str) -> Iterator[str]:
    context = click.Context(apr_qa, info_name="apr-qa")
    command = apr_qa.get_command(context, name)
    assert command is not None
    yield from _help(command, click.Context(command, info_name=name, parent=context), "###")
    if isinstance(command, click.Group):
        for sub in command.commands.values():
            parent = click.Context(command, info_name=name, parent=context)
            yield from _help(sub, click.Context(sub, info_name=sub.name, parent=parent), "####")


def _help(command: click.Command, context: click.Context, level: str) -> Iterator[str]:
    pieces = " ".join(command.collect_usage_pieces(context))
    yield from ("", f"{level} {context.command_path}", "", f"`{context.command_path} {pieces}`", "")
    yield re.sub(r"\n(?!\n)[ ]*", " ", _escaped((command.help or "").strip()).replace("\n\n", "\0")).replace(
        "\0", "\n\n"
    )
    rows = []
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            record = parameter.get_help_record(context)
            assert record is not None, parameter
            rows.append((f"`{record[0]}`", _escaped(record[1])))
    yield ""
    yield from table(["option", "what it does"], rows)


_PLAYBOOK_HEAD: Final = (
    "Every key of a `*.playbook.yaml`. Editors that know YAML schemas complete and check them: put",
    "`# yaml-language-server: $schema=…/playbook.schema.json` into the first line (`apr-qa bootstrap` does).",
    "Unknown keys are warned of with a suggestion, and are errors under `--aprqa-strict`.",
)
_EVIDENCE_HEAD: Final = (
    "Every field of `evidence.json`. The same schema is shipped as `pytest_aprqa/evidence/evidence.schema.json`.",
    "`evidence.jsonl`, the journal, holds a header and one record a line.",
)


def _evidence_schema() -> Schema:
    text = (Path(evidence.__file__).parent / "evidence.schema.json").read_text(encoding="utf-8")
    schema: Schema = json.loads(text)
    return schema


def _schema(title: str, head: Sequence[str], schema: Schema) -> Iterator[str]:
    yield from (f"# {title} reference", "", *head, MADE, "")
    yield from ("## Top level", "")
    yield from _fields(schema)
    for name, block in schema["$defs"].items():
        if "properties" in block:
            yield from ("", f"## {name}", "")
            if words := block.get("description"):
                yield from (_line(words), "")
            yield from _fields(block)
        elif "enum" in block:
            yield from ("", f"## {name}", "")
            if words := block.get("description"):
                yield from (_line(words), "")
            yield ", ".join(f"`{word}`" for word in block["enum"])


def _fields(block: Schema) -> Iterator[str]:
    required = set(block.get("required", ()))
    rows = []
    for name, field in block["properties"].items():
        default = "**required**" if name in required else _default(field)
        rows.append((f"`{name}`", type_of(field), default, _line(field.get("description", ""))))
    yield from table(["field", "type", "default", "meaning"], rows)


def _default(field: Schema) -> str:
    default = field.get("default")
    return "" if default in (None, "", [], {}) or isinstance(default, dict) else f"`{json.dumps(default)}`"


def type_of(field: Schema) -> str:
    """A field's type in words, with its bounds and a link to the block that it is."""
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return "any JSON" if name == "JsonValue" else f"[{name}](#{name.lower()})"
    if "anyOf" in field:
        return " or ".join(dict.fromkeys(type_of(it) for it in field["anyOf"] if it.get("type") != "null"))
    if "enum" in field or "const" in field:
        return ", ".join(f"`{json.dumps(it)}`" for it in field.get("enum", [field.get("const")]))
    kind = field.get("type")
    if kind == "array":
        parts = field.get("items") or {}
        return f"list of {type_of(parts)}" if parts else "list"
    if kind == "object":
        values = field.get("additionalProperties")
        return f"mapping to {type_of(values)}" if isinstance(values, dict) and values else "mapping"
    bounds = [f"{sign} {field[key]}" for key, sign in _BOUNDS.items() if key in field]
    word = {"string": "text", "integer": "whole number", "boolean": "true or false"}.get(
        str(kind), str(kind or "any JSON")
    )
    return f"{word} {', '.join(bounds)}".strip()


_BOUNDS: Final = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A Markdown table."""
    yield f"| {' | '.join(header)} |"
    yield f"|{'---|' * len(header)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


def _line(text: str) -> str:
    return _escaped(" ".join(text.split())).replace("``", "`")


def _escaped(text: str) -> str:
    return re.sub(r"<(?=\w)", "&lt;", text)


def main() -> None:
    """Writes the pages."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
