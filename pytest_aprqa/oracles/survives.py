"""Survives: did the model come through a hostile prompt?

For edge probes, where any answer is right, even an empty one: each turn must have been answered with at least one
generated token, and the text must be text. Garbage is not looked for.
"""

from __future__ import annotations

import re
from typing import Final

from pytest_aprqa.core import Completion, Finish, Verdict, corroborated, falsified
from pytest_aprqa.oracles.kind import Config
from pytest_aprqa.oracles.question import Question
from pytest_aprqa.oracles.text import counted, excerpt

KEYS: Final[frozenset[str]] = frozenset()
_BROKEN: Final = re.compile("[\ufffd\ud800-\udfff]")
_CUT_CHARACTER: Final = re.compile("\ufffd{1,3}\\Z")


def read_nothing(config: Config) -> None:
    """An oracle without parameters."""


def judge_survives(question: Question, completion: Completion, config: Config) -> Verdict:  # noqa: ARG001  # one signature for all
    """Corroborated when every turn has an answer of at least one token whose text is well-formed."""
    answers, turns = completion.answers, len(question.turns)
    if len(answers) < turns:
        return falsified(f"{len(answers)} of {counted(turns, 'turn')} answered", compared=turns)
    quoted = "\ufffd" in "".join(question.turns)
    for turn, answer in enumerate(answers, start=1):
        if not answer.token_ids:
            return falsified(f"not one token was generated in turn {turn}", compared=turns)
        # A character of several tokens may be cut by the token limit.
        text = _CUT_CHARACTER.sub("", answer.text) if answer.finish is Finish.LENGTH else answer.text
        broken = _BROKEN.search(text)
        if broken and not (quoted and broken[0] == "\ufffd"):
            return falsified(
                f"broken character U+{ord(broken[0]):04X} in turn {turn}", compared=turns, answer=excerpt(text)
            )
    tokens = sum(len(answer.token_ids) for answer in answers)
    return corroborated(f"{counted(turns, 'turn')} answered with {counted(tokens, 'token')}", compared=turns)
