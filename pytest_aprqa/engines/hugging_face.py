"""`HuggingFaceSpeaker`: a tokenizer of the transformers library as a `Speaker`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import jinja2

from pytest_aprqa.core import EngineRefused
from pytest_aprqa.engines.conversation import END_OF_TURN, Rendered

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True, slots=True)
class HuggingFaceSpeaker:
    """A tokenizer, and what the model's files say about using it.

    Args:
        tokenizer: a Hugging Face tokenizer.
        stop_ids: ids that end an answer.
        context_tokens: the model's context; None when it does not say.
        control_tokens: name to id of the tokens that no plain text may become.
    """

    tokenizer: PreTrainedTokenizerBase
    stop_ids: frozenset[int]
    context_tokens: int | None
    control_tokens: Mapping[str, int]

    @property
    def bos_id(self) -> int | None:
        """The tokenizer's BOS."""
        return cast("int | None", self.tokenizer.bos_token_id)

    @property
    def has_template(self) -> bool:
        """Whether the model brings a chat template."""
        return bool(getattr(self.tokenizer, "chat_template", None))

    def encode(self, text: str, *, special: bool) -> list[int]:
        """Ids as of a prompt, or as of plain text, in which a control token's name is a text like any other.

        Raises:
            EngineRefused: the tokenizer makes control tokens of a plain text all the same.
        """
        if special:
            return cast("list[int]", self.tokenizer.encode(text, add_special_tokens=True))
        ids = cast("list[int]", self.tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True))
        if found := [name for name, token in self.control_tokens.items() if name in text and token in ids]:
            raise EngineRefused(f"the tokenizer makes the control token {found[0]!r} of plain text, though told not to")
        return ids

    def decode(self, ids: Sequence[int], *, special: bool = True) -> str:
        """The text of ids; special tokens are visible or left out."""
        decoded = self.tokenizer.decode(list(ids), skip_special_tokens=not special, clean_up_tokenization_spaces=False)
        return cast("str", decoded)

    def render(self, messages: Sequence[Mapping[str, str]]) -> Rendered:
        """A conversation through the template, with the generation prompt."""
        try:
            rendered = self.tokenizer.apply_chat_template(
                [dict(message) for message in messages], tokenize=False, add_generation_prompt=True
            )
        except (jinja2.TemplateError, TypeError, ValueError, KeyError) as exc:
            raise EngineRefused(f"the chat template refuses the conversation: {exc}") from exc
        text = cast("str", rendered)
        return Rendered(text, cast("list[int]", self.tokenizer.encode(text, add_special_tokens=False)))


def find_control_tokens(tokenizer: PreTrainedTokenizerBase) -> Mapping[str, int]:
    """Name to id of the tokenizer's special tokens, less the one for what is unknown, which any text may become."""
    return {
        added.content: token
        for token, added in tokenizer.added_tokens_decoder.items()
        if added.special and token != tokenizer.unk_token_id
    }


def find_stop_ids(tokenizer: PreTrainedTokenizerBase, configured: Collection[int]) -> frozenset[int]:
    """Ids that end an answer: the configured ones, the tokenizer's EOS, and known end-of-turn tokens it has."""
    vocabulary = tokenizer.get_vocab()
    ids = {*configured, *(vocabulary[token] for token in END_OF_TURN if token in vocabulary)}
    if tokenizer.eos_token_id is not None:
        ids.add(tokenizer.eos_token_id)
    return frozenset(ids)
