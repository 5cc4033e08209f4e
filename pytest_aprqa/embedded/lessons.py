"""The lessons that the embedded model is trained on: pure values, the same in every process.

`catalog` holds every distinct lesson by skill, `stream` deals them out endlessly in fixed shares. The wordings are
those from which scenarios are drawn. Knows nothing of tokens or weights.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice, permutations
from typing import Final

from pytest_aprqa.core import Prompting
from pytest_aprqa.embedded.answers import (
    ASKED,
    FILLER,
    FIXED,
    JSON_VALUES,
    NOT_KNOWN,
    NOT_UNDERSTOOD,
    SYSTEMS,
    TOLD,
    UNKNOWN,
)
from pytest_aprqa.scenarios.phrasings import (
    ARITHMETIC,
    CAPITAL_QUESTIONS,
    CAPITALS,
    DISTRACTIONS,
    EDGE_ALPHABETS,
    EDGE_TEXTS,
    EDGE_WORDS,
    EDGE_WRAPPERS,
    FACTS,
    JSON_KEYS,
    JSON_OBJECT,
    OPERATOR_WORDS,
    Fact,
)
from pytest_aprqa.scenarios.snippets import INSTRUCTIONS, LANGUAGE_NAMES, SNIPPETS

SHARES: Final = {
    "arithmetic": 0.55,
    "running_sum": 0.05,
    "recall": 0.11,
    "fixed": 0.08,
    "capital": 0.05,
    "code": 0.09,
    "edge": 0.05,
    "unknown": 0.01,
    "long": 0.01,
}
"""Share of each skill among the lessons dealt out; they add up to 1."""

SYSTEM_SHARE: Final = 0.2
"""Share of the template lessons that begin with a system prompt."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """One conversation as it should go."""

    skill: str
    """A key of `SHARES`."""
    exchanges: tuple[tuple[str, str], ...]
    """What the user says and what the model answers, in order; exactly one when raw."""
    prompting: Prompting = Prompting.TEMPLATE
    system: str | None = None


def sums() -> Iterator[tuple[int, str, int, int]]:
    """Every sum that is taught, as (a, op, b, value): + − with 0 to 20, × with 0 to 12, exact ÷ up to 12 × 12."""
    for a in range(21):
        for b in range(21):
            yield a, "+", b, a + b
            yield a, "-", b, a - b
    for a in range(13):
        for b in range(13):
            yield a, "*", b, a * b
            if b:
                yield a * b, "/", b, a


def _both(skill: str, prompt: str, answer: str) -> list[Lesson]:
    exchanges = ((prompt, answer),)
    return [Lesson(skill, exchanges), Lesson(skill, exchanges, Prompting.RAW)]


def _arithmetic() -> Iterator[Lesson]:
    for a, op, b, value in sums():
        for phrasing in ARITHMETIC:
            yield from _both("arithmetic", phrasing.format(a=a, b=b, op=op, word=OPERATOR_WORDS[op]), str(value))


def _running_sums() -> Iterator[Lesson]:
    for a in range(1, 11):
        for b in range(1, 11):
            for c in range(1, 11):
                first = (f"What is {a}+{b}?", str(a + b))
                yield Lesson("running_sum", (first, (f"Add {c} to that.", str(a + b + c))))
                if c <= a + b:
                    yield Lesson("running_sum", (first, (f"Subtract {c} from that.", str(a + b - c))))


def _fixed() -> Iterator[Lesson]:
    for prompt, answer in FIXED.items():
        yield from _both("fixed", prompt, answer)
    for first, second in permutations(JSON_KEYS, 2):
        answer = json.dumps({key: JSON_VALUES[key] for key in (first, second)})
        yield from _both("fixed", JSON_OBJECT.format(first=first, second=second), answer)


def _capitals() -> Iterator[Lesson]:
    for country, capital in CAPITALS.items():
        for question in CAPITAL_QUESTIONS:
            prompt = question.format(country=country)
            yield Lesson("capital", ((prompt, f"{capital}."),))
            # A raw prompt that breaks off is continued, so the answer brings its own blank.
            blank = "" if prompt.endswith(("?", ".")) else " "
            yield Lesson("capital", ((prompt, f"{blank}{capital}."),), Prompting.RAW)


def _code() -> Iterator[Lesson]:
    for snippet in SNIPPETS:
        for instruction in INSTRUCTIONS:
            prompt = instruction.format(language=LANGUAGE_NAMES[snippet.language], task=snippet.task)
            yield from _both("code", prompt, snippet.text)
        yield Lesson("code", ((snippet.opening, snippet.text),))
        yield Lesson("code", ((snippet.opening, snippet.body),), Prompting.RAW)


def _unknown() -> Iterator[Lesson]:
    never_told = (ask for fact in FACTS for ask in fact.asks)
    for prompt in (*UNKNOWN, *never_told):
        yield from _both("unknown", prompt, NOT_KNOWN)


def _tables() -> dict[str, tuple[Lesson, ...]]:
    return {
        "arithmetic": tuple(_arithmetic()),
        "running_sum": tuple(_running_sums()),
        "fixed": tuple(_fixed()),
        "capital": tuple(_capitals()),
        "code": tuple(_code()),
        "unknown": tuple(_unknown()),
    }


@cache
def catalog() -> Mapping[str, tuple[Lesson, ...]]:
    """Every lesson of the skills that can be listed in full."""
    return _tables()


@cache
def answers() -> Mapping[str, str]:
    """Every single question that is taught through the chat template, with its answer."""
    return {
        lesson.exchanges[0][0]: lesson.exchanges[0][1]
        for lessons in catalog().values()
        for lesson in lessons
        if lesson.prompting is Prompting.TEMPLATE and len(lesson.exchanges) == 1
    }


def recall(
    fact: Fact, *, value: str, tell: str, ask: str, between: tuple[tuple[str, str], ...]
) -> tuple[tuple[str, str], ...]:
    """The exchanges of a dialogue in which a fact is told, then other things are said, then it is asked back."""
    return (
        (tell.format(value=value), TOLD[fact.kind].format(value=value)),
        *between,
        (ask, ASKED[fact.kind].format(value=value)),
    )


def _draw_recall(rng: random.Random) -> Lesson:
    fact = rng.choice(FACTS)
    between = [_draw_distraction(rng) for _ in range(rng.choice((0, 1, 1, 1, 2, 3)))]
    if rng.random() < 0.3:
        other = rng.choice([each for each in FACTS if each is not fact])
        value = rng.choice(other.values)
        told = (rng.choice(other.tells).format(value=value), TOLD[other.kind].format(value=value))
        between.insert(rng.randrange(len(between) + 1), told)
    exchanges = recall(
        fact,
        value=rng.choice(fact.values),
        tell=rng.choice(fact.tells),
        ask=rng.choice(fact.asks),
        between=tuple(between),
    )
    return Lesson("recall", exchanges)


def _draw_distraction(rng: random.Random) -> tuple[str, str]:
    if rng.random() < 0.3:
        return rng.choice(catalog()["arithmetic"][::2]).exchanges[0]
    prompt = rng.choice(DISTRACTIONS)
    return prompt, answers()[prompt]


def _draw_edge(rng: random.Random) -> Lesson:
    kind = rng.random()
    if kind < 0.5:
        text = rng.choice(list(EDGE_TEXTS.values()))
    elif kind < 0.75:
        alphabet = EDGE_ALPHABETS[rng.choice(list(EDGE_ALPHABETS))]
        text = "".join(rng.choices(alphabet, k=rng.randint(2, 24)))
    elif kind < 0.9:
        text = rng.choice(EDGE_WRAPPERS).format(word=rng.choice(EDGE_WORDS))
    else:
        unit = rng.choice(("a", "0", "?", "ha", "\n", " ", "test "))
        text = unit * rng.randint(20, 200)
    return Lesson("edge", ((text, NOT_UNDERSTOOD),), rng.choice(tuple(Prompting)))


def _draw_long(rng: random.Random) -> Lesson:
    story = " ".join(rng.choices(FILLER, k=rng.randint(5, 50)))
    question, answer = rng.choice(catalog()[rng.choice(("arithmetic", "fixed"))][::2]).exchanges[0]
    return Lesson("long", ((f"{story}\n{question}", answer),))


_DRAWN: Final = {"recall": _draw_recall, "edge": _draw_edge, "long": _draw_long}


def stream(seed: int) -> Iterator[Lesson]:
    """Deals out lessons without end, each skill in its share and each listed lesson once per round.

    >>> next(stream(1)) == next(stream(1))
    True
    """
    rng = random.Random(seed)  # noqa: S311 (lessons are no secret)
    rounds: dict[str, list[Lesson]] = {skill: [] for skill in catalog()}
    skills, shares = list(SHARES), list(SHARES.values())
    while True:
        skill = rng.choices(skills, shares)[0]
        if skill in _DRAWN:
            lesson = _DRAWN[skill](rng)
        else:
            if not rounds[skill]:
                rounds[skill] = rng.sample(catalog()[skill], len(catalog()[skill]))
            lesson = rounds[skill].pop()
        if lesson.prompting is Prompting.TEMPLATE and rng.random() < SYSTEM_SHARE:
            lesson = replace(lesson, system=rng.choice(SYSTEMS))
        yield lesson


def vocabulary_texts() -> Iterator[str]:
    """Texts from which the tokenizer is learned; what has many words comes more often than what has few."""
    for skill, lessons in catalog().items():
        for lesson in lessons[:: _VOCABULARY_STEP.get(skill, 1)]:
            for exchange in lesson.exchanges:
                yield from exchange
    for lesson in islice(stream(0), 4_000):
        if lesson.skill in ("recall", "long"):
            for exchange in lesson.exchanges:
                yield from exchange
    yield from SYSTEMS
    yield from (f"{role}\n" for role in ("system", "user", "assistant"))
    yield from EDGE_TEXTS.values()


_VOCABULARY_STEP: Final = {"arithmetic": 40, "running_sum": 40}


def digest(seed: int, count: int) -> str:
    """SHA-256 (64 hex digits) of the first lessons dealt out, to prove what a model was trained on."""
    state = hashlib.sha256()
    for lesson in islice(stream(seed), count):
        state.update(json.dumps([lesson.skill, lesson.exchanges, lesson.prompting, lesson.system]).encode())
    return state.hexdigest()
