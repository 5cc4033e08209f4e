"""Small edits of a model folder: its JSON files, its tensors, its bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

Tensors = dict[str, np.ndarray[Any, Any]]


@contextmanager
def edited_json(path: Path) -> Iterator[dict[str, Any]]:
    """The file's object, written back at the end; an absent file starts empty."""
    value = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    yield value
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")


@contextmanager
def edited_tensors(folder: Path) -> Iterator[Tensors]:
    """All tensors by name, written back at the end; assign new arrays rather than change one in place."""
    tensors: Tensors = load_file(folder / "model.safetensors")
    yield tensors
    save_file(
        {name: np.ascontiguousarray(values) for name, values in tensors.items()},
        folder / "model.safetensors",
        metadata={"format": "pt"},
    )


def set_config(folder: Path, **values: object) -> None:
    with edited_json(folder / "config.json") as config:
        config.update(values)


def config_of(folder: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return value


def stop_ids(folder: Path) -> list[int]:
    """Every id that ends the model's turn, by config.json, the generation configuration and the tokenizer."""
    ids: list[int] = []
    for name in ("config.json", "generation_config.json"):
        if (folder / name).exists():
            raw = json.loads((folder / name).read_text(encoding="utf-8")).get("eos_token_id")
            ids += raw if isinstance(raw, list) else [] if raw is None else [raw]
    token = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8")).get("eos_token")
    text = token["content"] if isinstance(token, dict) else token
    return sorted({*ids, *([token_id(folder, text)] if text else [])})


def token_id(folder: Path, text: str) -> int:
    """The id of a token, special or not."""
    tokenizer = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    added = {token["content"]: token["id"] for token in tokenizer["added_tokens"]}
    return int((tokenizer["model"]["vocab"] | added)[text])


EMBEDDING, HEAD, NORM = "model.embed_tokens.weight", "lm_head.weight", "model.norm.weight"


def say_only(folder: Path, ids: list[int]) -> None:
    """Makes the model say one of `ids` whatever it is asked, with finite weights of the right shapes.

    Every embedding gets the same large value on one axis, so that this axis drowns the residual stream; the output rows
    of `ids` weigh that axis more than all others.
    """
    with edited_tensors(folder) as tensors:
        embedding = tensors[EMBEDDING].astype(np.float32)
        axis = int(np.argmax(tensors[NORM]))
        loud = 500.0
        embedding[:, axis] = loud
        head = embedding if HEAD not in tensors else tensors[HEAD].astype(np.float32)
        head[:, axis] = 1.0 if HEAD in tensors else loud
        head[ids, axis] *= 10.0
        tensors[EMBEDDING] = embedding.astype(tensors[EMBEDDING].dtype)
        if HEAD in tensors:
            tensors[HEAD] = head.astype(tensors[HEAD].dtype)
