"""tokenizer.json, tokenizer_config.json and generation_config.json, made of what another format says.

GGUF and APR keep the name of the splitting rule, not the rule; the rule comes from `pre_tokenizers`. What they do not
keep at all (how added tokens treat the white space around them) gets the usual values.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pytest_aprqa.conversion.pre_tokenizers import PRE_TOKENIZERS, PreTokenizer, named, structure_of
from pytest_aprqa.conversion.tokens import BYTE_LEVEL, SENTENCEPIECE, TokenizerFacts, TokenType
from pytest_aprqa.core import ArtefactError, Json

_BLANK: Final = "\u2581"
_BYTE_LEVEL: Final[dict[str, Json]] = {
    "type": "ByteLevel",
    "add_prefix_space": False,
    "trim_offsets": True,
    "use_regex": True,
}


def tokenizer_json(facts: TokenizerFacts, *, path: Path) -> dict[str, Json]:
    """The content of tokenizer.json.

    Args:
        facts: of a file of another format.
        path: that file, for errors.

    Raises:
        ArtefactError: a kind of tokenizer or a name of a splitting rule that is not known.
    """
    if facts.model == BYTE_LEVEL:
        parts = _byte_level(facts, _rule(facts, path))
    elif facts.model == SENTENCEPIECE:
        parts = _sentencepiece(facts)
    else:
        raise ArtefactError(
            "this kind of tokenizer cannot be written as tokenizer.json",
            path=path,
            expected=f"{BYTE_LEVEL} or {SENTENCEPIECE}",
            found=repr(facts.model)[:80],
        )
    return {"version": "1.0", "added_tokens": _added(facts), "post_processor": _post_processor(facts), **parts}


def tokenizer_config(facts: TokenizerFacts, context: Json) -> dict[str, Json]:
    """The content of tokenizer_config.json.

    Args:
        facts: of a file of another format.
        context: ``max_position_embeddings``, if the file says it.
    """
    texts = {f"{role}_token": facts.vocabulary[facts.special[role]] for role in _TOKEN_ROLES if role in facts.special}
    config: dict[str, Json] = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        **texts,
        "add_bos_token": facts.begins_with_bos and "bos" in facts.special,
        "add_eos_token": bool(facts.add_eos) and "eos" in facts.special,
        "clean_up_tokenization_spaces": False,
    }
    optional = {"model_max_length": context, "chat_template": facts.chat_template}
    return config | {key: value for key, value in optional.items() if value is not None}


def generation_config(facts: TokenizerFacts) -> dict[str, Json]:
    """The content of generation_config.json: which ids begin, end and pad."""
    ids = special_token_ids(facts)
    stops = [facts.special[role] for role in ("eos", "eot", "eom") if role in facts.special]
    return ids | ({"eos_token_id": list(dict.fromkeys(stops))} if len(set(stops)) > 1 else {})


def special_token_ids(facts: TokenizerFacts) -> dict[str, Json]:
    """As config.json names them."""
    return {f"{role}_token_id": facts.special[role] for role in ("bos", "eos", "pad") if role in facts.special}


_TOKEN_ROLES: Final = ("bos", "eos", "unk", "pad", "sep", "mask")


def _rule(facts: TokenizerFacts, path: Path) -> PreTokenizer:
    # llama.cpp itself takes its default rule where a file names none.
    rule = named(facts.pre or "default")
    if rule is None:
        raise ArtefactError(
            "the pre-tokenizer's name is not known",
            path=path,
            expected=", ".join(name for rule in PRE_TOKENIZERS for name in rule.names),
            found=repr(facts.pre)[:80],
        )
    return rule


def _byte_level(facts: TokenizerFacts, rule: PreTokenizer) -> dict[str, Json]:
    model = _bpe(facts, facts.merges)
    if rule.ignore_merges:
        model["ignore_merges"] = True
    return {
        "normalizer": None if rule.normalizer is None else {"type": rule.normalizer},
        "pre_tokenizer": structure_of(rule),
        "decoder": dict(_BYTE_LEVEL),
        "model": model,
    }


def _sentencepiece(facts: TokenizerFacts) -> dict[str, Json]:
    prefix = facts.add_space_prefix is not False
    replace: Json = {"type": "Replace", "pattern": {"String": " "}, "content": _BLANK}
    prepend: list[Json] = [{"type": "Prepend", "prepend": _BLANK}] if prefix else []
    strip: list[Json] = [{"type": "Strip", "content": " ", "start": 1, "stop": 0}] if prefix else []
    back: Json = {"type": "Replace", "pattern": {"String": _BLANK}, "content": " "}
    model = _bpe(facts, facts.merges or _merges_of(facts))
    model |= {"byte_fallback": True, "fuse_unk": True}
    if "unk" in facts.special:
        model["unk_token"] = facts.vocabulary[facts.special["unk"]]
    return {
        "normalizer": {"type": "Sequence", "normalizers": [*prepend, replace]},
        "pre_tokenizer": None,
        "decoder": {"type": "Sequence", "decoders": [back, {"type": "ByteFallback"}, {"type": "Fuse"}, *strip]},
        "model": model,
    }


def _bpe(facts: TokenizerFacts, merges: tuple[str, ...]) -> dict[str, Json]:
    return {
        "type": "BPE",
        "vocab": {token: index for index, token in enumerate(facts.vocabulary)},
        "merges": [list(merge.split(" ", 1)) for merge in merges],
    }


def _merges_of(facts: TokenizerFacts) -> tuple[str, ...]:
    """The merges that SentencePiece's scores amount to: every way to make a token of two, best token first."""
    index_of = {text: index for index, text in enumerate(facts.vocabulary)}
    plain = [index for index, kind in enumerate(facts.token_types) if kind == TokenType.NORMAL]
    scores = facts.scores or (0.0,) * len(facts.vocabulary)
    merges: list[str] = []
    for index in sorted(plain, key=lambda index: (-scores[index], index)):
        text = facts.vocabulary[index]
        halves = ((text[:cut], text[cut:]) for cut in range(1, min(len(text), _LONGEST_TOKEN)))
        pairs = [(left, right) for left, right in halves if left in index_of and right in index_of]
        merges += [f"{left} {right}" for left, right in sorted(pairs, key=lambda pair: _places(index_of, pair))]
    return tuple(merges)


_LONGEST_TOKEN: Final = 256
"""Longer texts are special tokens or an attack; no merge makes them."""


def _places(index_of: Mapping[str, int], pair: tuple[str, str]) -> tuple[int, int]:
    return index_of[pair[0]], index_of[pair[1]]


def _added(facts: TokenizerFacts) -> list[Json]:
    """Tokens that are found in text before it is split."""
    kinds = {TokenType.CONTROL: True, TokenType.UNKNOWN: True, TokenType.USER_DEFINED: False}
    return [
        _added_token(index, text, special=kinds[TokenType(kind)])
        for index, (text, kind) in enumerate(zip(facts.vocabulary, facts.token_types, strict=True))
        if kind in kinds
    ]


def _added_token(index: int, text: str, *, special: bool) -> Json:
    plain: dict[str, Json] = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {"id": index, "content": text, "special": special, **plain}


def _post_processor(facts: TokenizerFacts) -> Json:
    """BOS in front and EOS behind, where the file asks for them."""
    first = _special(facts, "bos", facts.begins_with_bos)
    last = _special(facts, "eos", bool(facts.add_eos))
    if first is None and last is None:
        return None
    ends = {text: facts.special[role] for role, text in (("bos", first), ("eos", last)) if text is not None}

    def around(name: str, kind: int) -> list[Json]:
        pieces: list[Json] = [] if first is None else [_piece(first, kind)]
        pieces.append({"Sequence": {"id": name, "type_id": kind}})
        return pieces if last is None else [*pieces, _piece(last, kind)]

    return {
        "type": "TemplateProcessing",
        "single": around("A", 0),
        "pair": [*around("A", 0), *around("B", 1)],
        "special_tokens": {text: {"id": text, "ids": [index], "tokens": [text]} for text, index in ends.items()},
    }


def _piece(text: str, kind: int) -> Json:
    return {"SpecialToken": {"id": text, "type_id": kind}}


def _special(facts: TokenizerFacts, role: str, wanted: bool) -> str | None:
    return facts.vocabulary[facts.special[role]] if wanted and role in facts.special else None
