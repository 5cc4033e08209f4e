"""Golden: is the last answer the recorded one?

``text`` must be the whole answer (white space at its ends and its amount within do not matter), ``prefix`` its
beginning in any case of letters; ``must_contain`` and ``must_not_contain`` list whole words, in any case. Without
them the scenario's expected text is the golden one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pytest_aprqa.core import Completion, Verdict, corroborated, falsified, inconclusive
from pytest_aprqa.oracles.kind import Config
from pytest_aprqa.oracles.question import Question
from pytest_aprqa.oracles.settings import read_text, read_texts
from pytest_aprqa.oracles.terms import holds_term
from pytest_aprqa.oracles.text import excerpt

KEYS: Final = frozenset({"text", "prefix", "expected_prefix", "must_contain", "must_not_contain"})
MAX_TEXT: Final = 200_000
"""Characters of an answer that are compared."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was recorded."""

    text: str | None
    prefix: str | None
    must_contain: tuple[str, ...]
    must_not_contain: tuple[str, ...]


def read_recorded(config: Config) -> Recorded:
    """What a configuration records; ``expected_prefix`` is the older word for ``prefix``."""
    return Recorded(
        text=read_text(config, "text"),
        prefix=read_text(config, "prefix") or read_text(config, "expected_prefix"),
        must_contain=read_texts(config, "must_contain"),
        must_not_contain=read_texts(config, "must_not_contain"),
    )


def judge_golden(question: Question, completion: Completion, config: Config) -> Verdict:
    """Corroborated when all that was recorded is met."""
    recorded = read_recorded(config)
    golden = recorded.text
    if not config and isinstance(question.expected, str):
        golden = question.expected
    answer = _plain(completion.text[:MAX_TEXT])
    checks: list[str | None] = []
    if golden is not None:
        checks.append(_difference(_plain(golden[:MAX_TEXT]), answer))
    if recorded.prefix is not None:
        prefix = _plain(recorded.prefix)
        starts = answer.casefold().startswith(prefix.casefold())
        checks.append(None if starts else f"does not begin with {excerpt(prefix, 60)!r}")
    checks += [None if holds_term(answer, term) else f"{term!r} is missing" for term in recorded.must_contain]
    checks += [f"{term!r} is there" if holds_term(answer, term) else None for term in recorded.must_not_contain]
    if not checks:
        return inconclusive("nothing was recorded to compare the answer with")
    problems = [check for check in checks if check]
    if problems:
        return falsified(f"not the golden answer: {'; '.join(problems)}", compared=len(checks), answer=excerpt(answer))
    return corroborated("the golden answer", compared=len(checks), answer=excerpt(answer))


def _plain(text: str) -> str:
    return " ".join(text.split())


def _difference(golden: str, answer: str) -> str | None:
    if golden == answer:
        return None
    pairs = zip(golden, answer, strict=False)
    place = next((index for index, (one, two) in enumerate(pairs) if one != two), min(len(golden), len(answer)))
    return (
        f"differs from character {place}: expected {golden[place : place + 24]!r}, found {answer[place : place + 24]!r}"
    )
