"""The subject of the integrity gateway: a model folder or file, read once; what could not be read is said in words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pytest_aprqa.conversion import ModelView, TokenizerFacts, format_of, open_model
from pytest_aprqa.core import ArtefactError, Format, Json
from pytest_aprqa.formats import Checkpoint, TensorEntry, open_checkpoint, read_apr, read_config, read_gguf
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
    format: Format = Format.SAFETENSORS
    tokenizer: TokenizerFacts | None = None
    """What a .gguf or .apr file says of its tokenizer; a folder's is read from its own files."""

    @property
    def source(self) -> str:
        """Where the configuration stands, for sentences."""
        return "config.json" if self.format is Format.SAFETENSORS else "the metadata"

    @property
    def tensors(self) -> Mapping[str, TensorEntry]:
        """Tensors by name; empty without a checkpoint."""
        return self.checkpoint.tensors if self.checkpoint else {}

    @property
    def settings(self) -> Mapping[str, Json]:
        """The configuration; empty when it could not be read."""
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
        return {name: entry for name, entry in self.tensors.items() if not is_buffer(name)}

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


def read_file(path: Path, expected: Mapping[str, int]) -> Subject:
    """Reads the headers of a .gguf or .apr file; never raises for what it holds."""
    format, stored, view = Format.GGUF, {}, None
    container_problem, config_problem = "", ""
    try:
        format = format_of(path)
        stored = dict((read_apr(path) if format is Format.APR else read_gguf(path)).tensors)
    except ArtefactError as exc:
        container_problem = str(exc)
    else:
        try:
            view = open_model(path)
        except ArtefactError as exc:
            config_problem = str(exc)
    tensors = _renamed(view) if view else stored
    return Subject(
        path.parent,
        expected,
        language_config(view.config) if view else None,
        config_problem or container_problem,
        None if container_problem else Checkpoint(path.parent, (path,), tensors),
        container_problem,
        format,
        view.tokenizer if view else None,
    )


def _renamed(view: ModelView) -> dict[str, TensorEntry]:
    """The file's tensors by Hugging Face's names; those of no architecture keep their own, in Hugging Face's manner."""
    known = {name: replace(tensor.entry, name=name, shape=tensor.shape) for name, tensor in view.tensors.items()}
    foreign = {re.sub(r"^blk\.", "model.layers.", name): view.stored[name] for name in view.foreign}
    return foreign | known


def is_buffer(name: str) -> bool:
    """True for masks and position tables that old checkpoints carry: nothing in them was learned."""
    return _BUFFERS.search(name) is not None


def _by_suffix(tensors: Mapping[str, TensorEntry], suffixes: tuple[str, ...]) -> TensorEntry | None:
    """The first tensor whose name ends so, outside the layers and other towers."""
    for suffix in suffixes:
        for name, entry in tensors.items():
            inside = _LAYER.match(name) or any(word in name for word in _OTHER_TOWERS)
            if (name == suffix or name.endswith(f".{suffix}")) and not inside:
                return entry
    return None
