"""An .apr file, opened for changes."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pytest_aprqa.core import Json
from pytest_aprqa.formats import AprTensor, read_apr, write_apr
from tests.defects.conversion.gguf_contents import read_stored

_ALIASES: Final = {
    "num_hidden_layers": ("num_layers",),
    "num_attention_heads": ("num_heads",),
    "num_key_value_heads": ("num_kv_heads",),
    "tie_word_embeddings": ("tied_embeddings",),
}
"""APR's own words; whatever else has a word of config.json is said by that word."""
_TEMPLATES: Final = ("chat_template", "tokenizer.chat_template")


class AprContents:
    """See `contents.Contents`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        file = read_apr(path)
        self.metadata = dict(file.metadata)
        self.tensors = {name: read_stored(entry) for name, entry in file.tensors.items()}

    @property
    def vocabulary(self) -> list[str]:
        return self._texts("tokenizer.vocabulary")

    @vocabulary.setter
    def vocabulary(self, texts: list[str]) -> None:
        self.metadata["tokenizer.vocabulary"] = [*texts]

    @property
    def merges(self) -> list[str]:
        return self._texts("tokenizer.merges")

    @merges.setter
    def merges(self, merges: list[str]) -> None:
        if merges:
            self.metadata["tokenizer.merges"] = [*merges]
        else:
            del self.metadata["tokenizer.merges"]

    @property
    def template(self) -> str | None:
        return next((str(self.metadata[key]) for key in _TEMPLATES if key in self.metadata), None)

    @template.setter
    def template(self, text: str | None) -> None:
        for key in _TEMPLATES:
            if key in self.metadata and text is None:
                del self.metadata[key]
            elif key in self.metadata:
                self.metadata[key] = text

    def state(self, word: str, value: Json) -> None:
        if word in ("rope_type", "rope_factor"):
            self._scale_rope(word.removeprefix("rope_"), value)
            return
        known = [key for key in (word, *_ALIASES.get(word, ())) if key in self.metadata]
        for key in known or [word]:
            self.metadata[key] = value

    def appoint(self, role: str, token: int) -> None:
        for key in (f"tokenizer.{role}_token_id", f"{role}_token_id"):
            if key in self.metadata:
                self.metadata[key] = token

    def begin_with_bos(self, wanted: bool) -> None:
        self.metadata["tokenizer.add_bos_token"] = wanted

    def save(self) -> None:
        tensors = [
            AprTensor(name, it.dtype, it.shape, lambda it=it: it.raw)  # type: ignore[misc]
            for name, it in self.tensors.items()
        ]
        write_apr(self.path, self.metadata, tensors)

    def _scale_rope(self, word: str, value: Json) -> None:
        scaling = self.metadata.get("rope_scaling")
        said = dict(scaling) if isinstance(scaling, dict) else {}
        said["rope_type" if word == "type" else word] = value
        self.metadata["rope_scaling"] = said

    def _texts(self, key: str) -> list[str]:
        value = self.metadata[key]
        assert isinstance(value, list)
        return [str(text) for text in value]
