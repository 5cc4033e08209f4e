"""The script of the fake engine: what it answers, and how it misbehaves. Read from YAML or JSON, or written inline.

    load: ok                      # or refuse, crash, hang; what happens when the model is loaded
    arithmetic: true              # answer "a op b" in the prompt correctly, unless a rule matches (default true)
    default: I do not know.       # the answer where nothing else applies
    chat_template: true           # what the engine says of itself
    context_tokens: 4096          # longer prompts are refused; words count as tokens
    token_ms: 0                   # what each token takes when its pace is measured
    answers:                      # the first regular expression found in the turn decides
      capital of France: Paris
      long story: {answer: "Once upon a time ...", delay_ms: 50}
      segfault: {crash: SIGSEGV}  # any signal's name, sent by the process to itself
      spin: {hang: true}          # blocks in native code, with Python's lock held
      quit: {exit: 3}             # ends the process with this code
      big: {allocate_bytes: 500_000_000}  # touched, and held until the whole batch is answered
      broken: {raise: RuntimeError}       # or MemoryError, which is reported as out of memory
      no: {refuse: not today}     # refuses this request and lives on
      noisy: {stderr: "warning: ...", answer: fine}

What can be combined happens in this order: stderr, delay_ms, allocate_bytes, then refuse, raise, exit, crash or hang,
then the answer. Knows nothing of processes.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import signal
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from pytest_aprqa.core import EngineRefused, Json

VARIABLE = "APRQA_FAKE_SCRIPT"
"""Environment variable that names the script's file, or is the script itself where it starts with ``{``."""
FILES = ("fake-engine.json", "fake-engine.yaml", "fake-engine.yml")
"""Names looked for in the weights' folder when the variable is not set; without any the script is all defaults."""

T = TypeVar("T")


class LoadFate(StrEnum):
    """What happens when the fake model is loaded."""

    OK = "ok"
    REFUSE = "refuse"
    CRASH = "crash"
    HANG = "hang"


@dataclass(frozen=True, slots=True)
class Act:
    """What happens when a rule applies."""

    answer: str | None = None
    """None takes the script's default."""
    stderr: str = ""
    delay_ms: int = 0
    allocate_bytes: int = 0
    refuse: str | None = None
    raise_: str | None = None
    exit: int | None = None
    crash: str | None = None
    hang: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """An act, and the expression that calls for it."""

    match: re.Pattern[str]
    act: Act


@dataclass(frozen=True, slots=True)
class Script:
    """Everything the fake engine does."""

    load: LoadFate = LoadFate.OK
    arithmetic: bool = True
    default: str = "I do not know."
    chat_template: bool = True
    context_tokens: int = 4096
    token_ms: int = 0
    answers: tuple[Rule, ...] = ()


def read_script(folder: Path, environment: Mapping[str, str] = os.environ) -> Script:
    """The script that the environment names, else the one in `folder`, else the default one.

    Raises:
        EngineRefused: the script cannot be read.
    """
    named = environment.get(VARIABLE, "").strip()
    if named.startswith("{"):
        return _script(_parse(named, VARIABLE), VARIABLE)
    if named:
        return _read(Path(named))
    for name in FILES:
        if (folder / name).is_file():
            return _read(folder / name)
    return Script()


def _read(path: Path) -> Script:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise EngineRefused(f"{path}: the fake engine's script cannot be read: {exc}") from exc
    return _script(_parse(text, str(path)), str(path))


def _parse(text: str, where: str) -> Json:
    try:
        if text.lstrip().startswith("{"):
            loaded: Json = json.loads(text)
        else:
            import yaml  # only the YAML form needs it, and this engine starts in a fraction of a second

            loaded = yaml.safe_load(text)
    except Exception as exc:  # ValueError of json, and yaml.YAMLError, which cannot be named without importing yaml
        raise EngineRefused(f"{where}: {exc}") from exc
    return loaded


def _script(raw: Json, where: str) -> Script:
    known = _checked(raw, Script, where)
    load = known.get("load", LoadFate.OK)
    if load not in tuple(LoadFate):
        raise EngineRefused(f"{where}: load: expected one of {', '.join(LoadFate)}; found {load!r}")
    default = Script()
    answers = known.get("answers", {})
    if not isinstance(answers, dict):
        raise EngineRefused(f"{where}: answers: expected a mapping from expression to answer; found {answers!r}")
    return Script(
        load=LoadFate(str(load)),
        arithmetic=_typed(known, "arithmetic", default.arithmetic, where),
        default=_typed(known, "default", default.default, where),
        chat_template=_typed(known, "chat_template", default.chat_template, where),
        context_tokens=_typed(known, "context_tokens", default.context_tokens, where),
        token_ms=_typed(known, "token_ms", default.token_ms, where),
        answers=tuple(_rule(str(match), act, f"{where}: answers.{match}") for match, act in answers.items()),
    )


def _rule(match: str, raw: Json, where: str) -> Rule:
    try:
        pattern = re.compile(match)
    except re.error as exc:
        raise EngineRefused(f"{where}: not a regular expression: {exc}") from exc
    if isinstance(raw, str):
        return Rule(pattern, Act(answer=raw))
    return Rule(pattern, _act(_checked(raw, Act, where), where))


def _act(known: Mapping[str, Json], where: str) -> Act:
    act = Act(
        answer=_optional(known, "answer", str, where),
        stderr=_typed(known, "stderr", "", where),
        delay_ms=_typed(known, "delay_ms", 0, where),
        allocate_bytes=_typed(known, "allocate_bytes", 0, where),
        refuse=_optional(known, "refuse", str, where),
        raise_=_optional(known, "raise", str, where),
        exit=_optional(known, "exit", int, where),
        crash=_optional(known, "crash", str, where),
        hang=_typed(known, "hang", False, where),
    )
    if act.crash is not None and act.crash not in signal.Signals.__members__:
        raise EngineRefused(f"{where}: crash: expected a signal such as SIGSEGV; found {act.crash!r}")
    if act.raise_ not in (None, "RuntimeError", "MemoryError"):
        raise EngineRefused(f"{where}: raise: expected RuntimeError or MemoryError; found {act.raise_!r}")
    return act


def _checked(raw: Json, kind: type[Script | Act], where: str) -> dict[str, Json]:
    """The mapping in `raw`, if all its keys are fields of `kind`."""
    if raw is None and kind is Script:
        return {}
    if not isinstance(raw, dict):
        raise EngineRefused(f"{where}: expected a mapping; found {raw!r}")
    names = [field.name.rstrip("_") for field in fields(kind)]
    for key in raw:
        if key not in names:
            close = difflib.get_close_matches(str(key), names, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(names)}"
            raise EngineRefused(f"{where}: unknown key {key!r}; {hint}")
    return raw


def _typed(known: Mapping[str, Json], key: str, default: T, where: str) -> T:
    value = known.get(key, default)
    if type(value) is not type(default):
        raise EngineRefused(f"{where}: {key}: expected {type(default).__name__}; found {value!r}")
    return value


def _optional(known: Mapping[str, Json], key: str, kind: type[T], where: str) -> T | None:
    value = known.get(key)
    if value is None:
        return None
    if type(value) is not kind:
        raise EngineRefused(f"{where}: {key}: expected {kind.__name__}; found {value!r}")
    return value
