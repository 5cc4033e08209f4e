"""JSON: does the last answer hold a JSON object or array, in a fence or bare, with the required keys?

Strict JSON (RFC 8259): NaN and Infinity are not values. Where the scenario expects an object or an array it must be
equal.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final, NoReturn

from pytest_aprqa.core import Completion, Finish, Json, Verdict, corroborated, falsified, inconclusive
from pytest_aprqa.oracles.blocks import fenced_blocks
from pytest_aprqa.oracles.kind import Config
from pytest_aprqa.oracles.question import Question
from pytest_aprqa.oracles.settings import read_texts
from pytest_aprqa.oracles.text import counted, excerpt

KEYS: Final = frozenset({"keys"})
MAX_TEXT: Final = 100_000
"""Characters of an answer that are parsed."""
_MAX_TRIES: Final = 20


def read_keys(config: Config) -> tuple[str, ...]:
    """The keys that the object must have."""
    return read_texts(config, "keys")


def judge_json(question: Question, completion: Completion, config: Config) -> Verdict:
    """Corroborated when a JSON value is there and has what is asked; inconclusive when the token limit cut it."""
    keys, answer = read_keys(config), completion.answers[-1]
    text = answer.text[:MAX_TEXT]
    found = next(_values(text), None)
    if found is None:
        if answer.finish is Finish.LENGTH and re.search(r"[\[{]", text):
            return inconclusive("the token limit cut the answer before its JSON ended", answer=excerpt(text))
        return falsified("no JSON object or array in the answer", answer=excerpt(text))
    missing = [key for key in keys if not isinstance(found, dict) or key not in found]
    if missing:
        absent = ", ".join(map(repr, missing))
        return falsified(f"the JSON value has no key {absent}", compared=len(keys), answer=excerpt(text))
    if isinstance(question.expected, (dict, list)) and found != question.expected:
        return falsified("the JSON value is not the expected one", answer=excerpt(text))
    kind = "object" if isinstance(found, dict) else "array"
    reason = f"a JSON {kind} of {counted(len(found), 'item')}" + (f" with {', '.join(keys)}" if keys else "")
    return corroborated(reason, compared=1 + len(keys), answer=excerpt(text))


def _values(text: str) -> Iterator[dict[str, Json] | list[Json]]:
    """JSON objects and arrays in the text: fenced ones first, then the whole, then from each opening bracket."""
    starts = [match.start() for match in re.finditer(r"[\[{]", text)][:_MAX_TRIES]
    texts = [block.code for block in fenced_blocks(text)] + [text] + [text[start:] for start in starts]
    decoder = json.JSONDecoder(parse_constant=_refuse)
    for each in texts:
        try:
            value, _ = decoder.raw_decode(each.lstrip())
        except (ValueError, RecursionError):
            continue
        if isinstance(value, (dict, list)):
            yield value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON value")
