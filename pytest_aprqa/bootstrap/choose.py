"""Chooses a playbook's scenarios: every topic first, then more of those that the model's kernels put under stress."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from pytest_aprqa.bootstrap.asked import Asked, Bank
from pytest_aprqa.bootstrap.continuations import CONTINUATIONS, more_sums
from pytest_aprqa.bootstrap.model import Kind, ModelFacts
from pytest_aprqa.bootstrap.questions import QUESTIONS
from pytest_aprqa.core import Modality, OracleSpec, Tier
from pytest_aprqa.kernels import Topic

SEED: Final = 42
"""Of every draw; the one that published playbooks use."""
_OWN_WEIGHT: Final = 1
"""Of a topic that is asked of every model, beside the operations that stress it."""
_QUICK_WINDOW: Final = 1024
"""Tokens: a prompt beyond such a window is read in seconds, also by a processor."""
_LARGEST_WINDOW: Final = 8192
"""Tokens: a prompt beyond a larger window makes the playbook longer than all the rest of it."""
_BEYOND: Final = 1.1
_LINE: Final = "The river runs past the mill."


def choose(model: ModelFacts, tier: Tier, modalities: Sequence[Modality], count: int) -> tuple[Asked, ...]:
    """The scenarios that are written down, by topic.

    Args:
        model: decides the bank, the level and the weights of the topics.
        tier: deep asks beyond larger windows.
        modalities: conversations need a chat cell.
        count: at most so many, as long as the bank lasts; a conversation does not count for one-shot cells.
    """
    bank = QUESTIONS if model.kind is Kind.INSTRUCT else CONTINUATIONS
    pools = {topic: _pool(bank, topic, model, modalities) for topic in Topic}
    pools[Topic.WINDOW] = [it for it in (window_probe(model, tier),) if it is not None]
    weights = {topic: _weight(model, topic, bank) for topic in Topic if pools[topic]}
    given = _share(weights, {topic: len(pool) for topic, pool in pools.items()}, count)
    if model.kind is Kind.BASE and (missing := count - sum(given.values())) > 0:
        taken = given[Topic.ARITHMETIC]
        pools[Topic.ARITHMETIC] = [*pools[Topic.ARITHMETIC][:taken], *more_sums(missing, seed=SEED)]
        given[Topic.ARITHMETIC] += missing
    return tuple(asked for topic in Topic for asked in pools[topic][: given.get(topic, 0)])


def _pool(bank: Bank, topic: Topic, model: ModelFacts, modalities: Sequence[Modality]) -> list[Asked]:
    """What may be asked about a topic, one-shot questions first among equals."""
    spoken = Modality.CHAT in modalities
    return [
        asked
        for asked in bank.asked
        if asked.topic is topic and asked.level <= model.size.level and (spoken or len(asked.turns) == 1)
    ]


def _weight(model: ModelFacts, topic: Topic, bank: Bank) -> int:
    stressed = 0 if model.profile is None else model.profile.weight(topic)
    made_for = 2 if topic is Topic.CODE and model.codes else 0
    return (_OWN_WEIGHT if topic in bank.topics else 0) + stressed + made_for


def _share(weights: Mapping[Topic, int], available: Mapping[Topic, int], count: int) -> dict[Topic, int]:
    """One for each topic, the heaviest first; then each next one to whom its weight owes most."""
    ranked = sorted((topic for topic in weights if weights[topic]), key=lambda topic: (-weights[topic], _place(topic)))
    given = dict.fromkeys(ranked[:count], 1)
    while sum(given.values()) < count:
        open_topics = [topic for topic in given if given[topic] < available[topic]]
        if not open_topics:
            break
        owed = max(open_topics, key=lambda topic: (weights[topic] / (given[topic] + 1), -_place(topic)))
        given[owed] += 1
    return given


def _place(topic: Topic) -> int:
    return list(Topic).index(topic)


def window_probe(model: ModelFacts, tier: Tier) -> Asked | None:
    """A question at the end of a text that is longer than the model's sliding window; None where that is no use."""
    window = None if model.profile is None else model.profile.facts.window
    if window is None or model.profile is None or not model.profile.does("sliding_window_attention"):
        return None
    if tier is Tier.SMOKE or window > (_LARGEST_WINDOW if tier is Tier.DEEP else _QUICK_WINDOW):
        return None
    # Each word is a token at least, so that so many words are beyond the window whatever the tokenizer.
    repeats = math.ceil(window * _BEYOND / len(_LINE.split()))
    text = " ".join([_LINE] * repeats)
    if model.kind is Kind.BASE:
        prompt, oracle = f"{text} 1, 2, 3, 4, 5, 6, 7,", OracleSpec("regex", {"pattern": r"^\s*8\b"})
        return Asked(Topic.WINDOW, 0, "beyond_the_window", (prompt,), oracle, 8)
    return Asked(
        Topic.WINDOW, 0, "beyond_the_window", (f"{text} What is 2+2?",), OracleSpec("arithmetic"), 32, expected=4
    )
