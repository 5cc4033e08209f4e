"""What one of two engines says when both are asked the same; every question is put once.

The rows of token ids come from the side that leads, the ground truth's, so that a wrong tokenizer does not spoil the
comparison of logits. Knows no verdict.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from pytest_aprqa.core import AprqaError, EngineOutOfMemory, EngineRefused, EngineUnavailable
from pytest_aprqa.engines import ModuleTrace
from pytest_aprqa.engines.protocol import Instruments
from pytest_aprqa.gates.comparison.options import SHORTEST_LONG_TOKENS, TRACED_TOKENS, Options
from pytest_aprqa.gates.comparison.texts import CONVERSATIONS, HOSTILE_TEXTS, PARITY_TEXT, TEXTS
from pytest_aprqa.gates.measured import Unjudgeable, measured

T = TypeVar("T")

_KEPT_BYTES: Final = 128 << 20
"""Logits of the text that a side keeps: all positions of a small vocabulary, evenly spaced ones of a large one."""
_FEWEST_KEPT: Final = 256
_COMPUTED_BYTES: Final = 512 << 20
"""Logits of the text that an engine gives at once."""
Rows = tuple[tuple[int, ...], ...]
Logits = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Answered:
    """Greedy answers to the questions, through the side's own template and tokenizer."""

    prompts: Rows
    tokens: Rows
    texts: tuple[str, ...]


@dataclass(slots=True, eq=False)
class Side:
    """One engine and what it said."""

    who: str
    """Such as ``the ground truth``."""
    open: Callable[[], Instruments] | None
    """Gives the engine, loaded; None where there is none."""
    options: Options
    context_tokens: int | None
    """The longest row it takes."""
    vocabulary: int | None
    """Logits at each position; None where the ground truth does not say."""
    specials: tuple[str, ...]
    """The ground truth's control strings."""
    leader: Side | None = None
    """The side that gives the rows; None for the leader itself."""
    memory: dict[str, object] = field(default_factory=dict, repr=False)

    @property
    def lead(self) -> Side:
        """The side that gives the rows."""
        return self.leader or self

    @measured
    def ids(self) -> Rows:
        """Token ids of all texts, as prompts."""
        return self._ask(lambda engine: engine.encode(TEXTS, special=True))

    @measured
    def plain_ids(self) -> Rows:
        """Token ids of all texts, as plain text."""
        return self._ask(lambda engine: engine.encode(TEXTS, special=False))

    @measured
    def decoded(self) -> tuple[str, ...]:
        """The texts again, out of the side's own plain ids."""
        rows = self.plain_ids
        return self._ask(lambda engine: engine.decode(rows))

    @measured
    def hostile_ids(self) -> Rows:
        """Token ids of plain texts that hold the model's control strings."""
        texts = hostile_texts(self.specials)
        return self._ask(lambda engine: engine.encode(texts, special=False))

    @measured
    def special_ids(self) -> Rows:
        """Token ids of the control strings, each alone and as a prompt."""
        return self._ask(lambda engine: engine.encode(self.specials, special=True)) if self.specials else ()

    @measured
    def rendered(self) -> tuple[str | None, ...]:
        """All conversations through the chat template; None for one that it refuses, such as a system prompt."""
        return tuple(map(self._rendered, CONVERSATIONS))

    @measured
    def prompt_rows(self) -> Rows:
        """Token ids of the prompts."""
        return self._ask(lambda engine: engine.encode(self.options.prompts, special=True))

    @measured
    def text_row(self) -> tuple[int, ...]:
        """Token ids of the text over which divergence is measured, cut to what fits."""
        rows: Rows = self._ask(lambda engine: engine.encode([PARITY_TEXT], special=True))
        affordable = max(_FEWEST_KEPT, _COMPUTED_BYTES // (4 * (self.vocabulary or 1)))
        return rows[0][: min(self.options.positions, affordable, self.context_tokens or self.options.positions)]

    @measured
    def text_places(self) -> tuple[int, ...]:
        """The positions of the text that are kept: all that have a next token, or evenly spaced ones."""
        count = len(self.text_row) - 1
        most = max(_FEWEST_KEPT, _KEPT_BYTES // (4 * (self.vocabulary or 1)))
        return tuple(range(0, count, max(1, -(-count // most))))

    @measured
    def long_row(self) -> tuple[int, ...]:
        """Token ids of the long prompt: the text over and over, as far as the context goes."""
        wanted = self.options.long_tokens
        if not wanted:
            raise Unjudgeable("no long prompt was asked for")
        if self.context_tokens is not None and self.context_tokens < wanted:
            wanted = self.context_tokens
        if wanted < min(self.options.long_tokens, SHORTEST_LONG_TOKENS):
            raise Unjudgeable(f"the context of {self.context_tokens} tokens takes no long prompt")
        once_row = self._ask(lambda engine: engine.encode([PARITY_TEXT], special=True))[0]
        times = -(-wanted // max(len(once_row), 1)) + 1
        return self._ask(lambda engine: engine.encode(["\n\n".join([PARITY_TEXT] * times)], special=True))[0][:wanted]

    @measured
    def last_logits(self) -> tuple[Logits, ...]:
        """The logits after each prompt, (1, vocabulary) each."""
        rows = self.lead.prompt_rows
        return self._ask(lambda engine: engine.logits(rows, last_only=True))

    @measured
    def long_logits(self) -> Logits:
        """The logits after the long prompt, (1, vocabulary)."""
        row = self.lead.long_row
        return self._ask(lambda engine: engine.logits([row], last_only=True))[0]

    @measured
    def text_logits(self) -> Logits:
        """The logits at the kept positions of the text, (positions, vocabulary)."""
        row, places = self.lead.text_row, self.lead.text_places
        if not places:
            raise Unjudgeable("the text is too short")
        return self._ask(lambda engine: engine.logits([row]))[0][list(places)]

    @measured
    def greedy(self) -> Rows:
        """The greedy continuation of each prompt."""
        rows = self.lead.prompt_rows
        return self._ask(lambda engine: engine.greedy(rows, max_tokens=self.options.max_tokens))

    @measured
    def greedy_logits(self) -> tuple[Logits, ...]:
        """The logits from which each greedy token was chosen, (tokens, vocabulary) for each prompt."""
        rows, tokens = self.prompt_rows, self.greedy
        return self._chosen_from(rows, tokens)

    @measured
    def answered(self) -> Answered:
        """Greedy answers to the questions."""
        prompts = self._question_rows(self.options.questions)
        tokens = self._ask(lambda engine: engine.greedy(prompts, max_tokens=self.options.max_tokens))
        return Answered(prompts, tokens, self._ask(lambda engine: engine.decode(tokens)))

    @measured
    def answer_logits(self) -> tuple[Logits, ...]:
        """The logits from which each token of the answers was chosen."""
        return self._chosen_from(self.answered.prompts, self.answered.tokens)

    @measured
    def trace_row(self) -> tuple[int, ...]:
        """Token ids of the prompt at which layers are compared."""
        return self._ask(lambda engine: engine.encode([self.options.trace_prompt], special=True))[0]

    @measured
    def trace(self) -> tuple[ModuleTrace, ...]:
        """What every module gives at that prompt, in order of computation."""
        row = self.lead.trace_row
        return self._ask(lambda engine: engine.trace(row))

    @measured
    def continued(self) -> Answered:
        """A longer greedy answer to that prompt, as a question where there is a chat template."""
        prompts = self.lead.continued_rows
        tokens = self._ask(lambda engine: engine.greedy(prompts, max_tokens=TRACED_TOKENS))
        return Answered(prompts, tokens, self._ask(lambda engine: engine.decode(tokens)))

    @measured
    def continued_rows(self) -> Rows:
        """Token ids of what is continued."""
        return self._question_rows((self.options.trace_prompt,))

    @measured
    def activations(self) -> dict[str, NDArray[np.float32]]:
        """The output of every layer, (tokens, hidden) each, from the embedding to the final norm."""
        row = self.lead.trace_row
        return dict(self._ask(lambda engine: engine.activations(row)))

    def _rendered(self, conversation: list[dict[str, str]]) -> str | None:
        def render(engine: Instruments) -> str | None:
            try:
                return engine.render([conversation])[0]
            except EngineRefused:
                return None

        return self._ask(render)

    def _question_rows(self, questions: tuple[str, ...]) -> Rows:
        conversations = [[{"role": "user", "content": question}] for question in questions]
        try:
            texts = self._ask(lambda engine: engine.render(conversations))
        except (AprqaError, Unjudgeable):
            # A base model has no template; its questions are plain prompts.
            texts = questions
        rows = self._ask(lambda engine: engine.encode(texts, special=True))
        # A template that writes BOS itself gets the tokenizer's in front of it.
        return tuple(row[1:] if len(row) > 1 and row[0] == row[1] else row for row in rows)

    def _chosen_from(self, rows: Rows, tokens: Rows) -> tuple[Logits, ...]:
        whole = [(*row, *more[:-1]) for row, more in zip(rows, tokens, strict=True)]
        asked = [place for place, more in enumerate(tokens) if more]
        found = self._ask(lambda engine: engine.logits([whole[place] for place in asked])) if asked else ()
        kept = {place: logits[len(rows[place]) - 1 :].copy() for place, logits in zip(asked, found, strict=True)}
        nothing: Logits = np.empty((0, 0), np.float32)
        return tuple(kept.get(place, nothing) for place in range(len(rows)))

    def _ask(self, question: Callable[[Instruments], T]) -> T:
        """Puts a question; what is not the artefact's fault becomes `Unjudgeable`."""
        if self.open is None:
            raise Unjudgeable(f"no engine that runs {self.who} was given")
        try:
            return question(self.open())
        except (EngineUnavailable, EngineOutOfMemory) as exc:
            raise Unjudgeable(f"{self.who} could not be asked: {exc}") from exc
        except AprqaError as exc:
            if self.leader is not None:
                raise
            raise Unjudgeable(f"{self.who} could not be asked: {exc}") from exc


def hostile_texts(specials: tuple[str, ...]) -> tuple[str, ...]:
    """Texts that a user might write to speak with another's voice: control strings within plain words."""
    return tuple(text.replace("{}", special) for special in specials for text in HOSTILE_TEXTS)
