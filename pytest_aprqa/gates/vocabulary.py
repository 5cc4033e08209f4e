"""Is the tokenizer there, and does it fit the embedding? Files, ids, special tokens and the chat template.

Files and metadata are only parsed: no tokenizer is built and no template is run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from pytest_aprqa.conversion import TokenizerFacts, TokenType
from pytest_aprqa.core import ArtefactError, Format, Json, Verdict, corroborated, falsified, inconclusive
from pytest_aprqa.formats import inside, read_json
from pytest_aprqa.gates.structure import excerpt
from pytest_aprqa.gates.subject import Subject

_FILES: Final = (
    ("tokenizer.json",),
    ("vocab.json", "merges.txt"),
    ("tokenizer.model",),
    ("spiece.model",),
    ("vocab.txt",),
    ("tekken.json",),
)
"""Any of these sets of files is a tokenizer."""

_BYTE_LEVEL: Final = "gpt2"
"""GGUF's word for BPE over bytes, which is nothing without its merges."""
_MAX_TEMPLATE_CHARACTERS: Final = 1 << 20
_SPECIAL_IDS: Final = ("bos_token_id", "eos_token_id", "pad_token_id")
_SPECIAL_TOKENS: Final = ("bos_token", "eos_token", "pad_token", "unk_token")


_Part = Callable[[Subject, int], int]


class _Problem(Exception):
    """A refutation found on the way."""


def judge_vocabulary(subject: Subject) -> Verdict:
    """Files are there and parse, ids are unique and below the embedding's height, the template parses."""
    embedding = subject.embedding
    if embedding is None or not embedding.shape:
        return inconclusive("there is no token embedding to compare the tokenizer with")
    rows = embedding.shape[0]
    parts: tuple[_Part, ...] = (_check_files, _check_ids, _check_special_ids, _check_template)
    if subject.format is not Format.SAFETENSORS:
        parts = (_check_embedded, _check_special_ids)
    try:
        compared = sum(part(subject, rows) for part in parts)
    except (_Problem, ArtefactError, OSError) as exc:
        return falsified(str(exc))
    return corroborated(f"{compared} tokens, special ids and files fit {rows} embedding rows", compared=compared)


def _check_files(subject: Subject, _rows: int) -> int:
    there = [files for files in _FILES if all((subject.folder / name).exists() for name in files)]
    if not there:
        raise _Problem("there is no tokenizer: neither " + ", ".join(" + ".join(files) for files in _FILES))
    return len([inside(subject.folder, name) for name in there[0]])


def _merged_tokens(facts: TokenizerFacts) -> int:
    """How many ordinary tokens are longer than one byte; in the byte-level alphabet a byte is one character."""
    kinds = facts.token_types or (TokenType.NORMAL,) * len(facts.vocabulary)
    return sum(kind == TokenType.NORMAL and len(text) > 1 for text, kind in zip(facts.vocabulary, kinds, strict=False))


def _check_embedded(subject: Subject, rows: int) -> int:
    """The tokenizer inside a .gguf or .apr file: every text once, merges of known texts, ids below the rows."""
    facts = subject.tokenizer
    if facts is None or not facts.vocabulary:
        raise _Problem("the file holds no tokenizer, and an engine has no other")
    if len(facts.vocabulary) > rows:
        raise _Problem(f"{len(facts.vocabulary)} tokens have {rows} rows of the embedding")
    known = Counter(facts.vocabulary)
    twice = [repr(text[:40]) for text, count in known.items() if count > 1]
    if twice:
        raise _Problem(f"{len(twice)} texts of the tokenizer have several ids: {excerpt(twice)}")
    if facts.model == _BYTE_LEVEL and not facts.merges and (merged := _merged_tokens(facts)):
        raise _Problem(f"{merged} tokens are merged of bytes by rules, and the file holds none")
    unknown = [merge for merge in facts.merges if merge.replace(" ", "", 1) not in known]
    if unknown:
        raise _Problem(f"{len(unknown)} of {len(facts.merges)} merges make no token, such as {unknown[0][:40]!r}")
    beyond = [f"{role} {id}" for role, id in facts.special.items() if not 0 <= id < len(facts.vocabulary)]
    if beyond:
        raise _Problem(f"special ids have no token: {', '.join(beyond)}")
    if facts.chat_template:
        _parse(facts.chat_template, _environment())
    return len(facts.vocabulary) + len(facts.special) + bool(facts.chat_template)


def _check_ids(subject: Subject, rows: int) -> int:
    """Ids of tokenizer.json or vocab.json; the other kinds need their own libraries to be read."""
    if (subject.folder / "tokenizer.json").exists():
        tokens = _tokens(read_json(inside(subject.folder, "tokenizer.json")))
        _check_named_tokens(subject, tokens)
    elif (subject.folder / "vocab.json").exists():
        tokens = _integers(read_json(inside(subject.folder, "vocab.json")))
    else:
        return 0
    if not tokens:
        raise _Problem("the tokenizer has no tokens")
    twice = [f"{id}" for id, count in Counter(tokens.values()).items() if count > 1]
    if twice:
        raise _Problem(f"{len(twice)} ids of the tokenizer stand for several tokens: {excerpt(twice)}")
    beyond = sorted(id for id in tokens.values() if not 0 <= id < rows)
    if beyond:
        raise _Problem(
            f"{len(beyond)} ids of the tokenizer, up to {beyond[-1]}, have no row among {rows} of the embedding"
        )
    return len(tokens)


def _tokens(tokenizer: Mapping[str, Json]) -> dict[str, int]:
    """Token to id, of the model's vocabulary and of the added tokens."""
    model = tokenizer.get("model")
    vocabulary = model.get("vocab") if isinstance(model, dict) else None
    if isinstance(vocabulary, list):
        # Unigram: (piece, score) pairs, the id is the position.
        pieces = (pair[0] if isinstance(pair, list) and pair else None for pair in vocabulary)
        tokens = {str(piece): id for id, piece in enumerate(pieces)}
    else:
        tokens = _integers(vocabulary) if isinstance(vocabulary, dict) else {}
    if not tokens:
        raise _Problem("tokenizer.json has no model.vocab")
    for text, id in _added(tokenizer.get("added_tokens")):
        if tokens.setdefault(text, id) != id:
            raise _Problem(f"the added token {text[:40]!r} has id {id}, the vocabulary says {tokens[text]}")
    return tokens


def _added(raw: Json) -> Iterator[tuple[str, int]]:
    for token in raw if isinstance(raw, list) else ():
        text, id = (token.get("content"), token.get("id")) if isinstance(token, dict) else (None, None)
        if not isinstance(text, str) or not isinstance(id, int):
            raise _Problem(f"tokenizer.json has a malformed added token: {str(token)[:80]}")
        yield text, id


def _integers(vocabulary: Mapping[str, Json]) -> dict[str, int]:
    tokens = {text: id for text, id in vocabulary.items() if isinstance(id, int) and not isinstance(id, bool)}
    if len(tokens) != len(vocabulary):
        raise _Problem("an id of the vocabulary is no integer")
    return tokens


def _check_named_tokens(subject: Subject, tokens: Mapping[str, int]) -> None:
    """The special tokens of tokenizer_config.json are tokens."""
    for name in _SPECIAL_TOKENS:
        token = _tokenizer_config(subject).get(name)
        text = token.get("content") if isinstance(token, dict) else token
        if isinstance(text, str) and text and text not in tokens:
            raise _Problem(f"{name} {text[:40]!r} of tokenizer_config.json is no token of the tokenizer")


def _check_special_ids(subject: Subject, rows: int) -> int:
    compared = 0
    files = [(subject.source, subject.settings)]
    if subject.format is Format.SAFETENSORS:
        files.append(("generation_config.json", _generation(subject)))
    for source, settings in files:
        for name in _SPECIAL_IDS:
            raw = settings.get(name)
            ids = raw if isinstance(raw, list) else [] if raw is None else [raw]
            for id in ids:
                # Old checkpoints write -1 for "no padding".
                absent = name == "pad_token_id" and id == -1
                if not absent and (not isinstance(id, int) or isinstance(id, bool) or not 0 <= id < rows):
                    raise _Problem(f"{name} {str(id)[:40]} of {source} has no row among {rows} of the embedding")
                compared += 1
    return compared


def _check_template(subject: Subject, _rows: int) -> int:
    """Chat templates parse as transformers would parse them; returns how many there are."""
    templates = list(_templates(subject))
    environment = _environment()
    for template in templates:
        _parse(template, environment)
    return len(templates)


def _environment() -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols", _Generation]
    )


def _parse(template: str, environment: ImmutableSandboxedEnvironment) -> None:
    if len(template) > _MAX_TEMPLATE_CHARACTERS:
        raise _Problem(f"the chat template has {len(template)} characters, at most {_MAX_TEMPLATE_CHARACTERS} are read")
    try:
        environment.parse(template)
    except (jinja2.TemplateError, RecursionError, ValueError) as exc:
        raise _Problem(f"the chat template does not parse: {str(exc)[:200] or type(exc).__name__}") from exc


def _templates(subject: Subject) -> Iterator[str]:
    if (subject.folder / "chat_template.jinja").exists():
        with inside(subject.folder, "chat_template.jinja").open(encoding="utf-8", errors="replace") as stream:
            yield stream.read(_MAX_TEMPLATE_CHARACTERS + 1)
    raw = _tokenizer_config(subject).get("chat_template")
    for item in raw if isinstance(raw, list) else [raw]:
        text = item.get("template") if isinstance(item, dict) else item
        if text is not None and not isinstance(text, str):
            raise _Problem("the chat template of tokenizer_config.json is no text")
        if text:
            yield text


def _tokenizer_config(subject: Subject) -> dict[str, Json]:
    return _optional(subject.folder, "tokenizer_config.json")


def _generation(subject: Subject) -> dict[str, Json]:
    return _optional(subject.folder, "generation_config.json")


def _optional(folder: Path, name: str) -> dict[str, Json]:
    return read_json(inside(folder, name)) if (folder / name).exists() else {}


class _Generation(Extension):
    """The ``{% generation %}`` block with which templates mark the assistant's words for training."""

    tags = {"generation"}  # noqa: RUF012  # jinja2 reads it from the class

    def parse(self, parser: Parser) -> list[nodes.Node]:
        """Parses the block's body and drops the marks."""
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)
