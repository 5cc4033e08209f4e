"""Does config.json describe the tensors that are there? One function for each gate, all of the same shape.

Each is called only when what it needs could be read (see `integrity`).
"""

from __future__ import annotations

from collections import Counter
from typing import Final

import numpy as np

from pytest_aprqa.core import Format, Json, Verdict, corroborated, falsified, inconclusive
from pytest_aprqa.formats import APR_TYPES, BLOCK_TYPES, TensorEntry, blocks, readable
from pytest_aprqa.gates.architecture import ARCHITECTURES, is_known
from pytest_aprqa.gates.sizes import written_name
from pytest_aprqa.gates.subject import Subject
from pytest_aprqa.kernels import EXPECTED

_REQUIRED: Final = ("hidden", "layers", "heads", "vocab")
_REQUIRED_IN_FILE: Final = (*_REQUIRED, "inner")
"""There is no class with defaults behind a .gguf or .apr file: its engine needs every number."""
_NEEDED: Final = (("max_position_embeddings",), ("rms_norm_eps", "layer_norm_eps", "norm_epsilon"))
"""Of each, one key must be in such a file."""
_OWN_GATE: Final = frozenset({"expected_hidden_dim", "expected_num_layers", "expected_vocab_size"})
"""Compared with the tensors too, by the gates of width, layers and vocabulary."""

_DTYPES: Final = {
    "float64": "F64",
    "float32": "F32",
    "float16": "F16",
    "bfloat16": "BF16",
    "float8_e4m3fn": "F8_E4M3",
    "float8_e5m2": "F8_E5M2",
}


def judge_config(subject: Subject) -> Verdict:
    """config.json names an architecture, its numbers fit one another and the playbook's."""
    if subject.config is None:
        return falsified(subject.config_problem)
    config, sizes = subject.config, subject.sizes
    problems = _naming_problems(subject)
    problems += [
        f"{written_name(config, word)} is missing or no positive integer"
        for word in (_REQUIRED if subject.format is Format.SAFETENSORS else _REQUIRED_IN_FILE)
        if sizes.named(word) is None and "text_config" not in config
    ]
    if subject.format is not Format.SAFETENSORS:
        problems += [f"{keys[0]} is missing" for keys in _NEEDED if all(config.get(key) is None for key in keys)]
    if sizes.hidden and sizes.heads and not isinstance(config.get("head_dim"), int) and sizes.hidden % sizes.heads:
        problems.append(f"hidden_size {sizes.hidden} is no multiple of {sizes.heads} heads, and head_dim is not given")
    if sizes.heads and sizes.kv_heads and sizes.heads % sizes.kv_heads:
        problems.append(f"{sizes.heads} heads is no multiple of {sizes.kv_heads} key-value heads")
    wishes = {key: word for key, word in EXPECTED.items() if key in subject.expected and key not in _OWN_GATE}
    for key, word in wishes.items():
        if sizes.named(word) != subject.expected[key]:
            problems.append(f"{key} is {subject.expected[key]}, {subject.source} says {sizes.named(word)}")
    compared = 2 + len(_REQUIRED) + len(wishes)
    if problems:
        return falsified("; ".join(problems), compared=compared)
    return corroborated(f"model type {config.get('model_type')} with consistent numbers", compared=compared)


def _naming_problems(subject: Subject) -> list[str]:
    model_type, classes = subject.settings.get("model_type"), subject.settings.get("architectures")
    if not isinstance(model_type, str) or not model_type:
        return [f"{subject.source} names no model_type"]
    if not is_known(model_type) and not subject.settings.get("auto_map"):
        return [f"model_type {model_type!r} is no architecture that we or the installed transformers know"]
    known = ARCHITECTURES.get(model_type)
    if known and isinstance(classes, list) and not any(str(name).startswith(known.class_prefix) for name in classes):
        return [f"architectures {classes} is not of model_type {model_type!r}"]
    return []


def judge_shards(subject: Subject) -> Verdict:
    """Every weight file is there and sound; reading them has shown it."""
    if subject.checkpoint is None:
        return falsified(subject.checkpoint_problem)
    files, tensors = subject.checkpoint.files, subject.checkpoint.tensors
    return corroborated(f"{len(files)} files with {len(tensors)} tensors fill their bounds", compared=len(tensors))


def judge_layers(subject: Subject) -> Verdict:
    """The layers in the tensor names are 0 to num_hidden_layers - 1."""
    present, declared = sorted(subject.layers), subject.sizes.layers
    if declared is None:
        return inconclusive(f"{subject.source} gives no number of layers")
    if not present:
        return falsified(f"no tensor belongs to a layer, {subject.source} says {declared} layers")
    extra = subject.settings.get("num_nextn_predict_layers")
    allowed = {declared, declared + extra} if isinstance(extra, int) else {declared}
    wished = subject.expected.get("expected_num_layers", declared)
    if present != list(range(len(present))) or len(present) not in allowed:
        return falsified(
            f"{subject.source} says {declared} layers, the tensors have {len(present)}, "
            f"from {present[0]} to {present[-1]}",
            compared=len(present),
        )
    if wished != declared:
        return falsified(f"the playbook expects {wished} layers, the model has {declared}", compared=len(present))
    return corroborated(f"{len(present)} layers", compared=len(present))


def judge_hidden(subject: Subject) -> Verdict:
    """The embedding is hidden_size wide."""
    return _judge_embedding(subject, 1, "hidden", "expected_hidden_dim")


def judge_vocab(subject: Subject) -> Verdict:
    """The embedding is vocab_size high."""
    return _judge_embedding(subject, 0, "vocab", "expected_vocab_size")


def _judge_embedding(subject: Subject, axis: int, word: str, key: str) -> Verdict:
    """Config, tensor and the playbook's wish, if any, must be one number."""
    embedding, declared = subject.embedding, subject.sizes.named(word)
    name = written_name(subject.settings, word)
    if embedding is None or len(embedding.shape) != 2:
        return falsified("there is no token embedding of two axes among the tensors")
    if declared is None:
        return inconclusive(f"{subject.source} gives no {name}")
    found = embedding.shape[axis]
    if found != declared:
        return falsified(f"{name} is {declared}, axis {axis} of {embedding.name} {list(embedding.shape)} is {found}")
    wished = subject.expected.get(key, declared)
    if wished != declared:
        return falsified(f"{key} is {wished}, the model has {declared}", compared=2)
    return corroborated(f"{name} {declared} is axis {axis} of {embedding.name}", compared=1 + (key in subject.expected))


def judge_dtype(subject: Subject) -> Verdict:
    """Weights are floating-point, and most of them of the type that config.json declares.

    Norms kept in a wider type than the matrices are usual, so the type of most values counts.
    """
    weights = subject.weights
    quantized = isinstance(subject.settings.get("quantization_config"), dict)
    wrong = [entry for entry in weights.values() if not is_weight_type(entry)]
    if wrong and not quantized:
        return falsified(
            f"{len(wrong)} of {len(weights)} weights are not floating-point: {wrong[0].name} is {wrong[0].dtype}",
            compared=len(weights),
        )
    values: Counter[str] = Counter()
    for entry in weights.values():
        values[entry.dtype] += entry.values
    most = max(values, key=lambda dtype: values[dtype], default="")
    declared = subject.settings.get("torch_dtype") or subject.settings.get("dtype")
    wanted = _DTYPES.get(str(declared).removeprefix("torch."))
    if wanted and wanted != most and not quantized:
        return falsified(f"{subject.source} says {declared}, most values are {most}", compared=len(weights))
    return corroborated(f"most values are {most}, {subject.source} says {declared or 'nothing'}", compared=len(weights))


def is_weight_type(entry: TensorEntry) -> bool:
    """Floating-point numbers, or blocks of quantized ones."""
    return entry.floating or entry.dtype in BLOCK_TYPES or entry.dtype in APR_TYPES


def judge_tied(subject: Subject) -> Verdict:
    """The head is there, or the embedding stands for it, as config.json says."""
    declared, head, embedding = subject.settings.get("tie_word_embeddings"), subject.head, subject.embedding
    known = subject.architecture
    tied = declared if isinstance(declared, bool) else known.tied if known else None
    if tied is None:
        tied = head is None
    word = f"tie_word_embeddings is {str(tied).lower()}" + ("" if declared is not None else " by default")
    if embedding is None:
        return inconclusive("there is no token embedding to compare the head with")
    if head is None:
        if declared is None and known is None:
            return inconclusive(f"there is no output head, and {subject.source} does not say whether it is tied")
        return (
            corroborated(f"{word}, and there is no head", compared=1)
            if tied
            else falsified(f"{word}, but there is no output head")
        )
    if head.shape != embedding.shape:
        return falsified(f"{head.name} is {list(head.shape)}, {embedding.name} is {list(embedding.shape)}")
    if not tied:
        return corroborated(f"{word}, and {head.name} is there", compared=1)
    return _judge_equal(head, embedding, word)


def _judge_equal(head: TensorEntry, embedding: TensorEntry, word: str) -> Verdict:
    if not (readable(head) and readable(embedding)):
        return inconclusive(f"{word}, but {head.dtype} and {embedding.dtype} cannot be compared here")
    pairs = zip(blocks(head), blocks(embedding), strict=True)
    different = sum(int(np.count_nonzero(left != right)) for left, right in pairs)
    if different:
        return falsified(
            f"{word}, but {different} of {head.values} values of {head.name} differ from {embedding.name}",
            compared=head.values,
        )
    return corroborated(f"{word}, and {head.name} equals {embedding.name}", compared=head.values)


def excerpt(items: list[str], limit: int = 5) -> Json:
    """The first few, for details."""
    return [*items[:limit], *([f"and {len(items) - limit} more"] if len(items) > limit else [])]
