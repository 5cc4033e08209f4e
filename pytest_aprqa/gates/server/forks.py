"""Where an answer might have gone another way, and whether a text that parts from it does so at such a place.

Where two texts part at a character, the tokens that made them may have parted before it: `s`, `s` and `sk` have the
first letter in common, `ét`, `é` and `é`, `th` the first two. So what counts is not the token that holds the character,
but one from which another token leads to the other text. Knows no engine and no server.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MOST_RIVALS: Final = 8
"""Other tokens that are remembered at each token."""
WIDEST: Final = 3.0
"""Nats beyond which no other token is remembered: it had less than a twentieth of the probability."""


@dataclass(frozen=True, slots=True)
class Rival:
    """A token that might have been chosen in another's place."""

    text: str
    """The answer up to here, and the token; less the beginning of a character that it does not finish."""
    lead: float
    """Nats by which the chosen token was likelier; below zero where it was not."""
    whole: bool = True
    """Whether it ends where a character ends."""

    @classmethod
    def of(cls, text: str, lead: float) -> Rival:
        """One whose text may end with replacement characters, in place of a character that is not finished."""
        bare = text.rstrip("\ufffd")
        return cls(bare, lead, whole=bare == text)


@dataclass(frozen=True, slots=True)
class Step:
    """One token of an answer."""

    end: int
    """Characters of the answer after it."""
    rivals: tuple[Rival, ...] = ()


@dataclass(frozen=True, slots=True)
class Path:
    """An answer, token by token."""

    text: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Parting:
    """Where two texts part."""

    character: int
    tie: float
    """Nats below which a lead is none."""
    token: int | None = None
    """Number of the token at which they part; None where unknown."""
    lead: float | None = None
    """Nats by which one of the two was likelier there; None where unknown, or beyond `WIDEST`."""

    @property
    def near_tie(self) -> bool:
        """Whether the model itself was undecided there."""
        return self.lead is not None and self.lead < self.tie

    @property
    def words(self) -> str:
        """Such as ``at character 7 (token 3, by 0.112 nats)``."""
        if self.token is None:
            return f"at character {self.character} (by how much is unknown)"
        much = f"over {WIDEST:g}" if self.lead is None else f"{self.lead:.3f}"
        return f"at character {self.character} (token {self.token}, by {much} nats)"


def part(one: str, other: str, path: Path | None, *, tie: float) -> Parting | None:
    """Where two texts part, and how sure the model was there; None where they do not.

    Args:
        one: a text.
        other: another one.
        path: an answer that goes with one of them, or with both up to where they part.
        tie: nats below which a lead is none.
    """
    if one == other:
        return None
    character = _common(one, other)
    if path is None or not path.steps or path.text[:character] != one[:character]:
        return Parting(character, tie)
    # An answer that is neither of the two there is left by both of them.
    leaving = [text for text in (one, other) if text != path.text and _common(text, path.text) == character]
    found = [_left(path, text, character, tie) for text in leaving]
    return max(found, key=lambda parting: WIDEST if parting.lead is None else parting.lead)


def _left(path: Path, text: str, character: int, tie: float) -> Parting:
    """Where a text leaves an answer: at the token from which the likeliest of the ways to it leads."""
    starts = (0, *(step.end for step in path.steps))
    holding = next((place for place, step in enumerate(path.steps) if step.end > character), len(path.steps) - 1)
    ways = [
        (rival.lead, place)
        for place, step in enumerate(path.steps[: holding + 1])
        for rival in step.rivals
        if _leads(rival, text, character, start=starts[place], beside=step.end >= starts[holding])
    ]
    if not ways:
        return Parting(character, tie, holding)
    lead, token = min(ways)
    return Parting(character, tie, token, lead)


def _leads(rival: Rival, text: str, character: int, *, start: int, beside: bool) -> bool:
    """Whether a text may have gone on with a rival that begins at `start`; it leaves the answer at `character`.

    A rival that stays within what both have cuts that into other tokens, and what is likely after those is not known.
    It may lead to a text that leaves the answer at the token or the next (`beside`); to one that goes along for longer
    it would have to cut every word in another way.
    """
    if not rival.whole:
        # Which characters begin with these bytes is not known, but that none of ASCII does.
        following = text[character : character + 1]
        return len(rival.text) == character and text.startswith(rival.text) and not following.isascii()
    if len(rival.text) <= start:
        return text == rival.text  # a stop token
    return text.startswith(rival.text) and (beside or len(rival.text) > character)


def _common(one: str, other: str) -> int:
    """How many characters two texts have in common."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (left, right) in pairs if left != right), min(len(one), len(other)))
