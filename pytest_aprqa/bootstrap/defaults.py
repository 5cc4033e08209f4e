"""What `transformers` assumes for keys that a config.json lacks; asked where it is installed, and named as the source.

The source of its configuration class is read, not run: importing the library takes seconds, and torch with it.
"""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, NamedTuple

from pytest_aprqa.core import Json

_KEYS: Final = frozenset({
    "hidden_act",
    "hidden_activation",
    "activation_function",
    "attention_bias",
    "mlp_bias",
    "use_bias",
    "bias",
    "tie_word_embeddings",
    "num_experts_per_tok",
    "use_sliding_window",
    "use_qk_norm",
    "qk_layernorm",
    "use_parallel_residual",
    "parallel_attn",
})  # fmt: skip
"""Keys by which a model is described, not measured: no size of one model is a default for another."""


class Defaults(NamedTuple):
    """Some keys with what they mean when they are absent."""

    values: dict[str, Json]
    source: str
    """Such as ``default of Qwen2Config, transformers 5.23.0``."""


NONE: Final = Defaults({}, "")


def defaults_of(model_type: str) -> Defaults:
    """The defaults of a model type; none where `transformers` is absent or does not know it."""
    for path in _files(model_type):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and (values := _constants(node)).get("model_type") == model_type:
                kept = {key: value for key, value in values.items() if key in _KEYS}
                return Defaults(kept, f"default of {node.name}, transformers {_version()}")
    return NONE


def _files(model_type: str) -> Iterator[Path]:
    """Where the class may be; the language part of a multimodal model is beside the whole."""
    found = importlib.util.find_spec("transformers")
    if found is None or found.origin is None:
        return
    plain = model_type.replace("-", "_")
    for name in dict.fromkeys((plain, plain.removesuffix("_text"))):
        path = Path(found.origin).parent / "models" / name / f"configuration_{name}.py"
        if name.isidentifier() and path.is_file():
            yield path


def _constants(node: ast.ClassDef) -> dict[str, Json]:
    """Names with a plain value: fields of the class, and arguments of its constructor."""
    values: dict[str, Json] = {}
    for statement in node.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            _note(values, statement.targets[0].id, statement.value)
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            _note(values, statement.target.id, statement.value)
        elif isinstance(statement, ast.FunctionDef) and statement.name == "__init__":
            arguments = statement.args.args
            given = statement.args.defaults
            for argument, value in zip(arguments[len(arguments) - len(given) :], given, strict=True):
                _note(values, argument.arg, value)
    return values


def _note(values: dict[str, Json], name: str, value: ast.expr | None) -> None:
    if isinstance(value, ast.Constant) and isinstance(value.value, bool | int | float | str):
        values[name] = value.value


def _version() -> str:
    try:
        return version("transformers")
    except PackageNotFoundError:
        return "of unknown version"
