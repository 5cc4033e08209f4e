"""The plugin's options: one table, from which the command line, the ini file and the documentation are made.

Every option ``--aprqa-x`` has the ini twin ``aprqa_x``, and the command line wins; an option that widens what untrusted
files may do has no twin, so that it stands in the command that was typed. Standard library and pytest only: this file
is imported by every pytest run of the environment.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

Kind = Literal["text", "path", "flag", "whole", "pairs", "bytes"]


@dataclass(frozen=True, slots=True)
class Option:
    """One row of the table."""

    name: str
    """Words joined by dashes, such as ``model-cache``."""
    kind: Kind
    help: str
    metavar: str = ""
    choices: tuple[str, ...] = ()
    ini: bool = True
    """False when it may only be given on the command line."""

    @property
    def flag(self) -> str:
        """Such as ``--aprqa-model-cache``."""
        return f"--aprqa-{self.name}"

    @property
    def key(self) -> str:
        """Such as ``aprqa_model_cache``: name of the ini value and of the parsed option."""
        return f"aprqa_{self.name.replace('-', '_')}"


OPTIONS: tuple[Option, ...] = (
    Option("model-cache", "path", "folder with models in Hugging Face layout, as DIR/org/name", "DIR"),
    Option("download", "flag", "download weights that are not on this machine from the Hugging Face hub"),
    Option("conversions", "path", "folder for models converted from the ground truth (the user's cache)", "DIR"),
    Option("output", "path", "folder for evidence and reports, one folder for each model (certifications)", "DIR"),
    Option("set", "pairs", "value for ${NAME} in playbooks; may be repeated; wins over the environment", "NAME=VALUE"),
    Option(
        "failure-policy",
        "text",
        "what one failure ends: the model's cases, the session, or nothing (the playbook's, else stop-on-p0)",
        "POLICY",
        ("stop-on-first", "stop-on-p0", "collect-all", "fail-fast"),
    ),
    Option("model-path", "path", "test this folder, .gguf or .apr file instead of the playbook's", "PATH"),
    Option("timeout", "whole", "deadline of each request in milliseconds (the playbook's)", "MS"),
    Option("profile-ci", "flag", "measure speed also where neither playbook nor tier asks for it"),
    Option("hf-parity", "text", "hold every target against this golden corpus as well", "CORPUS"),
    Option("lock", "path", "refuse playbooks that differ from this playbook.lock.yaml", "FILE"),
    Option("engine", "text", "engine for every target (each format's default)", "NAME"),
    Option("no-gpu", "flag", "skip the gpu cells"),
    Option("threads", "whole", "threads of each engine (OMP_NUM_THREADS, else cores divided by busy workers)", "N"),
    Option("batch", "whole", "most requests computed together (16)", "N"),
    Option("dtype", "text", "type that the weights are computed in (float32 on cpu, the model's own on gpu)", "TYPE"),
    Option("memory-limit", "bytes", "most memory of one engine process, such as 8G (no limit)", "SIZE"),
    Option("resume", "path", "take answers from this evidence.jsonl or evidence.json where nothing changed", "FILE"),
    Option("baseline", "path", "compare speeds with those of this evidence.json, and fail on a regression", "FILE"),
    Option(
        "score-policy",
        "text",
        "project: untested categories give no points; upstream: the original tool's formula",
        "POLICY",
        ("project", "upstream"),
    ),
    Option("allow-missing", "flag", "a playbook that could judge nothing (weights or engine missing) is no failure"),
    Option("strict", "flag", "unknown keys in playbooks are errors"),
    Option(
        "report",
        "text",
        "reports beside the evidence: html, junit, markdown, certificate, statement, mqs, all or none (html)",
        "WORDS",
    ),
    Option("junit", "flag", "also write pytest's JUnit report beside the evidence"),
    Option("allow-commands", "flag", "start servers by the command lines that playbooks bring", ini=False),
    Option("trust-remote-code", "flag", "let transformers run code that comes with the model", ini=False),
)


def add_options(parser: pytest.Parser) -> None:
    """Adds the table to pytest's command line and ini file."""
    group = parser.getgroup("aprqa", "pytest-aprqa: playbooks as test suites for language models")
    for option in OPTIONS:
        extra: dict[str, Any] = {"dest": option.key, "default": None, "help": option.help}
        if option.kind == "flag":
            extra["action"] = "store_true"
        else:
            extra["metavar"] = option.metavar
            extra["action"] = "append" if option.kind == "pairs" else "store"
            if option.choices:
                extra["choices"] = option.choices
        group.addoption(option.flag, **extra)
        if option.ini:
            parser.addini(option.key, f"{option.help}; see {option.flag}", type=_INI_TYPES[option.kind], default=None)


_INI_TYPES: Mapping[Kind, Literal["string", "bool", "linelist"]] = {
    "text": "string",
    "path": "string",
    "flag": "bool",
    "whole": "string",
    "pairs": "linelist",
    "bytes": "string",
}


@dataclass(frozen=True, slots=True)
class Options:
    """The options' values; None means not given."""

    model_cache: Path | None
    download: bool
    conversions: Path | None
    output: Path | None
    set: Mapping[str, str]
    failure_policy: str | None
    model_path: Path | None
    timeout: int | None
    """Milliseconds."""
    profile_ci: bool
    hf_parity: str | None
    lock: Path | None
    engine: str | None
    no_gpu: bool
    threads: int | None
    batch: int | None
    dtype: str | None
    memory_limit: int | None
    """Bytes."""
    resume: Path | None
    baseline: Path | None
    score_policy: str | None
    allow_missing: bool
    strict: bool
    report: str | None
    junit: bool
    allow_commands: bool
    trust_remote_code: bool

    def bearing_on_results(self) -> dict[str, Any]:
        """Those that were given and bear on what is tested and how it is judged, for the evidence."""
        names = (
            "engine", "no_gpu", "batch", "dtype", "memory_limit", "score_policy", "strict", "allow_commands",
            "trust_remote_code", "timeout", "profile_ci", "hf_parity",
        )  # fmt: skip
        paths = {name: str(value) for name in ("model_path", "lock") if (value := getattr(self, name))}
        return {name: value for name in names if (value := getattr(self, name))} | paths


def read_options(config: pytest.Config) -> Options:
    """The values from the command line, else from the ini file.

    Raises:
        pytest.UsageError: a value cannot be understood.
    """
    values = {option.key.removeprefix("aprqa_"): _read(option, config) for option in OPTIONS}
    return Options(**values)


def _read(option: Option, config: pytest.Config) -> Any:  # noqa: ANN401 - each kind has its own type; Options names them
    given, source, base = config.getoption(option.key), option.flag, config.invocation_params.dir
    if given is None and option.ini:
        given, source, base = config.getini(option.key), f"ini value {option.key}", config.rootpath
    if option.kind == "flag":
        return bool(given)
    if option.kind == "pairs":
        return _pairs(given or [], source)
    if given is None or given == "":
        return None
    if option.choices and given not in option.choices:
        raise pytest.UsageError(f"{source}: expected one of {', '.join(option.choices)}; found {given!r}")
    if option.kind == "path":
        return base / Path(given).expanduser()
    return _CONVERTERS[option.kind](given, source)


def _pairs(given: list[str], source: str) -> dict[str, str]:
    pairs = dict(os.environ)
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier():
            raise pytest.UsageError(f"{source}: expected NAME=VALUE; found {text!r}")
        pairs[name] = value
    return pairs


def _text(given: str, source: str) -> str:  # noqa: ARG001 - same shape as its neighbours
    return given


def _whole(given: str, source: str) -> int:
    if not given.isascii() or not given.isdigit() or int(given) < 1:
        raise pytest.UsageError(f"{source}: expected a whole number from 1; found {given!r}")
    return int(given)


def _bytes(given: str, source: str) -> int:
    number, unit = given[:-1], given[-1:].upper()
    factor = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}.get(unit)
    if factor is None or not number.replace(".", "", 1).isdigit():
        raise pytest.UsageError(f"{source}: expected a size such as 8G or 512M; found {given!r}")
    return int(float(number) * factor)


_CONVERTERS: Mapping[str, Callable[[str, str], str | int]] = {"text": _text, "whole": _whole, "bytes": _bytes}
