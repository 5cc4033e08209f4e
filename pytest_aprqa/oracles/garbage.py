"""Garbage: is an answer no language at all? Checked first on every answer of every other oracle.

It refutes only what cannot be an answer to anything. "4" and "Paris" pass, so does any script that people write,
code, JSON and lists; whether an answer is *right* it does not know.

A number list of few different characters passes when its words differ; a long text of fewer than `min_unique_chars`
different characters that says the same few words does not (a playbook whose answers are matrices of 0 and 1 lowers
the key).
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pytest_aprqa.core import Completion, Finish, Verdict, corroborated, falsified
from pytest_aprqa.oracles.kind import Config
from pytest_aprqa.oracles.leaks import find_error_message, find_special_token, find_undecoded, without_stop_token
from pytest_aprqa.oracles.question import Question
from pytest_aprqa.oracles.repetition import find_repetition, without_rules
from pytest_aprqa.oracles.settings import read_number
from pytest_aprqa.oracles.text import counted, excerpt, window, without_ansi, without_echo, words_of
from pytest_aprqa.oracles.writing import find_mixture

KEYS: Final = frozenset({"max_repetition_ratio", "min_unique_chars"})
MIN_STATISTICS: Final = 32
"""Characters from which counts of characters mean something."""
MIN_ENTROPY: Final = 1.0
"""Bits per character."""
MIN_SYMBOLS: Final = 6
"""Characters from which a text without any letter or digit is symbol soup."""
MIN_MEANT_SHARE: Final = 0.15
"""Smallest share of letters, digits and emoji in a text of at least 32 characters; code and tables stay well above."""
_CUT_CHARACTER: Final = re.compile("(?<=[^\ufffd])\ufffd{1,3}\\Z")
_NOT_A_NUMBER: Final = re.compile(r"[-+]?\b(?:nan|inf)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a playbook may set."""

    max_repetition_ratio: float = 0.3
    """Largest share of one word, 0.0-1.0, in texts of at least 12 words."""
    min_unique_chars: int = 10
    """Fewest different characters, in texts of at least 32."""


@dataclass(frozen=True, slots=True)
class _Sample:
    """What the finders look at."""

    text: str
    prompt: str
    limits: Limits


def read_limits(config: Config) -> Limits:
    """The limits that a configuration sets; ValueError for those that make no sense."""
    return Limits(
        max_repetition_ratio=read_number(config, "max_repetition_ratio", 0.3, high=1.0),
        min_unique_chars=int(read_number(config, "min_unique_chars", 10, high=1000)),
    )


def judge_garbage(question: Question, completion: Completion, config: Config) -> Verdict:
    """Falsified at the first answer that is garbage, naming its turn."""
    limits = read_limits(config)
    for turn, answer in enumerate(completion.answers, start=1):
        found = find_garbage(answer.text, limits, prompt="\n".join(question.turns), finish=answer.finish)
        if found:
            reason = (
                f"{found} (turn {turn})" if found.startswith("empty answer") else f"garbage in turn {turn}: {found}"
            )
            return falsified(reason, turn=turn, answer=excerpt(answer.text))
    characters = sum(len(answer.text) for answer in completion.answers)
    words = sum(len(words_of(window(answer.text))) for answer in completion.answers)
    seen = (
        f"{counted(characters, 'character')}, {counted(words, 'word')} in {counted(len(completion.answers), 'answer')}"
    )
    return corroborated(f"not garbage: {seen}", compared=len(completion.answers))


def find_garbage(
    text: str, limits: Limits | None = None, *, prompt: str = "", finish: Finish = Finish.STOP
) -> str | None:
    r"""Says what makes a text garbage, or None.

    Args:
        text: one answer; of a long one the first and last 10,000 characters are looked at.
        limits: None for the defaults.
        prompt: what was said to the model; special tokens that stand in it may be quoted, and an echo of it is
            passed over.
        finish: a text cut at the token limit may end inside a character.

    >>> find_garbage("Paris"), find_garbage("\x7f" * 32)
    (None, 'control character U+007F 32 times')
    """
    shown = without_stop_token(without_ansi(window(text)))
    if finish is Finish.LENGTH:
        shown = _CUT_CHARACTER.sub("", shown)
    if not shown.strip():
        return f"empty answer of {counted(len(text), 'character')}"
    said = without_echo(shown, prompt)
    sample = _Sample(said if said.strip() else shown, prompt, limits or Limits())
    return next((found for find in _FINDERS if (found := find(sample))), None)


def _control(sample: _Sample) -> str | None:
    return _characters(sample, "control character", lambda c: c not in "\n\t\r" and unicodedata.category(c) == "Cc")


def _replacement(sample: _Sample) -> str | None:
    return _characters(
        sample, "undecodable or private character", lambda c: c == "\ufffd" or unicodedata.category(c) in ("Co", "Cs")
    )


def _characters(sample: _Sample, what: str, is_bad: Callable[[str], bool]) -> str | None:
    counts = Counter(sample.text)
    bad = [(counts[character], character) for character in counts if is_bad(character)]
    if not bad or all(character in sample.prompt for _, character in bad):
        return None
    times, character = max(bad)
    return f"{what} U+{ord(character):04X} {counted(times, 'time')}"


def _not_a_number(sample: _Sample) -> str | None:
    hits, words = len(_NOT_A_NUMBER.findall(sample.text)), len(words_of(sample.text))
    return f"{hits} of {words} words are NaN or Inf" if 2 * hits > words else None


def _special_token(sample: _Sample) -> str | None:
    return find_special_token(sample.text, sample.prompt)


def _undecoded(sample: _Sample) -> str | None:
    return find_undecoded(sample.text)


def _error_message(sample: _Sample) -> str | None:
    return find_error_message(sample.text)


def _symbols(sample: _Sample) -> str | None:
    text = "".join(without_rules(sample.text).split())
    # So is the category of emoji, which are an answer; marks belong to the letters of many scripts.
    meant = sum(c.isalnum() or unicodedata.category(c) in ("So", "Mn", "Mc") for c in text)
    if meant == 0 and len(text) >= MIN_SYMBOLS:
        return f"{counted(len(text), 'symbol')} without a letter or a digit"
    if len(text) >= MIN_STATISTICS and meant < MIN_MEANT_SHARE * len(text):
        return f"{len(text) - meant} symbols among {len(text)} characters"
    return None


def _repetition(sample: _Sample) -> str | None:
    return find_repetition(sample.text, sample.limits.max_repetition_ratio)


def _few_characters(sample: _Sample) -> str | None:
    different, words = len(set(sample.text)), words_of(sample.text)
    varied = len(words) >= 5 and len(set(words)) >= 0.8 * len(words)  # "2, 4, 6, 8, 10, 12 ..." uses eight characters
    if len(sample.text) < MIN_STATISTICS or different >= sample.limits.min_unique_chars or varied:
        return None
    return f"{different} different characters in {len(sample.text)}, fewer than {sample.limits.min_unique_chars}"


def _entropy(sample: _Sample) -> str | None:
    size = len(sample.text)
    bits = -sum(count / size * math.log2(count / size) for count in Counter(sample.text).values())
    return f"{bits:.2f} bits of entropy a character" if size >= MIN_STATISTICS and bits < MIN_ENTROPY else None


def _mixture(sample: _Sample) -> str | None:
    return find_mixture(sample.text)


_FINDERS: Final = (
    _control,
    _replacement,
    _special_token,
    _undecoded,
    _error_message,
    _not_a_number,
    _symbols,
    _repetition,
    _few_characters,
    _entropy,
    _mixture,
)
