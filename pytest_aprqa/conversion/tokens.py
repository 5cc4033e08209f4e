"""What a model file says of its tokenizer, whatever the format, and what is checked before it is used.

Token types and roles have GGUF's words, which are the widest. Knows nothing of how text is split; that has a name only,
see `pre_tokenizers`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from pathlib import Path
from typing import Final

from pytest_aprqa.core import ArtefactError, Json


class TokenType(IntEnum):
    """Values of ``tokenizer.ggml.token_type`` (GGUF specification)."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5
    BYTE = 6


BYTE_LEVEL: Final = "gpt2"
"""BPE over the bytes of UTF-8, each written as a printable character."""
SENTENCEPIECE: Final = "llama"
"""BPE over characters, spaces written as U+2581, unknown characters as bytes like ``<0x0A>``."""

ROLES: Final[Mapping[str, str]] = {
    "bos": "bos",
    "eos": "eos",
    "unk": "unknown",
    "pad": "padding",
    "sep": "seperator",  # the specification's spelling
    "mask": "mask",
    "eot": "eot",
    "eom": "eom",
}
"""Roles of special tokens, and GGUF's word for each."""

_MAX_TOKENS: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class TokenizerFacts:
    """The tokenizer of a model file."""

    model: str
    """`BYTE_LEVEL`, `SENTENCEPIECE`, or what the file calls another kind."""
    vocabulary: tuple[str, ...]
    """Texts by id. Padding at the end, which fills up the rows of the embedding, is left out."""
    merges: tuple[str, ...]
    """``left right``, best first; empty where the file has scores instead."""
    token_types: tuple[int, ...]
    """A `TokenType` for each id."""
    special: Mapping[str, int]
    """Ids by role: a key of `ROLES`."""
    pre: str | None = None
    """llama.cpp's name of the rule that splits text before merging; None where it is not said or not known."""
    scores: tuple[float, ...] | None = None
    """Of SentencePiece: the merge that makes the token with the highest score comes first."""
    add_bos: bool | None = None
    """Whether a prompt begins with BOS; None where the file does not say."""
    add_eos: bool | None = None
    """Whether a prompt ends with EOS; None where the file does not say."""
    add_space_prefix: bool | None = None
    """SentencePiece: whether text gets a space in front; None where the file does not say."""
    chat_template: str | None = None
    unwritable: str = field(default="")
    """Why it cannot be written in another format; empty when it can."""

    @property
    def begins_with_bos(self) -> bool:
        """`add_bos`, or what llama.cpp takes where the file does not say."""
        if self.add_bos is not None:
            return self.add_bos
        return self.model == SENTENCEPIECE or self.pre in _BOS_BY_DEFAULT


_BOS_BY_DEFAULT: Final = frozenset({"llama3", "llama-v3", "llama-bpe", "falcon3", "falcon-h1", "pixtral", "tekken"})
"""Names for which llama.cpp adds BOS unless told otherwise."""


def padded(facts: TokenizerFacts, size: int, *, path: Path) -> TokenizerFacts:
    """The facts with a text for every row of the embedding, as GGUF needs it.

    Raises:
        ArtefactError: there are more tokens than rows.
    """
    count = len(facts.vocabulary)
    if count > size:
        raise ArtefactError(
            "the tokenizer has more tokens than the embedding has rows",
            path=path,
            expected=f"at most {size}",
            found=f"{count}",
        )
    missing = range(count, size)
    return replace(
        facts,
        vocabulary=(*facts.vocabulary, *(padding_text(index) for index in missing)),
        token_types=(*facts.token_types, *(int(TokenType.UNUSED) for _ in missing)),
        scores=None if facts.scores is None else (*facts.scores, *(-10000.0 for _ in missing)),
    )


def trimmed(facts: TokenizerFacts) -> TokenizerFacts:
    """The facts without the padding at the end."""
    count = len(facts.vocabulary)
    while count and facts.token_types[count - 1] == TokenType.UNUSED and _is_padding(facts.vocabulary[count - 1]):
        count -= 1
    return replace(
        facts,
        vocabulary=facts.vocabulary[:count],
        token_types=facts.token_types[:count],
        scores=None if facts.scores is None else facts.scores[:count],
    )


def padding_text(index: int) -> str:
    """What llama.cpp's converter calls a row that no token has.

    >>> padding_text(7)
    '[PAD7]'
    """
    return f"[PAD{index}]"


def _is_padding(text: str) -> bool:
    return text.startswith("[PAD") and text.endswith("]")


def texts_of(value: Json, what: str, *, path: Path) -> tuple[str, ...]:
    """A list of texts, or an error that says what it should have been; absent is empty."""
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > _MAX_TOKENS or not all(isinstance(item, str) for item in value):
        raise ArtefactError(f"{what} is no list of texts", path=path, found=repr(value)[:80])
    return tuple(str(item) for item in value)


def numbers_of(value: Json, what: str, count: int, *, path: Path) -> tuple[float, ...] | None:
    """A list of one number for each token; None where it is absent."""
    if value is None:
        return None
    numbers = [item for item in value if isinstance(item, int | float)] if isinstance(value, list) else []
    if not isinstance(value, list) or len(numbers) != count or len(value) != count:
        raise ArtefactError(f"{what} is no list of {count} numbers", path=path, found=repr(value)[:80])
    return tuple(numbers)


def special_ids(stated: Mapping[str, Json], count: int, *, path: Path) -> dict[str, int]:
    """Ids by role, each one of a token.

    Raises:
        ArtefactError: an id that is no token.
    """
    ids: dict[str, int] = {}
    for role, value in stated.items():
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < count:
            raise ArtefactError(
                f"the {role} token's id is none of a token",
                path=path,
                expected=f"0 to {count - 1}",
                found=repr(value)[:80],
            )
        ids[role] = value
    return ids


def flag(value: Json) -> bool | None:
    """A Boolean, or None for anything else."""
    return value if isinstance(value, bool) else None
