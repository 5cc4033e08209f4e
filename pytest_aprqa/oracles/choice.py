"""Which oracles judge a question: the scenario's own, else what fits of the playbook's, else what the prompt itself
suggests.

A playbook's list (arithmetic + garbage + code_syntax + response) is a toolbox: each tool is for the prompts that it
can judge.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from pytest_aprqa.core import OracleSpec
from pytest_aprqa.oracles.arithmetic import asks_arithmetic
from pytest_aprqa.oracles.languages import asks_code
from pytest_aprqa.oracles.numerals import expected_number
from pytest_aprqa.oracles.question import Question
from pytest_aprqa.oracles.response import asks_response

GARBAGE: Final = OracleSpec("garbage")
_CHOSEN_CONTENT_WORDS: Final = 3
"""An undeclared response oracle needs more to go by: an answer to "the capital of France" need not repeat either
word."""


def choose(question: Question) -> tuple[OracleSpec, ...]:
    """The oracle that the question itself suggests; none where nothing but garbage could be judged.

    >>> [spec.type for spec in choose(Question(("What is 2+2?",)))], choose(Question(("Hello!",)))
    (['arithmetic'], ())
    """
    expected = question.expected
    if question.category == "edge":
        return (OracleSpec("survives"),)
    if isinstance(expected, (dict, list)):
        return (OracleSpec("json"),)
    if isinstance(expected, str) and expected and expected_number(expected) is None:
        return (OracleSpec("contains", {"all": [expected]}),)
    if _fits_arithmetic(question):
        return (OracleSpec("arithmetic"),)
    if asks_code(question):
        return (OracleSpec("code_syntax"),)
    return (OracleSpec("response"),) if _fits_prose(question, _CHOSEN_CONTENT_WORDS) else ()


def applicable(specs: Sequence[OracleSpec], question: Question) -> tuple[OracleSpec, ...]:
    """Those of a playbook's oracles that can judge this question, in order; garbage always."""
    return tuple(spec for spec in specs if _FITS.get(spec.type, _fits_any)(question))


def oracles_for(
    scenario_specs: Sequence[OracleSpec], toolbox: Sequence[OracleSpec], question: Question
) -> tuple[OracleSpec, ...]:
    """The oracles of one question.

    Args:
        scenario_specs: what the scenario declares; where it declares any, only they and the playbook's garbage judge.
        toolbox: what the playbook declares.
        question: what is asked.
    """
    limits = tuple(spec for spec in toolbox if spec.type == "garbage")
    if scenario_specs:
        own = tuple(scenario_specs)
        return own if any(spec.type in ("garbage", "survives") for spec in own) else (*own, *limits)
    if question.category == "edge":
        return choose(question)
    fitting = applicable(toolbox, question)
    if all(spec.type == "garbage" for spec in fitting):
        fitting += choose(question)
    # Who declares response asks at least for language, also of prompts whose relevance cannot be told.
    if not limits and any(spec.type == "response" for spec in toolbox):
        fitting += (GARBAGE,)
    return fitting


def _fits_arithmetic(question: Question) -> bool:
    if expected_number(question.expected) is not None:
        return True
    return asks_arithmetic(question) and not asks_code(question)


def _fits_prose(question: Question, least: int = 2) -> bool:
    return asks_response(question, least) and not asks_code(question) and not _fits_arithmetic(question)


def _fits_any(question: Question) -> bool:  # noqa: ARG001  # one signature for all
    return True


_FITS: Final[dict[str, Callable[[Question], bool]]] = {
    "arithmetic": _fits_arithmetic,
    "code_syntax": asks_code,
    "response": _fits_prose,
}
"""When an oracle of a toolbox is used; those not listed are used always."""
