"""The subject of the integrity gateway: a model folder, read once, with what could not be read said in words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_aprqa.core import ArtefactError, Json
from pytest_aprqa.formats import Checkpoint, TensorEntry, open_checkpoint, read_config
from pytest_aprqa.gates.architecture import Architecture, architecture_of
from pytest_aprqa.gates.sizes import Sizes, language_config, sizes_of

_EMBEDDINGS: Final = (
    "embed_tokens.weight",
    "wte.weight",
    "word_embeddings.weight",
    "embed_in.weight",
    "tok_embeddings.weight",
    "embeddings.weight",
    "embedding.weight",
)
_HEADS: Final = ("lm_head.weight", "embed_out.weight", "output.weight")
_LAYER: Final = re.compile(r"(.*?\b(?:layers|layer|h|blocks|block)\.)(\d{1,6})\.(.+)")
_OTHER_TOWERS: Final = ("vision", "visual", "audio", "encoder.")
_BUFFERS: Final = re.compile(r"(?:inv_freq|position_ids|masked_bias|attn\.bias|attention\.bias|rotary_emb\..+)$")


@dataclass(frozen=True, slots=True)
class Subject:
    """What is judged."""

    folder: Path
    expected: Mapping[str, int]
    """The playbook's ``expected_*`` numbers."""
    config: Mapping[str, Json] | None
    """The language model's part of config.json; None when it could not be read."""
    config_problem: str
    """Why it could not."""
    checkpoint: Checkpoint | None
    """None when a weight file is missing or broken."""
    checkpoint_problem: str

    @property
    def tensors(self) -> Mapping[str, TensorEntry]:
        """Tensors by name; empty without a checkpoint."""
        return self.checkpoint.tensors if self.checkpoint else {}

    @property
    def settings(self) -> Mapping[str, Json]:
        """config.json; empty when it could not be read."""
        return self.config or {}

    @property
    def sizes(self) -> Sizes:
        """What config.json says of sizes."""
        return sizes_of(self.settings)

    @property
    def architecture(self) -> Architecture | None:
        """None when we do not know its tensors."""
        return architecture_of(self.settings)

    @property
    def embedding(self) -> TensorEntry | None:
        """The token embedding, (vocab, hidden)."""
        return _by_suffix(self.tensors, _EMBEDDINGS)

    @property
    def head(self) -> TensorEntry | None:
        """The output head, (vocab, hidden); absent when it is tied to the embedding."""
        return _by_suffix(self.tensors, _HEADS)

    @property
    def weights(self) -> dict[str, TensorEntry]:
        """The tensors that are learned: without masks and position tables that old checkpoints carry."""
        return {name: entry for name, entry in self.tensors.items() if not _BUFFERS.search(name)}

    @property
    def layers(self) -> dict[int, dict[str, TensorEntry]]:
        """Layer number to the layer's tensors, by their names within it; the largest stack of the language model."""
        stacks: dict[str, dict[int, dict[str, TensorEntry]]] = {}
        for name, entry in self.weights.items():
            match = _LAYER.match(name)
            if match and not any(word in name for word in _OTHER_TOWERS):
                prefix, number, rest = match.groups()
                stacks.setdefault(prefix, {}).setdefault(int(number), {})[rest] = entry
        return max(stacks.values(), key=lambda stack: sum(map(len, stack.values())), default={})


def read_subject(folder: Path, expected: Mapping[str, int]) -> Subject:
    """Reads config.json and all headers; never raises for what the folder holds."""
    config, config_problem = None, ""
    checkpoint, checkpoint_problem = None, ""
    try:
        config = language_config(read_config(folder))
    except ArtefactError as exc:
        config_problem = str(exc)
    try:
        checkpoint = open_checkpoint(folder)
    except ArtefactError as exc:
        checkpoint_problem = str(exc)
    return Subject(folder, expected, config, config_problem, checkpoint, checkpoint_problem)


def _by_suffix(tensors: Mapping[str, TensorEntry], suffixes: tuple[str, ...]) -> TensorEntry | None:
    """The first tensor whose name ends so, outside the layers and other towers."""
    for suffix in suffixes:
        for name, entry in tensors.items():
            inside = _LAYER.match(name) or any(word in name for word in _OTHER_TOWERS)
            if (name == suffix or name.endswith(f".{suffix}")) and not inside:
                return entry
    return None
