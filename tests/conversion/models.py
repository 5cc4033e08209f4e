"""Models for the tests of conversion: the tiny one of `tests.tiny` with a tokenizer or a size of one's own."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from pytest_aprqa.core import Json
from tests.tiny import make_tiny

PROBES = (
    "What is 12+345? It's 357, I'm sure; WE'LL see, they'Ve it.",
    "  two  spaces   three\t\ttabs \n\n\n  lines\r\nwindows",
    "x = foo_bar(1234567, 0.25)  # comment -- !!! ... ???",
    "é漢字かな 🦙🦙 нещо на Български ¿Qué? ǅungla Ünïcödé",
    "https://example.org/a/b?c=d&e=f/g//h",
    "    return self._config.value\n\n\n  y = 3",
    "3 33 333 3333 33333 333333",
    "a\u0301 combining, non\u00a0breaking, zero\u200bwidth",
)
"""Texts that splitting rules treat differently."""

_PLAIN: dict[str, Json] = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
"""What tokenizer.json says of an added token that nothing is special about."""


def make_with(folder: Path, tokenizer: Mapping[str, Json], config: Mapping[str, Json], rows: int) -> Path:
    """The tiny model with another tokenizer.json, and as many rows of embedding and head."""
    make_tiny(folder)
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    settings = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", **config}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    (folder / "generation_config.json").unlink()
    edit_config(folder, {"vocab_size": rows, "bos_token_id": 1, "eos_token_id": 2})
    tensors = load_file(folder / "model.safetensors")
    random = np.random.default_rng(0)
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        tensors[name] = random.normal(size=(rows, tensors[name].shape[1])).astype(np.float32)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def edit_config(folder: Path, changes: Mapping[str, object]) -> Path:
    """Changes keys of config.json; None removes one."""
    path = folder / "config.json"
    config = json.loads(path.read_text()) | dict(changes)
    path.write_text(json.dumps({key: value for key, value in config.items() if value is not None}))
    return folder


def edit_tokenizer(folder: Path, changes: Mapping[str, object]) -> Path:
    """Changes top-level keys of tokenizer.json."""
    path = folder / "tokenizer.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | dict(changes)))
    return folder


def byte_alphabet() -> list[str]:
    """The printable character of each byte (GPT-2's table)."""
    printable = {*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)}
    spare = iter(range(256, 512))
    return [chr(byte if byte in printable else next(spare)) for byte in range(256)]


def byte_level(pre_tokenizer: Json, merges: Iterable[str], *, ignore_merges: bool = False) -> dict[str, Json]:
    """A byte-level BPE tokenizer.json with three special tokens and these merges."""
    merged = list(merges)
    texts = ["<unk>", "<s>", "</s>", *byte_alphabet(), *(merge.replace(" ", "") for merge in merged)]
    vocab: dict[str, Json] = {text: index for index, text in enumerate(dict.fromkeys(texts))}
    return {
        "version": "1.0",
        "added_tokens": [
            {**_PLAIN, "id": index, "content": text, "special": True} for index, text in enumerate(texts[:3])
        ],
        "normalizer": None,
        "pre_tokenizer": pre_tokenizer,
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
        "model": {
            "type": "BPE",
            "vocab": vocab,
            "merges": [*merged],
            "ignore_merges": ignore_merges,
        },
    }
