"""Finding a given word or phrase in a text, as a whole word where the script has words.

"Inf" is not in "information" and "cat" not in "concatenate", but 东京 is in
首都是东京, where nothing stands between words.
"""

from __future__ import annotations

import unicodedata
from typing import Final

_WORD: Final = {"Lu", "Ll", "Lt", "Lm", "Nd"}


def holds_term(text: str, term: str, *, ignore_case: bool = True, whole_words: bool = True) -> bool:
    """True when the term stands in the text.

    >>> holds_term("information", "Inf"), holds_term("It is Inf.", "inf"), holds_term("首都是东京", "东京")
    (False, True, True)
    """
    if ignore_case:
        text, term = text.casefold(), term.casefold()
    place = text.find(term)
    while place >= 0:
        end = place + len(term)
        before, after = text[place - 1 : place] if place else "", text[end : end + 1]
        if not whole_words or not (_joined(before, term[0]) or _joined(term[-1], after)):
            return True
        place = text.find(term, place + 1)
    return False


def _joined(left: str, right: str) -> bool:
    return bool(left and right) and _is_word(left) and _is_word(right)


def _is_word(character: str) -> bool:
    return character == "_" or unicodedata.category(character) in _WORD
