"""Rules that explain defects of single tensors. Pure; each yields at most one finding per family it knows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from pytest_aprqa.core import Json
from pytest_aprqa.parity.finding import Diagnosis, Family
from pytest_aprqa.parity.fingerprint import Role, role_of
from pytest_aprqa.parity.layout import Layout
from pytest_aprqa.parity.symptoms import Symptoms, TensorSymptom

_LAYER = re.compile(r"\.(\d+)\.")
SAME_SCALE = 0.3
"""Share of a block's error that a factor may leave unexplained for the block to count as rescaled."""

_CERTAIN: Mapping[Layout, tuple[Family, float, str]] = {
    Layout.ZEROED: (Family.ZEROED, 0.97, "all values are zero"),
    Layout.TRANSPOSED: (Family.TRANSPOSED, 0.97, "the values are the transpose of the reference's"),
    Layout.TRANSPOSED_AFTER_ROPE: (
        Family.TRANSPOSED,
        0.97,
        "the values were transposed after the permutation of the rows into llama.cpp's order",
    ),
    Layout.TRANSPOSED_WITHOUT_ROPE: (Family.TRANSPOSED, 0.97, "the values were transposed, and the rows not permuted"),
    Layout.TRANSPOSED_BEFORE_ROPE: (
        Family.TRANSPOSED,
        0.97,
        "the values were transposed, and the rows permuted into llama.cpp's order once too often",
    ),
    Layout.HEADS_REGROUPED: (Family.HEAD_COUNT, 0.9, "the rows were reordered for another number of heads"),
    Layout.SCALED: (Family.SCALE_ERROR, 0.95, "the values are the reference's times a factor"),
    Layout.NEGATED: (Family.SCALE_ERROR, 0.9, "the values are the reference's with the sign changed"),
    Layout.COLUMNS_SHIFTED: (Family.CORRUPTED_BLOCK, 0.9, "the values of each row are moved by one place"),
    Layout.ROWS_DIFFERENT: (Family.CORRUPTED_BLOCK, 0.8, "some rows are not the reference's, and stand nowhere else"),
}
"""What a layout says by itself."""

_ROPE: Mapping[tuple[Layout, bool], str] = {
    (Layout.ROPE_PERMUTED, True): "the rows of each head were permuted twice",
    (Layout.ROPE_UNPERMUTED, True): "the rows of each head were not permuted, and the file must have llama.cpp's order",
    (
        Layout.ROPE_PERMUTED,
        False,
    ): "the rows of each head were permuted, as llama.cpp wants them and this file must not",
    (Layout.ROPE_UNPERMUTED, False): "the rows of each head were un-permuted, though they had not been permuted",
}
"""What an order of rows means where files have llama.cpp's, and where they have Hugging Face's."""

_MAGNITUDES = 10.0
"""Factor of energy from which values are of another magnitude than the reference's."""
_BLOCKS_ALIKE = 0.8
"""Correlation of the blocks' sizes from which blocks kept their scales."""


def layout_rule(symptoms: Symptoms) -> Iterator[Diagnosis]:
    """Layouts that name their family by themselves."""
    for layout, (family, confidence, what) in _CERTAIN.items():
        hit = [tensor for tensor in symptoms.tensors if tensor.layout is layout]
        if hit:
            yield found(family, confidence, what, hit)
    for (layout, interleaved), what in _ROPE.items():
        hit = [tensor for tensor in symptoms.tensors if (tensor.layout, tensor.interleaved) == (layout, interleaved)]
        if hit:
            yield found(Family.ROPE_LAYOUT, 0.97, what, hit)
    reversed_shapes = [
        tensor
        for tensor in symptoms.tensors
        if tensor.layout is not Layout.TRANSPOSED
        and tensor.shape is not None
        and tensor.expected_shape is not None
        and tensor.shape != tensor.expected_shape
        and tensor.shape == tensor.expected_shape[::-1]
    ]
    if reversed_shapes:
        yield found(Family.TRANSPOSED, 0.85, "the dimensions are the reference's reversed", reversed_shapes)


def offset_rule(symptoms: Symptoms) -> Iterator[Diagnosis]:
    """One added or taken away: norms of families that store their weights less one."""
    hit = [tensor for tensor in symptoms.tensors if tensor.layout is Layout.OFFSET_ONE]
    norms = [tensor for tensor in hit if role_of(tensor.name) is Role.NORM]
    if hit:
        confidence = 0.97 if norms else 0.6
        yield found(Family.NORM_OFFSET, confidence, "the values are the reference's plus or minus one", norms or hit)


def finite_rule(symptoms: Symptoms) -> Iterator[Diagnosis]:
    """NaN and infinities, in the weights or only in the predictions."""
    hit = [tensor for tensor in symptoms.tensors if tensor.nan_count or tensor.inf_count]
    if hit:
        count = sum(tensor.nan_count + tensor.inf_count for tensor in hit)
        yield found(Family.NOT_FINITE, 0.99, f"{count} stored values are NaN or infinite", hit, values=count)
    elif symptoms.logits_not_finite:
        yield Diagnosis(
            Family.NOT_FINITE,
            0.9,
            f"the logits of {symptoms.logits_not_finite} positions are NaN or infinite, and no compared tensor is",
            {"positions": symptoms.logits_not_finite, "tensors_compared": symptoms.tensors_compared},
        )


def place_rule(symptoms: Symptoms) -> Iterator[Diagnosis]:
    """Tensors that are another of the reference's tensors: whole layers, or single ones."""
    hit = [tensor for tensor in symptoms.tensors if tensor.resembles not in (None, tensor.name)]
    layers: dict[tuple[str, str], list[TensorSymptom]] = {}
    others = []
    for tensor in hit:
        here, there = _place(tensor.name), _place(tensor.resembles or "")
        if here[1] == there[1] and here[0] != there[0] and here[0] and there[0]:
            layers.setdefault((here[0], there[0]), []).append(tensor)
        else:
            others.append(tensor)
    whole = [tensor for moved in layers.values() if len(moved) > 1 for tensor in moved]
    others += [tensor for moved in layers.values() if len(moved) == 1 for tensor in moved]
    if whole:
        pairs = ", ".join(f"{here} holds {there}" for (here, there), moved in layers.items() if len(moved) > 1)
        yield found(Family.LAYER_ORDER, 0.97, f"layers stand in another's place ({pairs})", whole, pairs=pairs)
    if others:
        pairs = ", ".join(f"{tensor.name} holds {tensor.resembles}" for tensor in others[:3])
        yield found(Family.SWAPPED_TENSORS, 0.95, f"tensors stand in another's place ({pairs})", others, pairs=pairs)


def shapes_rule(symptoms: Symptoms) -> Iterator[Diagnosis]:
    """Two tensors of one layer that have each other's shapes: most probably each other's names, too."""
    exchanged = _exchanged_shapes(symptoms.tensors)
    if not exchanged:
        return
    # Two matrices that were transposed can look like that, too, and there is nothing else to tell them by.
    both = all(tensor.shape == (tensor.expected_shape or ())[::-1] for pair in exchanged for tensor in pair)
    pairs = ", ".join(f"{one.name} and {other.name}" for one, other in exchanged[:3])
    yield found(
        Family.SWAPPED_TENSORS,
        0.6 if both else 0.94,
        "tensors have each other's shapes",
        [tensor for pair in exchanged for tensor in pair],
        pairs=pairs,
    )


def _exchanged_shapes(tensors: Sequence[TensorSymptom]) -> list[tuple[TensorSymptom, TensorSymptom]]:
    """Tensors of one layer, two by two, where each has the shape that the other should have."""
    waiting: dict[tuple[object, ...], list[TensorSymptom]] = {}
    pairs = []
    for tensor in tensors:
        if tensor.shape == tensor.expected_shape:
            continue
        layer, _ = _place(tensor.name)
        partners = waiting.get((layer, tensor.expected_shape, tensor.shape))
        if partners:
            pairs.append((partners.pop(0), tensor))
        else:
            waiting.setdefault((layer, tensor.shape, tensor.expected_shape), []).append(tensor)
    return pairs


def rows_rule(symptoms: Symptoms) -> Iterator[Diagnosis]:
    """The right rows in the wrong order: what that means depends on what a row is."""
    hit = [t for t in symptoms.tensors if t.layout in (Layout.ROWS_PERMUTED, Layout.ROWS_SHIFTED)]
    tokens = [tensor for tensor in hit if role_of(tensor.name) in (Role.EMBEDDING, Role.LM_HEAD)]
    shifted = [tensor for tensor in tokens if tensor.layout is Layout.ROWS_SHIFTED]
    swapped = [tensor for tensor in tokens if tensor.layout is Layout.ROWS_PERMUTED]
    heads = [tensor for tensor in hit if tensor not in tokens and role_of(tensor.name) is Role.ATTENTION]
    rest = [tensor for tensor in hit if tensor not in tokens and tensor not in heads]
    if shifted:
        yield found(Family.TOKEN_IDS_SHIFTED, 0.95, "the rows of the tokens are moved by one place", shifted)
    if swapped:
        yield found(Family.TOKENIZER_VOCABULARY, 0.85, "the rows of some tokens stand at other ids", swapped)
    if heads:
        yield found(Family.ROPE_LAYOUT, 0.5, "attention rows are in an order that no head count explains", heads)
    if rest:
        yield found(Family.SWAPPED_TENSORS, 0.5, "rows stand in another's place within the tensor", rest)


def dtype_rule(symptoms: Symptoms) -> Iterator[Diagnosis]:
    """A stored type that is not the promised one, or values that look like bytes read wrongly."""
    label = [t for t in symptoms.tensors if t.dtype and t.expected_dtype and t.dtype != t.expected_dtype]
    wrong = [tensor for tensor in label if tensor.layout is Layout.UNRELATED]
    if wrong:
        yield found(Family.DTYPE_MISREAD, 0.95, f"{_types(wrong[0])}, and the values are unrelated", wrong)
    elif label:
        fit = ", and the values fit nevertheless" if label[0].layout is Layout.SAME else ""
        yield found(Family.DTYPE_MISREAD, 0.6, f"{_types(label[0])}{fit}", label)
    lost = [t for t in symptoms.tensors if t.layout is Layout.UNRELATED and t.resembles is None and t not in label]
    lost = [tensor for tensor in lost if tensor.shape == tensor.expected_shape]
    wild = [tensor for tensor in lost if _of_another_magnitude(tensor)]
    scales = [t for t in lost if t not in wild and t.numbers.get("block_likeness", 0.0) >= _BLOCKS_ALIKE]
    rest = [tensor for tensor in lost if tensor not in wild and tensor not in scales]
    unrelated = "the values are unrelated to the reference's"
    if wild:
        yield found(
            Family.DTYPE_MISREAD, 0.7, f"{unrelated} and of another magnitude, as of bytes of another type", wild
        )
    if scales:
        what = f"{unrelated}, and their blocks have its magnitudes, as of blocks read in another order"
        yield found(Family.DTYPE_MISREAD, 0.6, what, scales)
    if rest:
        yield found(Family.UNKNOWN, 0.2, f"{unrelated}, in no way that is known", rest)


def _of_another_magnitude(tensor: TensorSymptom) -> bool:
    ratio = tensor.numbers.get("energy_ratio", 1.0)
    return not 1 / _MAGNITUDES <= ratio <= _MAGNITUDES or bool(tensor.nan_count or tensor.inf_count)


def block_rule(symptoms: Symptoms) -> Iterator[Diagnosis]:
    """One block is wrong in a tensor that is right: rescaled, or overwritten."""
    hit = [t for t in symptoms.tensors if t.layout in (Layout.SAME, None) and not (t.nan_count or t.inf_count)]
    rescaled = [tensor for tensor in hit if _over(tensor.block_scale_error, tensor.block_scale_limit)]
    scaled = [tensor for tensor in rescaled if _only_scale(tensor)]
    broken = [t for t in hit if t not in scaled and (t in rescaled or _over(t.block_nmse, t.block_nmse_limit))]
    if scaled:
        factor = scaled[0].block_scale or 0.0
        yield found(Family.SCALE_ERROR, 0.9, f"a block is the reference's times {factor:.3g}", scaled, factor=factor)
    if broken:
        first = broken[0]
        where = f"block {first.block_index} of {first.block_values} values"
        yield found(
            Family.CORRUPTED_BLOCK,
            0.9,
            f"{where} is further from the reference than its type can be",
            broken,
            block=first.block_index,
            block_values=first.block_values,
        )


def found(family: Family, confidence: float, what: str, tensors: Sequence[TensorSymptom], **numbers: Json) -> Diagnosis:
    """A finding about tensors: names three of them and the first one's numbers."""
    first = tensors[0]
    names = ", ".join(tensor.name for tensor in tensors[:3])
    more = f" and {len(tensors) - 3} more" if len(tensors) > 3 else ""
    measured: dict[str, Json] = {"tensors": len(tensors), "first": first.name}
    for key in ("nmse", "nmse_limit", "cosine", "scale", "block_scale_error", "block_scale_limit", "block_nmse",
                "block_nmse_limit"):  # fmt: skip
        value = getattr(first, key)
        if value is not None:
            measured[key] = value
    measured.update({key: value for key, value in first.numbers.items() if key not in measured})
    return Diagnosis(family, confidence, f"{what}: {names}{more}", measured | numbers)


def _over(value: float | None, limit: float | None) -> bool:
    return value is not None and limit is not None and not value <= limit


def _only_scale(tensor: TensorSymptom) -> bool:
    """A factor explains most of the worst block's error: its square is what a factor alone would cost."""
    if tensor.block_scale is None or not tensor.block_nmse or tensor.block_scale_error is None:
        return False
    # both are measured on the same (credited) energy, so the larger block's factor bounds the error it explains
    explained = tensor.block_scale_error * abs(tensor.block_scale - 1.0)
    return abs(1.0 - explained / tensor.block_nmse) <= SAME_SCALE


def _types(tensor: TensorSymptom) -> str:
    return f"stored as {tensor.dtype} where {tensor.expected_dtype} was expected"


def _place(name: str) -> tuple[str, str]:
    """Layer number and the name without it.

    >>> _place("model.layers.3.mlp.up_proj.weight")
    ('3', 'model.layers.*.mlp.up_proj.weight')
    """
    match = _LAYER.search(name)
    return (match.group(1), _LAYER.sub(".*.", name, count=1)) if match else ("", name)
