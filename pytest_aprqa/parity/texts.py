"""The text that models are compared on, and a maker of long ones. Written for this purpose; nothing is quoted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

PARITY_TEXT: Final = '''\
The harbor woke before the town did. At five the ferry horn sounded twice, and Marta, who had slept badly, put the
kettle on and opened the shutters. Fog lay on the water like wool. Somewhere behind it an engine coughed, caught, and
settled into a steady beat. She counted: one boat, two boats, then the deep voice of the trawler that belonged to her
brother. He had promised to be back by noon, and he had promised the same last week.

"You worry too much," her grandmother said from the kitchen table, where she was sorting beans by the light of a lamp.
"The sea gives back what it does not need."

"That is what I am afraid of," said Marta.

By nine o'clock the fog had thinned, and the market filled with people who wanted fish, bread, and news, in that order.
A kilogram of herring cost 4.50, two kilograms cost 8.00, and three cost 11.25, which the baker's son worked out aloud
on his fingers before deciding that he liked chicken better. In 1987 the same stall had sold three times as much. The
reasons were well known: warmer currents, larger nets, and a treaty that nobody on this side of the bay had read.

To forecast tomorrow's catch, the cooperative keeps a small program. It is not clever. It takes the last seven days,
gives the most recent ones more weight, and prints a number:

```python
from dataclasses import dataclass


@dataclass(frozen=True)
class Day:
    boats: int
    crates: float


def forecast(days: list[Day], decay: float = 0.8) -> float:
    """Weighted mean of crates per boat, times the boats of the last day."""
    if not days:
        raise ValueError("no days to learn from")
    total, weight_sum, weight = 0.0, 0.0, 1.0
    for day in reversed(days):
        if day.boats > 0:
            total += weight * day.crates / day.boats
            weight_sum += weight
        weight *= decay
    return days[-1].boats * total / weight_sum if weight_sum else 0.0


week = [Day(3, 41.0), Day(4, 52.5), Day(0, 0.0), Day(5, 70.0)]
print(f"expected: {forecast(week):.1f} crates")
```

A forecast of this kind answers one question and hides several others. It knows nothing about the wind, nothing about
holidays, and nothing about the price of diesel. If a boat stays in the harbor for repairs, the program blames the fish.
Still, it has been right on two days out of three, which is better than the radio, and it never claims to be certain.

The most important lesson is an old one: write down what you expected before you look at what happened. Without that
note, every result seems obvious afterwards, and nobody learns anything. With it, you can compare, measure the error,
and ask why. First check the simple causes, then the strange ones. Was the scale broken? Were the crates counted twice?
Did somebody confuse Tuesday with Thursday? Only when all of these are excluded should you begin to doubt the model.

At noon the trawler came around the breakwater with its flag up and gulls behind it. Marta put down the rope that she
had been coiling for an hour, and laughed, and went to find her coat.
'''
"""English prose, figures and Python, about 700 tokens: what KL divergence and perplexity are measured on."""

_SUBJECTS: Final = (
    "The captain",
    "A young engineer",
    "My neighbor",
    "The old librarian",
    "Her brother",
    "Each student",
)
_VERBS: Final = ("repaired", "described", "painted", "forgot", "measured", "borrowed", "counted")
_OBJECTS: Final = ("the bridge", "a small garden", "the broken clock", "three letters", "the northern road")
_PLACES: Final = ("near the river", "before sunrise", "without any help", "in the empty hall", "on a rainy Monday",
                  "behind the school", "for the second time", "after a long silence", "with great care",
                  "at the edge of town", "during the storm")  # fmt: skip


def _sentences() -> Iterator[str]:
    """Endless sentences; the lists' lengths share no factor, so 2310 sentences pass before one returns."""
    index = 0
    while True:
        yield " ".join(
            (
                _SUBJECTS[index % len(_SUBJECTS)],
                _VERBS[index % len(_VERBS)],
                _OBJECTS[index % len(_OBJECTS)],
                f"{_PLACES[index % len(_PLACES)]}.",
            )
        )
        index += 1


def long_text(words: int) -> str:
    """English sentences of exactly that many words, always the same ones; a word is one token or a little more.

    >>> long_text(5)
    'The captain repaired the bridge'
    """
    chosen: list[str] = []
    for sentence in _sentences():
        if len(chosen) >= words:
            break
        chosen += sentence.split(" ")
    return " ".join(chosen[:words])
