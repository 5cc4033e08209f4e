"""The table of generator names that playbooks use, each with the arguments it takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from pytest_aprqa.scenarios.code import code
from pytest_aprqa.scenarios.dialogues import recall
from pytest_aprqa.scenarios.domain import Domain, Generator, Mix
from pytest_aprqa.scenarios.edges import edges
from pytest_aprqa.scenarios.questions import capitals, json_objects
from pytest_aprqa.scenarios.sums import DEFAULT_SPAN, Span, arithmetic, word_problems

Arguments = Mapping[str, str]
"""Argument name to its text in the playbook."""

_WHOLE_NUMBER_TYPES: Final = ("i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "int")


def _span(name: str, text: str) -> Span:
    if text in _WHOLE_NUMBER_TYPES:
        return DEFAULT_SPAN
    low, dots, high = text.partition("..")
    try:
        return Span(int(low), int(high.removeprefix("="))) if dots else Span(int(low), int(low))
    except ValueError as problem:
        if "range" in str(problem):
            raise ValueError(f"{name}: {problem}") from None
        raise ValueError(f"{name}: expected a range such as 1..20, found {text!r}") from None


def _choose(name: str, text: str, known: Mapping[str, Generator]) -> Generator:
    if text not in known:
        raise ValueError(f"{name}: expected one of {', '.join(known)}, found {text!r}")
    return known[text]


def _arithmetic(arguments: Arguments) -> Generator:
    spans = {name: _span(name, arguments.get(name, "i32")) for name in ("a", "b")}
    operators = "".join(part.strip() for part in arguments.get("op", "+|-|*").split("|"))
    return arithmetic(spans["a"], spans["b"], operators)


def _code(arguments: Arguments) -> Generator:
    return code([language.strip() for language in arguments.get("lang", "python").split("|")])


def _chat(arguments: Arguments) -> Generator:
    turns = arguments.get("turns", "3")
    if not turns.isdecimal():
        raise ValueError(f"turns: expected a whole number, found {turns!r}")
    return recall(int(turns))


def _any(arguments: Arguments) -> Generator:
    if arguments.get("seed", "fixed") != "fixed":
        raise ValueError(f"seed: expected fixed (the playbook's seed decides), found {arguments['seed']!r}")
    return Mix(((arithmetic(), 3), (code(), 2), (capitals(), 1)))


def _instruction(arguments: Arguments) -> Generator:
    tasks: dict[str, Generator] = {"json": json_objects(), "code": code(), "qa": capitals()}
    return _choose("task", arguments.get("task", "json"), tasks)


def _reasoning(arguments: Arguments) -> Generator:
    types: dict[str, Generator] = {"math": word_problems(), "arithmetic": word_problems()}
    return _choose("type", arguments.get("type", "math"), types)


def _questions(_: Arguments) -> Generator:
    return capitals()


def _adversarial(_: Arguments) -> Generator:
    return edges()


GENERATORS: Final[Mapping[str, tuple[Callable[[Arguments], Generator], tuple[str, ...]]]] = {
    "arithmetic": (_arithmetic, ("a", "b", "op")),
    "code_prompt": (_code, ("lang",)),
    "coding_prompt": (_code, ("lang",)),
    "qa_prompt": (_questions, ()),
    "chat_prompt": (_chat, ("turns",)),
    "multi_turn_chat": (_chat, ("turns",)),
    "any_prompt": (_any, ("seed",)),
    "instruction_prompt": (_instruction, ("task",)),
    "reasoning_prompt": (_reasoning, ("type",)),
    "adversarial_prompt": (_adversarial, ()),
}
"""Generator name to what builds it and the arguments it knows."""


def default_mix() -> Mix:
    """What fills a playbook that names no generator: sums, code and recall, 3:1:1."""
    parts: tuple[tuple[Domain, int], ...] = ((arithmetic(), 3), (code(), 1), (recall(), 1))
    return Mix(parts)
