"""Holds a kernel profile against the names and shapes of the tensors: what disagrees, and what they settle.

Knows the names of Hugging Face's llama-like layers and of GPT-2's; of others it compares nothing, and says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from pytest_aprqa.kernels.operation import Aspect, Operation
from pytest_aprqa.kernels.profile import KernelProfile, with_answers

Shapes = Mapping[str, tuple[int, ...]]
"""Tensor name to its shape, slowest axis first."""

_LAYER: Final = re.compile(r"(?:.*\.)?(?:layers|h|blocks)\.(\d{1,4})\.(.+)")
_OTHER_PART: Final = re.compile(r"(?:vision|visual|audio|image)", re.ASCII)
"""In names of what sees or hears; it has layers of its own."""
_EMBEDDING: Final = re.compile(r"(?:.*\.)?(?:embed_tokens|wte|embed_in|word_embeddings|tok_embeddings)\.weight")
_HEAD: Final = re.compile(r"(?:.*\.)?(?:lm_head|embed_out|output)\.weight")
_SIGNS: Final[tuple[tuple[str, Aspect, str], ...]] = (
    (r"self_attn\.(q_proj|qkv_proj|query_key_value|q_a_proj|kv_a_proj_with_mqa)\.bias", Aspect.BIAS, "bias_qkv"),
    (r"self_attn\.(o_proj|out_proj|dense)\.bias", Aspect.BIAS, "bias_o"),
    (r"(mlp\.)?(down_proj|c_proj|fc2)\.bias", Aspect.BIAS, "bias_mlp"),
    (r"self_attn\.(q_norm|q_layernorm)\..*", Aspect.QK_NORM, "qk_norm"),
    (r"(mlp|block_sparse_moe|feed_forward)\.experts\..*", Aspect.EXPERTS, "mixture_of_experts"),
)
"""Tensors of a layer that are there exactly when the operation is."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What came of looking."""

    profile: KernelProfile
    """With what the tensors settle."""
    compared: int
    """How many facts could be held against a tensor."""
    disagreements: tuple[str, ...]
    """One sentence each."""


@dataclass(frozen=True, slots=True)
class _Compared:
    ok: bool
    sentence: str


def verify(profile: KernelProfile, shapes: Shapes) -> Verified:
    """Compares every fact that a tensor can show, and settles open aspects that tensors decide."""
    shapes = {name: shape for name, shape in shapes.items() if not _OTHER_PART.search(name)}
    layer = _any_layer(shapes)
    compared = [*_sizes(profile, shapes, layer), *_signs(profile, layer)]
    wrong = tuple(each.sentence for each in compared if not each.ok)
    return Verified(_settled(profile, shapes, layer), len(compared), wrong)


def _any_layer(shapes: Shapes) -> dict[str, tuple[int, ...]]:
    """What is in some layer, without the layer's own name; of several shapes the first: few layers differ."""
    found: dict[str, tuple[int, ...]] = {}
    for name, shape in shapes.items():
        if match := _LAYER.fullmatch(name):
            found.setdefault(match[2], shape)
    return found


def _sizes(profile: KernelProfile, shapes: Shapes, layer: Shapes) -> Iterator[_Compared]:
    facts = profile.facts
    embedding = next((shape for name, shape in shapes.items() if _EMBEDDING.fullmatch(name)), ())
    if len(embedding) == 2:
        yield from _equal("vocabulary", facts.vocab, embedding[0])
        yield from _equal("hidden size", facts.hidden, embedding[1])
    numbers = {int(match[1]) for name in shapes if (match := _LAYER.fullmatch(name))}
    if numbers:
        yield from _equal("number of layers", facts.layers, len(numbers))
    gate = layer.get("mlp.gate_proj.weight", ())
    if len(gate) == 2 and not facts.experts:
        yield from _equal("width of the feed-forward layer", facts.inner, gate[0])
    yield from _key_heads(profile, layer)


def _key_heads(profile: KernelProfile, layer: Shapes) -> Iterator[_Compared]:
    """Rows of k are as many heads as config.json gives keys."""
    query, key = layer.get("self_attn.q_proj.weight"), layer.get("self_attn.k_proj.weight")
    heads, kv_heads = profile.facts.heads, profile.facts.kv_heads
    if query and key and heads and kv_heads:
        width = profile.facts.head or query[0] // heads
        said = f"{kv_heads} heads with keys, {width} wide"
        yield _Compared(key[0] == kv_heads * width, f"config.json says {said}; k_proj has {key[0]} rows")


def _equal(what: str, said: int | None, seen: int) -> Iterator[_Compared]:
    if said is not None:
        yield _Compared(said == seen, f"{what}: config.json says {said}, the tensors {seen}")


def _signs(profile: KernelProfile, layer: Shapes) -> Iterator[_Compared]:
    open_aspects = {each.aspect for each in profile.unknown}
    for pattern, aspect, operation in _SIGNS:
        seen = next((name for name in layer if re.fullmatch(pattern, name)), None)
        said = profile.does(operation)
        if aspect in open_aspects or not any(name.startswith("self_attn.") for name in layer):
            continue
        found = f"tensor {seen[:80]} is there" if seen else "no tensor is"
        claim = "says so" if said else "says otherwise"
        yield _Compared(bool(seen) == said, f"{operation}: {found}, config.json {claim}")


def _settled(profile: KernelProfile, shapes: Shapes, layer: Shapes) -> KernelProfile:
    open_aspects = {each.aspect for each in profile.unknown}
    answers, settled = [], []
    if any(name.startswith("self_attn.") for name in layer):
        for pattern, aspect, operation in _SIGNS:
            if aspect not in open_aspects or aspect is Aspect.EXPERTS:
                continue
            settled.append(aspect)
            if (seen := next((name for name in layer if re.fullmatch(pattern, name)), None)) is not None:
                answers.append(Operation(aspect, operation, f"tensor {seen[:80]}"))
    if Aspect.HEAD in open_aspects and any(_EMBEDDING.fullmatch(name) for name in shapes):
        seen = next((name for name in shapes if _HEAD.fullmatch(name)), None)
        settled.append(Aspect.HEAD)
        answers.append(
            Operation(Aspect.HEAD, "separate_head", f"tensor {seen[:80]}")
            if seen
            else Operation(Aspect.HEAD, "tied_embeddings", "no tensor of an output head")
        )
    return with_answers(profile, answers, settled)
