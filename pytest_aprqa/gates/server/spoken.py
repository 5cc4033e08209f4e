"""What a model's own engine says to a handful of fixed questions, greedily: what a server of the model must say too.

Asks one engine, one question after the other, without a server anywhere. Knows no verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from pytest_aprqa.core import AprqaError, Completion, EngineError, EngineRefused, Finish, Prompting, Request
from pytest_aprqa.engines import Engine, Instruments
from pytest_aprqa.gates.server.forks import MOST_RIVALS, WIDEST, Path, Rival, Step
from pytest_aprqa.gates.server.marks import without_control

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_TOKENS: Final = 16
"""Limit of every answer."""
NAME_TOLD: Final = "My name is Alice."
NAME_ASKED: Final = "What is my name?"
"""What only earlier turns can answer."""
SYSTEM: Final = "You are a helpful assistant."
PLAIN: Final = "What is 2+2?"
SCRIPTS: Final = (
    "Qu'est-ce que « l'été » ? Größe, naïve, señor",
    "Что такое Москва? Ελλάδα. שלום. مرحبا",
    "你好，世界。こんにちは 한국어 🎉👩‍🔬",
)
"""Questions in many scripts, with characters of two, three and four bytes."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One question, or one conversation, as it is put."""

    turns: tuple[str, ...]
    prompting: Prompting = Prompting.TEMPLATE
    system: str | None = None


ASKS: Final = (
    Ask((PLAIN,)),
    Ask(("How are you?",)),
    Ask(("List 3 colors",)),
    Ask((PLAIN,), system=SYSTEM),
    Ask((NAME_ASKED,)),
    Ask((NAME_ASKED,), system=NAME_TOLD),
    Ask((NAME_TOLD, NAME_ASKED)),
    *(Ask((text,)) for text in SCRIPTS),
    Ask(("The capital of Japan is",), Prompting.RAW),
    Ask(("List 3 colors",), Prompting.RAW),
    Ask((SCRIPTS[0],), Prompting.RAW),
)
"""Everything that is asked; templated ones only where the model brings a template."""
COUNTED: Final = (*dict.fromkeys(turn for ask in ASKS for turn in ask.turns), "word ", "word " * 100)
"""Texts whose tokens are counted."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, with everything that was said before."""

    text: str
    prompting: Prompting = Prompting.TEMPLATE
    system: str | None = None
    earlier: tuple[tuple[str, str], ...] = ()
    """Turns before this one: what the user said and what was answered."""

    @property
    def messages(self) -> list[dict[str, str]]:
        """The conversation up to the question, as a chat request has it."""
        found = [] if self.system is None else [{"role": "system", "content": self.system}]
        for user, assistant in self.earlier:
            found += [{"role": "user", "content": user}, {"role": "assistant", "content": assistant}]
        return [*found, {"role": "user", "content": self.text}]

    @property
    def name(self) -> str:
        """How a verdict names it."""
        what = repr(self.text[:40])
        if self.prompting is Prompting.RAW:
            return f"raw {what}"
        if self.system is not None:
            return f"{what} after the system prompt {self.system!r}"
        return f"{what} in turn {len(self.earlier) + 1}" if self.earlier else what


@dataclass(frozen=True, slots=True)
class Said:
    """One answer of the model's own engine."""

    question: str
    prompting: Prompting
    text: str
    """Special tokens visible, less one trailing stop token."""
    token_ids: tuple[int, ...]
    """Generated ids, the stop token included; empty where unknown."""
    prompt_tokens: int
    finish: Finish
    steps: tuple[Step, ...] = ()
    """Of each token, where it ends and what else was likely; empty where unknown."""
    system: str | None = None
    earlier: tuple[tuple[str, str], ...] = ()
    """Turns before this one: what the user said and what was answered."""

    @property
    def asked(self) -> Question:
        """What it answers."""
        return Question(self.question, self.prompting, self.system, self.earlier)

    @property
    def plain(self) -> str:
        """The text without control tokens, as servers show it."""
        return without_control(self.text)

    @property
    def path(self) -> Path | None:
        """The answer token by token, as servers show it; None where unknown, or where they would hide some of it."""
        return Path(self.text, self.steps) if self.steps and self.plain == self.text else None


@dataclass(frozen=True, slots=True)
class Spoken:
    """What the model's own engine said, before its server was started."""

    said: tuple[Said, ...]
    counts: Mapping[str, int] = field(default_factory=dict)
    """Text to its tokens as plain text, by the engine's own tokenizer; empty where unknown."""
    context_tokens: int | None = None
    chat_template: bool = True
    dtype: str = ""
    """What the own engine computes with, in its own words; empty where unknown."""

    def answer(self, question: Question) -> Said | None:
        """What was answered to a question; None where it was not asked, or refused."""
        return next((said for said in self.said if said.asked == question), None)


def listen(engine: Engine, instruments: Instruments | None, *, timeout_ms: int) -> Spoken:
    """Asks the engine every question, greedily, at most 16 tokens each.

    Args:
        engine: the model's own.
        instruments: the same engine by what it can measure; without them steps and counts stay unknown.
        timeout_ms: deadline of each request.

    Raises:
        EngineError: it answered nothing at all.
    """
    facts = engine.facts
    said: list[Said] = []
    errors: list[EngineError] = []
    for place, ask in enumerate(ASKS):
        if ask.prompting is Prompting.TEMPLATE and not facts.chat_template:
            continue
        request = Request(f"spoken-{place}", ask.turns, ask.system, ask.prompting, MAX_TOKENS, timeout_ms=timeout_ms)
        result = engine.generate([request])[0]
        if isinstance(result, Completion):
            said += _heard(ask, result, instruments)
        else:
            errors.append(result)
    if not said:
        raise errors[0] if errors else EngineRefused("the model's own engine was asked nothing")
    return Spoken(tuple(said), _counts(instruments), facts.context_tokens, facts.chat_template, facts.dtype)


def _heard(ask: Ask, completion: Completion, instruments: Instruments | None) -> list[Said]:
    found: list[Said] = []
    for turn, answer in zip(ask.turns, completion.answers, strict=False):
        bare = Said(
            turn,
            ask.prompting,
            answer.text,
            answer.token_ids,
            answer.prompt_tokens,
            answer.finish,
            system=ask.system,
            earlier=tuple((one.question, one.plain) for one in found),
        )
        found.append(_measured(bare, instruments) if instruments is not None and answer.token_ids else bare)
    return found


def _measured(said: Said, instruments: Instruments) -> Said:
    """With its steps, where the engine can measure them."""
    ids = said.token_ids
    try:
        prompt = _prompt_ids(said, instruments)
        if len(prompt) != said.prompt_tokens:
            return said
        logits = instruments.logits([(*prompt, *ids[:-1])])[0][len(prompt) - 1 :]
        pieces = instruments.decode([ids[: count + 1] for count in range(len(ids))])
        found = [_nearest(row, chosen) for row, chosen in zip(logits, ids, strict=True)]
        others = instruments.decode([(*ids[:place], token) for place, near in enumerate(found) for token, _ in near])
    except AprqaError:
        return said
    texts = iter(others)
    shown = _shown(said, pieces)
    rivals = [tuple(Rival.of(without_control(shown(next(texts))), lead) for _, lead in near) for near in found]
    return replace(said, steps=tuple(map(Step, _ends(said, pieces), rivals)))


def _prompt_ids(said: Said, instruments: Instruments) -> tuple[int, ...]:
    """The ids that the engine gave the model; a template that writes BOS itself gets the tokenizer's in front of it."""
    text = said.question
    if said.prompting is Prompting.TEMPLATE:
        text = instruments.render([said.asked.messages])[0]
    row = instruments.encode([text], special=True)[0]
    return row[1:] if len(row) > 1 and row[0] == row[1] else row


def _nearest(logits: NDArray[np.float32], chosen: int) -> list[tuple[int, float]]:
    """Ids of the likeliest other tokens, each with the nats by which the chosen one leads; likeliest first."""
    leads = logits[chosen].astype(np.float64) - logits.astype(np.float64)
    likeliest = np.argsort(leads, kind="stable")[: MOST_RIVALS + 1]
    others = [(int(token), float(leads[token])) for token in likeliest if token != chosen and leads[token] <= WIDEST]
    return others[:MOST_RIVALS]


def _shown(said: Said, pieces: Sequence[str]) -> Callable[[str], str]:
    """How a decoded beginning of the answer begins in its text, which may have one blank more or less in front."""
    blank = len(said.text) - _length(said, pieces)
    return lambda piece: said.text[:blank] + piece if blank > 0 else piece[-blank:]


def _ends(said: Said, pieces: Sequence[str]) -> tuple[int, ...]:
    """Where in the text each token ends, given the decoded beginnings; a stop token at the end adds nothing."""
    if said.finish is Finish.STOP and len(pieces) == 1:
        return (0,)
    blank = len(said.text) - _length(said, pieces)
    # A character of several tokens shows as a replacement character until its last byte is there.
    return tuple(min(len(said.text), max(0, len(piece.rstrip("\ufffd")) + blank)) for piece in pieces)


def _length(said: Said, pieces: Sequence[str]) -> int:
    """Characters of the decoded answer, less a stop token."""
    if said.finish is Finish.STOP:
        return len(pieces[-2]) if len(pieces) > 1 else len(said.text)
    return len(pieces[-1])


def _counts(instruments: Instruments | None) -> dict[str, int]:
    if instruments is None:
        return {}
    try:
        rows = instruments.encode(COUNTED, special=False)
    except AprqaError:
        return {}
    return {text: len(row) for text, row in zip(COUNTED, rows, strict=True)}
