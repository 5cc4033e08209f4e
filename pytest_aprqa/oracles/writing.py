"""Does a text mix writing systems as no person does?

Normal: Latin words inside Chinese, Japanese, Korean or Thai text without a space; lists of translations; Greek
letters in formulas. Not normal: Cyrillic glued to Chinese, Hebrew glued to Latin, four systems changing at every
word.
"""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

_EAST_ASIAN: Final = {
    "HIRAGANA",
    "KATAKANA",
    "CJK",
    "KANGXI",
    "BOPOMOFO",
    "IDEOGRAPHIC",
    "HALFWIDTH",
    "KATAKANA-HIRAGANA",
}
# Letters that belong to no writing system in particular, or to formulas.
_NEUTRAL: Final = {
    "GREEK", "MICRO", "OHM", "KELVIN", "ANGSTROM", "MODIFIER", "FEMININE", "MASCULINE", "SUPERSCRIPT", "SUBSCRIPT",
    "DOUBLE-STRUCK", "SCRIPT", "BLACK-LETTER", "MATHEMATICAL", "FULLWIDTH", "ALEF", "PLANCK", "TURNED", "DOUBLE",
    "COMBINING",
}  # fmt: skip
_SEPARATED: Final = {"LATIN", "CYRILLIC", "ARABIC", "HEBREW", "ARMENIAN", "GEORGIAN"}
"""Systems that put a space or a hyphen between their words and foreign ones."""
MIN_ODD: Final = 3
MIN_ODD_SHARE: Final = 0.1
MIN_SYSTEMS: Final = 4
MIN_CHANGES_PER_WORD: Final = 0.5


class Word(NamedTuple):
    """Adjacent letters of one writing system."""

    system: str
    glue: str
    """What stands before it: ``""`` nothing, ``" "`` a space, ``"x"`` anything else."""


def find_mixture(text: str) -> str | None:
    """Says how a text mixes writing systems, or None where it does so as people do.

    >>> find_mixture("使用Python编程。 Привет means hello.") is None
    True
    """
    words = list(_split(text))
    pairs = [(one.system, two) for one, two in itertools.pairwise(words) if one.system != two.system]
    odd = [(one, two.system) for one, two in pairs if two.glue == "" and _never_glued(one, two.system)]
    if len(odd) >= MIN_ODD and len(odd) >= MIN_ODD_SHARE * len(words):
        one, two = odd[0]
        return f"{len(odd)} words change from one script to another inside ({one.title()} to {two.title()})"
    systems = sorted({word.system for word in words})
    changes = sum(two.glue != "x" for _, two in pairs)
    if len(systems) >= MIN_SYSTEMS <= changes and changes >= MIN_CHANGES_PER_WORD * len(words):
        return f"{len(systems)} scripts change {changes} times in {len(words)} words"
    return None


def _never_glued(one: str, two: str) -> bool:
    pair = {one, two}
    if "LATIN" in pair:
        return pair <= _SEPARATED
    return pair != {"CJK", "HANGUL"}


def _split(text: str) -> Iterator[Word]:
    system, glue = "", "x"
    for character in text:
        found = _system(character)
        if found is None:
            continue
        if found == "":
            glue = " " if character == " " and glue == "" else "x"
            system = ""
        elif found != system:
            yield Word(found, glue)
            system, glue = found, ""
        else:
            glue = ""


@lru_cache(maxsize=4096)
def _system(character: str) -> str | None:
    """The writing system of a letter, None for marks and neutral letters, ``""`` for all else."""
    category = unicodedata.category(character)
    if category.startswith("M") or category == "Cf":
        return None
    if not category.startswith("L"):
        return ""
    name = unicodedata.name(character, "").split(" ")[0]
    if name in _EAST_ASIAN:
        return "CJK"
    return None if not name or name in _NEUTRAL else name
