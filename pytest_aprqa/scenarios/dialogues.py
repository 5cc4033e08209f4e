"""Chat: conversations in which the user tells something, speaks of other things, and asks it back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate
from typing import Final

from pytest_aprqa.core import OracleSpec, Scenario
from pytest_aprqa.scenarios.domain import Domain, fingerprint, pick
from pytest_aprqa.scenarios.phrasings import DISTRACTIONS, FACTS, Fact

TURNS: Final = 3
"""User turns of ``chat_prompt()``: tell, distract, ask."""
MOST_TURNS: Final = 8


def recall(turns: int = TURNS, facts: Sequence[Fact] = FACTS) -> Domain:
    """Every dialogue of `turns` user turns, of which the first tells and the last asks back.

    >>> recall(turns=3).at(0).turns[-1]
    'What is my name?'
    """
    if not 2 <= turns <= MOST_TURNS:
        raise ValueError(f"turns: expected 2 to {MOST_TURNS} (tell, talk of other things, ask back), found {turns}")
    between = len(DISTRACTIONS) ** (turns - 2)
    ends = list(accumulate(len(fact.values) * len(fact.tells) * len(fact.asks) * between for fact in facts))

    def at(position: int) -> Scenario:
        index = next(number for number, end in enumerate(ends) if position < end)
        return _scenario(facts[index], position - (ends[index - 1] if index else 0), turns)

    return Domain(f"recall({turns}, {' '.join(fact.kind for fact in facts)})", ends[-1], at)


def _scenario(fact: Fact, position: int, turns: int) -> Scenario:
    value, tell, ask, *between = pick(
        position, len(fact.values), len(fact.tells), len(fact.asks), *[len(DISTRACTIONS)] * (turns - 2)
    )
    told = fact.values[value]
    said = (fact.tells[tell].format(value=told), *(DISTRACTIONS[index] for index in between), fact.asks[ask])
    return Scenario(
        name=f"chat-{fact.kind}_{told}-{fingerprint(*said)}",
        turns=said,
        category="chat",
        oracles=(_oracle(told),),
        expected=told,
    )


def _oracle(told: str) -> OracleSpec:
    if told.isdigit():
        # "42" must not be found inside "1428".
        return OracleSpec("regex", {"pattern": rf"(?<!\d){re.escape(told)}(?!\d)"})
    return OracleSpec("contains", {"all": [told]})
