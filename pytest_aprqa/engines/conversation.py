"""From turns to token ids and back: chat templates, raw prompts, context limits, and the text of an answer.

Works with any `Speaker`, whichever library tokenizes; knows nothing of the model that continues the ids.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from pytest_aprqa.core import Answer, EngineRefused, Finish, Prompting, Request

END_OF_TURN = ("<|im_end|>", "<|eot_id|>", "<end_of_turn>")
"""Tokens that end a turn in the usual chat templates; models exist whose configuration forgets to name theirs."""

NO_TEMPLATE_NOTE = "no chat template: prompt sent raw"
NO_TEMPLATE = "the model has no chat template, which a conversation or a system prompt needs"
_ANCHOR_IDS = 8
"""How many ids of the prompt are decoded with the answer, so that its first word keeps its space."""


class Rendered(NamedTuple):
    """A conversation as the model is given it."""

    text: str
    ids: list[int]


class Speaker(Protocol):
    """A model's tokenizer and chat template, and what its files say about using them."""

    @property
    def stop_ids(self) -> frozenset[int]:
        """Ids that end an answer."""
        ...

    @property
    def context_tokens(self) -> int | None:
        """The model's context; None when it does not say."""
        ...

    @property
    def bos_id(self) -> int | None:
        """The id that begins a text; None where there is none."""
        ...

    @property
    def has_template(self) -> bool:
        """Whether the model brings a chat template."""
        ...

    def encode(self, text: str, *, special: bool) -> list[int]:
        """Ids as of a prompt, or as of plain text."""
        ...

    def decode(self, ids: Sequence[int], *, special: bool = True) -> str:
        """The text of ids; special tokens are visible or left out."""
        ...

    def render(self, messages: Sequence[Mapping[str, str]]) -> Rendered:
        """A conversation through the template, with the generation prompt; raises `EngineRefused`."""
        ...


def answer_text(speaker: Speaker, prompt_ids: Sequence[int], ids: Sequence[int]) -> str:
    """The text of generated `ids`, less one trailing stop token; other special tokens stay visible.

    Tokenizers in the manner of SentencePiece drop a leading space from whatever they decode, so that the text is
    what the ids add to the end of their prompt.
    """
    if ids and ids[-1] in speaker.stop_ids:
        ids = ids[:-1]
    anchor = list(prompt_ids[-_ANCHOR_IDS:])
    before, whole = speaker.decode(anchor), speaker.decode([*anchor, *ids])
    if whole.startswith(before) and not before.endswith("\ufffd"):
        return whole[len(before) :]
    return speaker.decode(ids)


@dataclass(slots=True)
class Conversation:
    """One request on its way: what was said so far, and the answers collected.

    Args:
        request: the turns to say.
        speaker: the model's tokenizer and template.
    """

    request: Request
    speaker: Speaker
    answers: list[Answer] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _messages: list[dict[str, str]] = field(default_factory=list)
    _prompt_ids: list[int] = field(default_factory=list)

    def prompt(self) -> list[int]:
        """The ids to continue for the next turn.

        Raises:
            EngineRefused: the template does not take the conversation, or the prompt does not fit.
        """
        turn = self.request.turns[len(self.answers)]
        ids = self._templated(turn) if self._uses_template() else self._raw(turn)
        context = self.speaker.context_tokens
        if context is not None and len(ids) + self.request.max_tokens > context:
            raise EngineRefused(
                f"prompt of {len(ids)} tokens and max_tokens {self.request.max_tokens} exceed the context of {context}"
            )
        self._prompt_ids = ids
        return ids

    def hear(self, ids: Sequence[int]) -> None:
        """Takes the ids generated for the prompt last given."""
        finish = Finish.STOP if ids and ids[-1] in self.speaker.stop_ids else Finish.LENGTH
        text = answer_text(self.speaker, self._prompt_ids, ids)
        self.answers.append(Answer(text, tuple(ids), finish, len(self._prompt_ids)))
        # An assistant is remembered to have said its words, not its special tokens.
        self._messages.append({"role": "assistant", "content": self.speaker.decode(ids, special=False)})

    def _uses_template(self) -> bool:
        if self.request.prompting is Prompting.RAW:
            return False
        if self.speaker.has_template:
            return True
        if len(self.request.turns) > 1 or self.request.system is not None:
            raise EngineRefused(NO_TEMPLATE)
        self.notes.append(NO_TEMPLATE_NOTE)
        return False

    def _templated(self, turn: str) -> list[int]:
        system = self.request.system
        if not self._messages and system is not None:
            self._messages.append({"role": "system", "content": system})
        self._messages.append({"role": "user", "content": turn})
        text, ids = self.speaker.render(self._messages)
        if system is not None and not self.answers and system.strip() not in text:
            self.notes.append("the chat template leaves the system prompt out")
        if not ids:
            raise EngineRefused("the chat template renders the conversation to nothing")
        return ids

    def _raw(self, turn: str) -> list[int]:
        ids = self.speaker.encode(turn, special=True)
        if not ids and self.speaker.bos_id is not None:
            ids = [self.speaker.bos_id]
        if not ids:
            raise EngineRefused("the prompt has no tokens, and the tokenizer has no BOS token to start from")
        return ids
