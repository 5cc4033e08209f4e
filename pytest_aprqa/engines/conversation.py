"""From turns to token ids and back: chat templates, raw prompts, context limits, and the text of an answer.

Works with any Hugging Face tokenizer; knows nothing of the model that continues the ids.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import jinja2

from pytest_aprqa.core import Answer, EngineRefused, Finish, Prompting, Request

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

END_OF_TURN = ("<|im_end|>", "<|eot_id|>", "<end_of_turn>")
"""Tokens that end a turn in the usual chat templates; models exist whose configuration forgets to name theirs."""

NO_TEMPLATE_NOTE = "no chat template: prompt sent raw"
_ANCHOR_IDS = 8
"""How many ids of the prompt are decoded with the answer, so that its first word keeps its space."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """A tokenizer, and what the model's files say about using it.

    Args:
        tokenizer: a Hugging Face tokenizer.
        stop_ids: ids that end an answer.
        context_tokens: the model's context; None when it does not say.
    """

    tokenizer: PreTrainedTokenizerBase
    stop_ids: frozenset[int]
    context_tokens: int | None

    @property
    def has_template(self) -> bool:
        """Whether the model brings a chat template."""
        return bool(getattr(self.tokenizer, "chat_template", None))

    def answer_text(self, prompt_ids: Sequence[int], ids: Sequence[int]) -> str:
        """The text of generated `ids`, less one trailing stop token; other special tokens stay visible.

        Tokenizers in the manner of SentencePiece drop a leading space from whatever they decode, so that the text is
        what the ids add to the end of their prompt.
        """
        if ids and ids[-1] in self.stop_ids:
            ids = ids[:-1]
        anchor = list(prompt_ids[-_ANCHOR_IDS:])
        before, whole = self._decode(anchor), self._decode([*anchor, *ids])
        if whole.startswith(before) and not before.endswith("\ufffd"):
            return whole[len(before) :]
        return self._decode(ids)

    def spoken_text(self, ids: Sequence[int]) -> str:
        """The text of `ids` without special tokens: what an assistant is remembered to have said."""
        return self._decode(ids, skip_special_tokens=True)

    def _decode(self, ids: Sequence[int], *, skip_special_tokens: bool = False) -> str:
        decoded = self.tokenizer.decode(
            list(ids), skip_special_tokens=skip_special_tokens, clean_up_tokenization_spaces=False
        )
        return cast("str", decoded)


@dataclass(slots=True)
class Conversation:
    """One request on its way: what was said so far, and the answers collected.

    Args:
        request: the turns to say.
        speaker: tokenizer and limits.
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
        text = self.speaker.answer_text(self._prompt_ids, ids)
        self.answers.append(Answer(text, tuple(ids), finish, len(self._prompt_ids)))
        self._messages.append({"role": "assistant", "content": self.speaker.spoken_text(ids)})

    def _uses_template(self) -> bool:
        if self.request.prompting is Prompting.RAW:
            return False
        if self.speaker.has_template:
            return True
        if len(self.request.turns) > 1 or self.request.system is not None:
            raise EngineRefused("the model has no chat template, which a conversation or a system prompt needs")
        self.notes.append(NO_TEMPLATE_NOTE)
        return False

    def _templated(self, turn: str) -> list[int]:
        system = self.request.system
        if not self._messages and system is not None:
            self._messages.append({"role": "system", "content": system})
        self._messages.append({"role": "user", "content": turn})
        try:
            rendered = self.speaker.tokenizer.apply_chat_template(
                self._messages, tokenize=False, add_generation_prompt=True
            )
        except (jinja2.TemplateError, TypeError, ValueError, KeyError) as exc:
            raise EngineRefused(f"the chat template refuses the conversation: {exc}") from exc
        text = cast("str", rendered)
        if system is not None and not self.answers and system.strip() not in text:
            self.notes.append("the chat template leaves the system prompt out")
        ids: list[int] = self.speaker.tokenizer.encode(text, add_special_tokens=False)
        if not ids:
            raise EngineRefused("the chat template renders the conversation to nothing")
        return ids

    def _raw(self, turn: str) -> list[int]:
        tokenizer = self.speaker.tokenizer
        ids: list[int] = tokenizer.encode(turn, add_special_tokens=True)
        if not ids and tokenizer.bos_token_id is not None:
            ids = [tokenizer.bos_token_id]
        if not ids:
            raise EngineRefused("the prompt has no tokens, and the tokenizer has no BOS token to start from")
        return ids


def find_stop_ids(tokenizer: PreTrainedTokenizerBase, configured: Collection[int]) -> frozenset[int]:
    """Ids that end an answer: the configured ones, the tokenizer's EOS, and known end-of-turn tokens it has."""
    vocabulary = tokenizer.get_vocab()
    ids = {*configured, *(vocabulary[token] for token in END_OF_TURN if token in vocabulary)}
    if tokenizer.eos_token_id is not None:
        ids.add(tokenizer.eos_token_id)
    return frozenset(ids)
