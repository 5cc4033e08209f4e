"""The tokenizer as flat keys: GGUF's ``tokenizer.ggml.*`` and APR's ``tokenizer.*``, read and written.

What a file leaves out stays unknown; what it says is checked before it is used as an index.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pytest_aprqa.conversion.tokens import (
    BYTE_LEVEL,
    ROLES,
    SENTENCEPIECE,
    TokenizerFacts,
    TokenType,
    flag,
    numbers_of,
    special_ids,
    texts_of,
    trimmed,
)
from pytest_aprqa.core import ArtefactError, Json

_NO_MERGE: Final = "\u0100 \u0100"
"""A merge that makes no token. llama.cpp refuses a byte-level tokenizer without merges."""

_APR_ROLES: Final = {role: ("unknown" if role == "unk" else "padding" if role == "pad" else role) for role in ROLES}


def gguf_tokenizer_fields(facts: TokenizerFacts) -> dict[str, Json]:
    """The metadata that llama.cpp reads."""
    fields: dict[str, Json] = {
        "tokenizer.ggml.model": facts.model,
        "tokenizer.ggml.pre": facts.pre or "default",
        "tokenizer.ggml.tokens": list(facts.vocabulary),
        "tokenizer.ggml.token_type": list(facts.token_types),
    }
    if facts.model == SENTENCEPIECE:
        fields["tokenizer.ggml.scores"] = [float(score) for score in facts.scores or ()]
    else:
        fields["tokenizer.ggml.merges"] = list(facts.merges) or [_NO_MERGE]
    for role, index in facts.special.items():
        fields[f"tokenizer.ggml.{ROLES[role]}_token_id"] = index
    fields["tokenizer.ggml.add_bos_token"] = facts.begins_with_bos
    if facts.add_eos is not None:
        fields["tokenizer.ggml.add_eos_token"] = facts.add_eos
    if facts.add_space_prefix is not None:
        fields["tokenizer.ggml.add_space_prefix"] = facts.add_space_prefix
    if facts.chat_template is not None:
        fields["tokenizer.chat_template"] = facts.chat_template
    return fields


def gguf_tokenizer(fields: Mapping[str, Json], *, path: Path) -> TokenizerFacts | None:
    """What the metadata says; None where it has no tokens."""
    if "tokenizer.ggml.tokens" not in fields:
        return None
    vocabulary = texts_of(fields["tokenizer.ggml.tokens"], "tokenizer.ggml.tokens", path=path)
    said = {name.removeprefix("tokenizer.ggml."): value for name, value in fields.items()}
    merges = texts_of(said.get("merges"), "tokenizer.ggml.merges", path=path)
    return trimmed(
        TokenizerFacts(
            model=_text(said.get("model")) or "unknown",
            vocabulary=vocabulary,
            merges=() if merges == (_NO_MERGE,) else merges,
            token_types=_types(said.get("token_type"), len(vocabulary), path),
            special=special_ids(_by_role(said, ROLES), len(vocabulary), path=path),
            pre=_text(said.get("pre")),
            scores=numbers_of(said.get("scores"), "tokenizer.ggml.scores", len(vocabulary), path=path),
            add_bos=flag(said.get("add_bos_token")),
            add_eos=flag(said.get("add_eos_token")),
            add_space_prefix=flag(said.get("add_space_prefix")),
            chat_template=_text(fields.get("tokenizer.chat_template")),
        )
    )


def apr_tokenizer_keys(facts: TokenizerFacts, architecture: str) -> dict[str, Json]:
    """The metadata that Aprender's importers write."""
    keys: dict[str, Json] = {
        "tokenizer.model": facts.model,
        "tokenizer.model_type": "BPE",
        "tokenizer.architecture": architecture,
        "tokenizer.vocab_size": len(facts.vocabulary),
        "tokenizer.vocabulary": list(facts.vocabulary),
        "tokenizer.token_type": list(facts.token_types),
        "tokenizer.merges": list(facts.merges),
        "tokenizer.add_bos_token": facts.begins_with_bos,
    }
    optional: dict[str, Json] = {
        "tokenizer.pre_type": facts.pre,
        "tokenizer.scores": None if facts.scores is None else list(facts.scores),
        "tokenizer.add_eos_token": facts.add_eos,
        "tokenizer.add_space_prefix": facts.add_space_prefix,
        "tokenizer.chat_template": facts.chat_template,
        "chat_template": facts.chat_template,
    }
    keys |= {f"tokenizer.{_APR_ROLES[role]}_token_id": index for role, index in facts.special.items()}
    return keys | {key: value for key, value in optional.items() if value is not None}


def apr_tokenizer(metadata: Mapping[str, Json], *, path: Path) -> TokenizerFacts | None:
    """What the metadata says; None where it has no vocabulary."""
    if "tokenizer.vocabulary" not in metadata:
        return None
    vocabulary = texts_of(metadata["tokenizer.vocabulary"], "tokenizer.vocabulary", path=path)
    said = {name.removeprefix("tokenizer."): value for name, value in metadata.items()}
    merges = texts_of(said.get("merges"), "tokenizer.merges", path=path)
    scores = numbers_of(said.get("scores"), "tokenizer.scores", len(vocabulary), path=path)
    model = _text(said.get("model"))
    if model not in (BYTE_LEVEL, SENTENCEPIECE):
        model = SENTENCEPIECE if scores is not None and not merges else BYTE_LEVEL
    template = _text(metadata.get("tokenizer.chat_template")) or _text(metadata.get("chat_template"))
    return trimmed(
        TokenizerFacts(
            model=model,
            vocabulary=vocabulary,
            merges=merges,
            token_types=_types(said.get("token_type"), len(vocabulary), path),
            special=special_ids(_by_role(said, _APR_ROLES), len(vocabulary), path=path),
            pre=_text(said.get("pre_type")) or _text(said.get("pre")),
            scores=scores,
            add_bos=flag(said.get("add_bos_token")),
            add_eos=flag(said.get("add_eos_token")),
            add_space_prefix=flag(said.get("add_space_prefix")),
            chat_template=template,
        )
    )


def _by_role(said: Mapping[str, Json], words: Mapping[str, str]) -> dict[str, Json]:
    return {role: said.get(f"{word}_token_id") for role, word in words.items()}


def _types(value: Json, count: int, path: Path) -> tuple[int, ...]:
    """A type for each token; all normal where the file does not say."""
    numbers = numbers_of(value, "the list of token types", count, path=path)
    if numbers is None:
        return (int(TokenType.NORMAL),) * count
    if any(number not in TokenType.__members__.values() for number in set(numbers)):
        raise ArtefactError("a token has an unknown type", path=path, expected="1 to 6", found=f"{max(numbers)}")
    return tuple(int(number) for number in numbers)


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) else None
