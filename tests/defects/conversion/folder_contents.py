"""A model folder in Hugging Face's layout, opened for changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from pytest_aprqa.core import Json
from pytest_aprqa.formats import read_header
from tests.defects.conversion.gguf_contents import read_stored
from tests.defects.conversion.stored import Stored

WEIGHTS: Final = "model.safetensors"
_DOCUMENTS: Final = ("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json")
_ROPE: Final = {"rope_theta": "rope_theta", "rope_type": "rope_type", "rope_factor": "factor"}


class FolderContents:
    """See `contents.Contents`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.documents: dict[str, dict[str, Any]] = {
            name: json.loads((folder / name).read_text(encoding="utf-8"))
            for name in _DOCUMENTS
            if (folder / name).exists()
        }
        self.tensors = {name: read_stored(entry) for name, entry in read_header(folder / WEIGHTS).tensors.items()}

    @property
    def config(self) -> dict[str, Any]:
        """The content of config.json."""
        return self.documents["config.json"]

    @property
    def vocabulary(self) -> list[str]:
        ids = self._vocabulary_ids()
        return sorted(ids, key=ids.__getitem__)

    @vocabulary.setter
    def vocabulary(self, texts: list[str]) -> None:
        ids = {text: place for place, text in enumerate(texts)}
        tokenizer = self.documents["tokenizer.json"]
        tokenizer["model"]["vocab"] = {text: ids[text] for text in tokenizer["model"]["vocab"]}
        for token in tokenizer["added_tokens"]:
            token["id"] = ids[token["content"]]

    @property
    def merges(self) -> list[str]:
        found = self.documents["tokenizer.json"]["model"]["merges"]
        return [merge if isinstance(merge, str) else " ".join(merge) for merge in found]

    @merges.setter
    def merges(self, merges: list[str]) -> None:
        self.documents["tokenizer.json"]["model"]["merges"] = [merge.split(" ", 1) for merge in merges]

    @property
    def template(self) -> str | None:
        file = self.folder / "chat_template.jinja"
        return file.read_text(encoding="utf-8") if file.exists() else self._tokenizer_config.get("chat_template")

    @template.setter
    def template(self, text: str | None) -> None:
        file = self.folder / "chat_template.jinja"
        self._tokenizer_config.pop("chat_template", None)
        if text is None:
            file.unlink(missing_ok=True)
        else:
            file.write_text(text, encoding="utf-8")

    def state(self, word: str, value: Json) -> None:
        if word not in _ROPE:
            self.config[word] = value
            return
        rotary = self.config.get("rope_parameters") or self.config.get("rope_scaling")
        if isinstance(rotary, dict):
            rotary[_ROPE[word]] = value
        elif word == "rope_theta":
            self.config[word] = value
        else:
            self.config["rope_scaling"] = {_ROPE[word]: value}
        if word in self.config:
            self.config[word] = value

    def appoint(self, role: str, token: int) -> None:
        key = f"{role}_token_id"
        for name in ("config.json", "generation_config.json"):
            if key in self.documents.get(name, {}):
                self.documents[name][key] = token
        self._tokenizer_config[f"{role}_token"] = self.vocabulary[token]

    def begin_with_bos(self, wanted: bool) -> None:
        self._tokenizer_config["add_bos_token"] = wanted
        assert not wanted
        self.documents["tokenizer.json"]["post_processor"] = None

    def save(self) -> None:
        for name, document in self.documents.items():
            (self.folder / name).write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
        write_weights(self.folder / WEIGHTS, self.tensors)

    @property
    def _tokenizer_config(self) -> dict[str, Any]:
        return self.documents["tokenizer_config.json"]

    def _vocabulary_ids(self) -> dict[str, int]:
        tokenizer = self.documents["tokenizer.json"]
        added = {token["content"]: int(token["id"]) for token in tokenizer["added_tokens"]}
        return {**tokenizer["model"]["vocab"], **added}


def write_weights(path: Path, tensors: dict[str, Stored]) -> None:
    """Writes a safetensors file; by hand, since NumPy has no word for bfloat16."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    at = 0
    for name, it in tensors.items():
        header[name] = {"dtype": it.dtype, "shape": [*it.shape], "data_offsets": [at, at + it.raw.size]}
        at += it.raw.size
    text = json.dumps(header).encode()
    text = text.ljust(-(-len(text) // 8) * 8)
    with path.open("wb") as stream:
        stream.write(len(text).to_bytes(8, "little") + text)
        for it in tensors.values():
            stream.write(it.raw.tobytes())
