"""Code: openings to be continued and functions to be written, in the languages asked for."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final

from pytest_aprqa.core import OracleSpec, Scenario, slug
from pytest_aprqa.scenarios.domain import Domain, pick
from pytest_aprqa.scenarios.snippets import INSTRUCTIONS, LANGUAGE_ALIASES, LANGUAGE_NAMES, SNIPPETS, Snippet

CODE_TOKENS: Final = 64
"""Limit for a drawn code answer: a small function fits, and what is cut off can still be judged."""


def code(languages: Sequence[str] = ("python",)) -> Domain:
    """Every snippet of some languages, as an opening and as instructions.

    >>> code(["js"]).at(0).language
    'javascript'
    """
    wanted = tuple(dict.fromkeys(_language(word) for word in languages))
    snippets = [snippet for snippet in SNIPPETS if snippet.language in wanted]

    def at(position: int) -> Scenario:
        index, wording = pick(position, len(snippets), len(INSTRUCTIONS) + 1)
        return _scenario(snippets[index], wording)

    return Domain(f"code({'|'.join(wanted)})", len(snippets) * (len(INSTRUCTIONS) + 1), at)


def _language(word: str) -> str:
    language = LANGUAGE_ALIASES.get(word.lower(), word.lower())
    if language not in LANGUAGE_NAMES:
        close = get_close_matches(language, [*LANGUAGE_NAMES, *LANGUAGE_ALIASES], 1)
        hint = f"did you mean {close[0]!r}?" if close else f"expected one of {', '.join(LANGUAGE_NAMES)}"
        raise ValueError(f"unknown language {word!r}; {hint}")
    return language


def _scenario(snippet: Snippet, wording: int) -> Scenario:
    if wording == len(INSTRUCTIONS):
        prompt = snippet.opening
        name = f"opening-{slug(prompt)}"
    else:
        prompt = INSTRUCTIONS[wording].format(language=LANGUAGE_NAMES[snippet.language], task=snippet.task)
        name = f"{slug(prompt.split()[0].lower())}-{slug(snippet.task)}"
    return Scenario(
        name=f"code-{snippet.language}-{name}",
        turns=(prompt,),
        category="code",
        oracles=(OracleSpec("code_syntax", {"languages": [snippet.language]}),),
        language=snippet.language,
        max_tokens=CODE_TOKENS,
    )
