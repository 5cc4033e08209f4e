"""Contains: does the last answer hold given words?

``any``: at least one; ``all``: each; ``none``: not one. Without any of them the scenario's expected text is looked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pytest_aprqa.core import Completion, Verdict, corroborated, falsified, inconclusive
from pytest_aprqa.oracles.kind import Config
from pytest_aprqa.oracles.question import Question
from pytest_aprqa.oracles.settings import read_flag, read_texts
from pytest_aprqa.oracles.terms import holds_term
from pytest_aprqa.oracles.text import counted, excerpt

KEYS: Final = frozenset({"any", "all", "none", "ignore_case", "whole_words"})
MAX_TEXT: Final = 200_000
"""Characters of an answer that are searched."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a playbook may set."""

    any_of: tuple[str, ...]
    all_of: tuple[str, ...]
    none_of: tuple[str, ...]
    ignore_case: bool
    whole_words: bool


def read_terms(config: Config) -> Terms:
    """The terms that a configuration lists; ValueError for those that make no sense."""
    return Terms(
        any_of=read_texts(config, "any"),
        all_of=read_texts(config, "all"),
        none_of=read_texts(config, "none"),
        ignore_case=read_flag(config, "ignore_case", default=True),
        whole_words=read_flag(config, "whole_words", default=True),
    )


def judge_contains(question: Question, completion: Completion, config: Config) -> Verdict:
    """Corroborated when the answer holds what it must and nothing that it must not."""
    terms = read_terms(config)
    text = completion.text[:MAX_TEXT]
    required = terms.all_of
    if not (terms.any_of or terms.all_of or terms.none_of):
        required = (question.expected,) if isinstance(question.expected, str) and question.expected else ()
    looked_for = len(terms.any_of) + len(required) + len(terms.none_of)
    if not looked_for:
        return inconclusive("nothing to look for: neither any, all, none nor an expected text is given")

    def held(term: str) -> bool:
        return holds_term(text, term, ignore_case=terms.ignore_case, whole_words=terms.whole_words)

    missing = [term for term in required if not held(term)]
    unwanted = [term for term in terms.none_of if held(term)]
    problems = [f"{term!r} is missing" for term in missing] + [f"{term!r} is there" for term in unwanted]
    if terms.any_of and not any(held(term) for term in terms.any_of):
        problems.append(f"none of {', '.join(map(repr, terms.any_of))} is there")
    if problems:
        return falsified("; ".join(problems), compared=looked_for, answer=excerpt(text))
    return corroborated(f"{counted(looked_for, 'term')} as wanted", compared=looked_for, answer=excerpt(text))
