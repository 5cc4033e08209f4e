"""Is a text made of repetition? Looks for repeated units anywhere, for repeated sentences and for a dominating word.

Knows nothing of meaning: legitimate short repetition ("Ha ha ha ha") stays below the lengths asked here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

MAX_UNIT: Final = 32
"""Longest repeated unit looked for, in characters."""
MIN_RUN: Final = 20
"""Shortest run that can condemn a text; the shortest known garbage, "the" six times, has 23 characters."""
MIN_COPIES: Final = 3
MIN_PATCHES: Final = 40
"""Shortest total of several runs that can condemn a text."""
MIN_WORDS: Final = 12
"""A dominating word means nothing in fewer words: "the" is a quarter of "The answer is the number"."""
MIN_EQUAL_WORDS: Final = 6
MIN_SENTENCE_COPIES: Final = 4
_COPIES: Final = tuple(
    re.compile(f"(.{{{period}}})\\1{{{max(MIN_COPIES, -(-9 // period)) - 1},}}", re.DOTALL)
    for period in range(1, MAX_UNIT + 1)
)
"""For each unit length, that unit at least three times in a row and nine characters long or more."""
_RULE_LINE: Final = re.compile(r"^[ \t]*[-=_*#~+|: ]{4,120}$", re.MULTILINE)


class Run(NamedTuple):
    """A stretch of text that one unit fills."""

    start: int
    length: int
    unit: str


def find_repetition(text: str, max_ratio: float) -> str | None:
    """Says how a text repeats itself, or None where it does not.

    Args:
        text: at most a window of an answer.
        max_ratio: largest share that one word may have, 0.0-1.0.

    >>> find_repetition("A2" * 16, 0.3)
    "'A2' repeated 16 times fills 100 % of the text"
    """
    plain = without_rules(text)
    words = [word for word in re.findall(r"\w+", plain.casefold()) if len(word) > 1 or word.isdigit()]
    return _runs(plain) or _sentences(plain) or _dominating_word(words, max_ratio)


def without_rules(text: str) -> str:
    """Shortens horizontal rules and table borders, unless they are most of the text."""
    shorter = _RULE_LINE.sub("---", text)
    return shorter if len(shorter) >= 0.4 * len(text) else text


def _runs(text: str) -> str | None:
    covered = bytearray(len(text))
    longest = Run(0, 0, "")
    for run in _find_runs(text):
        if run.length > longest.length:
            longest = run
        if any(character.isalnum() for character in run.unit):
            covered[run.start : run.start + run.length] = b"\1" * run.length
    if longest.length >= MIN_RUN and 2 * longest.length >= len(text):
        copies, share = longest.length // len(longest.unit), round(100 * longest.length / len(text))
        return f"{longest.unit!r} repeated {copies} times fills {share} % of the text"
    total = sum(covered)
    if total >= MIN_PATCHES and 2 * total >= len(text):
        return f"repeated pieces fill {round(100 * total / len(text))} % of the text"
    return None


def _find_runs(text: str) -> Iterator[Run]:
    """Stretches of copies for each unit length; a last copy that is cut short belongs."""
    for period, pattern in enumerate(_COPIES[: len(text) // MIN_COPIES], start=1):
        for match in pattern.finditer(text):
            start, end = match.span()
            while end < len(text) and text[end] == text[end - period]:
                end += 1
            yield Run(start, end - start, match[1])


def _sentences(text: str) -> str | None:
    pieces = [" ".join(piece.split()) for piece in re.split(r"[.!?\n]+", text)]
    pieces = [piece for piece in pieces if len(piece) >= MIN_RUN]
    if not pieces:
        return None
    sentence, copies = Counter(pieces).most_common(1)[0]
    if copies >= MIN_SENTENCE_COPIES and 2 * copies * len(sentence) >= len(text):
        return f"the sentence {sentence[:60]!r} comes {copies} times"
    return None


def _dominating_word(words: Sequence[str], max_ratio: float) -> str | None:
    if not words:
        return None
    word, copies = Counter(words).most_common(1)[0]
    if copies == len(words) >= MIN_EQUAL_WORDS:
        return f"nothing but the word {word!r}, {copies} times"
    # Digits are left out: a matrix of zeros and ones is an answer.
    lettered = sum(not word.isdigit() for word in words)
    if lettered >= MIN_WORDS and not word.isdigit() and copies / len(words) > max_ratio:
        return f"the word {word!r} is {copies} of {len(words)} words, above the ratio {max_ratio:g}"
    return None
