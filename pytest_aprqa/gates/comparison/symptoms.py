"""What was measured of a pair, as symptoms for the diagnosis: nothing dear is measured here that no judge asked for."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, Final

from numpy.typing import NDArray

from pytest_aprqa.conversion import TensorView
from pytest_aprqa.core import AprqaError, Json
from pytest_aprqa.gates.comparison.metadata import differences
from pytest_aprqa.gates.comparison.pair import Pair
from pytest_aprqa.gates.comparison.side import Side
from pytest_aprqa.gates.comparison.specials import special_ids
from pytest_aprqa.gates.comparison.stored_types import broken_promises, word_of
from pytest_aprqa.gates.comparison.tensors import Compared, TensorPass
from pytest_aprqa.gates.comparison.texts import KINDS, TEXTS
from pytest_aprqa.gates.comparison.tied import wrong_copy
from pytest_aprqa.gates.comparison.tokens import smuggled
from pytest_aprqa.gates.measured import Unjudgeable, once
from pytest_aprqa.parity import (
    Divergence,
    IdMismatch,
    Layout,
    Quantity,
    Symptoms,
    TensorSymptom,
    best_match,
    compare_ids,
    first_divergence,
    layer_cosines,
    limit_for,
    rope_permuted,
)

_LOOKED_UP: Final = 4
"""Tensors for which all others are searched for a likeness; each costs a pass over the ground truth's equals."""


def collect_symptoms(pair: Pair) -> Symptoms:
    """All evidence there is so far."""
    try:
        ours, theirs = pair.reference.tokenizer, pair.artefact.tokenizer
    except AprqaError:
        return Symptoms(errors=tuple(_errors(pair)))
    optional = {"lm_head.weight"} if pair.tied else set()
    named = set(pair.artefact.tensors)
    divergence = _measured(pair, "text_divergence") or _measured(pair, "last_divergence")
    rendered = _both(pair, "rendered")
    cosines = _cosines(pair)
    return Symptoms(
        tensors=tuple(_tensor_symptoms(pair)),
        tensors_compared=len(found.compared) if isinstance(found := pair.memory.get("tensors"), TensorPass) else 0,
        missing=tuple(sorted(pair.reference_names - named - optional)),
        extra=tuple(sorted(named - pair.reference_names - optional)) if not pair.options.filter else (),
        tied_copy_error=wrong_copy(pair),
        metadata=differences(pair),
        ids=tuple(_id_mismatches(pair)),
        texts_compared=len(TEXTS) if _both(pair, "ids") else 0,
        vocabulary_differences=_vocabulary_differences(pair),
        merges_expected=len(ours.merges) if ours else None,
        merges_found=len(theirs.merges) if theirs else None,
        merges_differ=bool(ours and theirs and ours.merges != theirs.merges),
        special_ids=_special_differences(pair),
        smuggled=_smuggled(pair),
        templates_compared=len(rendered[0]) if rendered else 0,
        templates_different=sum(one != other for one, other in zip(*rendered, strict=True)) if rendered else 0,
        template_missing=bool(ours and ours.chat_template and theirs and not theirs.chat_template),
        kl_mean=divergence.kl_mean.value if divergence else None,
        kl_limit=_limit(pair, Quantity.KL_MEAN),
        logits_not_finite=divergence.not_finite if divergence else 0,
        first_diverging_layer=first_divergence(cosines, _limit(pair, Quantity.HIDDEN_COSINE) or 0.0),
        layer_cosine=min(cosines.values(), default=None),
        errors=tuple(_errors(pair)),
    )


def _errors(pair: Pair) -> list[str]:
    """What reading and asking the artefact raised; where our own equipment was missing is no symptom."""
    memories: list[dict[str, object]] = [pair.memory]
    if isinstance(side := pair.memory.get("theirs"), Side):
        memories.append(side.memory)
    found = [value for memory in memories for value in memory.values() if isinstance(value, AprqaError)]
    return list(dict.fromkeys(str(error) for error in found))


def _tensor_symptoms(pair: Pair) -> list[TensorSymptom]:
    """Tensors of another shape, then those whose values are beyond a limit, then others of another type."""
    symptoms = [
        TensorSymptom(shape.name, shape=shape.found, expected_shape=shape.wanted)
        for shape in pair.shapes
        if shape.found != shape.wanted
    ]
    done = pair.memory.get("tensors")
    compared = done.compared if isinstance(done, TensorPass) else ()
    promised = broken_promises(pair)
    looked_up = 0
    for tensor in compared:
        limits = {quantity: _tensor_limit(pair, tensor, quantity) for quantity in _TENSOR_QUANTITIES}
        if not _is_ill(tensor, limits):
            continue
        match = None
        if tensor.layout in _STRANGE and looked_up < _LOOKED_UP:
            looked_up += 1
            match = once(pair.memory, f"resemblance of {tensor.name}", partial(_resemblance, pair, tensor))
        interleaved = pair.artefact.tensors[tensor.name].interleaved_heads is not None
        symptom = _symptom(tensor, limits, match, promised.pop(tensor.name, None))
        symptoms.append(replace(symptom, interleaved=interleaved))
    layouts = {tensor.name: tensor.layout for tensor in compared}
    dtypes = {name: pair.artefact.tensors[name].entry.dtype for name in promised}
    symptoms += [
        TensorSymptom(name, layout=layouts.get(name), dtype=dtypes[name], expected_dtype=expected)
        for name, expected in promised.items()
    ]
    return symptoms


def _symptom(
    tensor: Compared,
    limits: dict[Quantity, float | None],
    match: tuple[str, float] | None,
    expected_dtype: str | None,
) -> TensorSymptom:
    by_scale = max((tensor.error.small, tensor.error.large), key=lambda block: block.scale_error)
    by_error = max((tensor.error.small, tensor.error.large), key=lambda block: block.nmse)
    return TensorSymptom(
        tensor.name,
        layout=tensor.layout,
        numbers=tensor.layout_numbers,
        nmse=tensor.error.nmse,
        nmse_limit=limits[Quantity.TENSOR_NMSE],
        cosine=tensor.error.cosine,
        scale=tensor.error.scale,
        block_scale_error=by_scale.scale_error,
        block_scale=by_scale.scale,
        block_scale_limit=limits[Quantity.BLOCK_SCALE],
        block_nmse=by_error.nmse,
        block_nmse_limit=limits[Quantity.BLOCK_NMSE],
        block_index=by_error.nmse_index,
        block_values=by_error.block_values,
        nan_count=tensor.theirs.nan_count,
        inf_count=tensor.theirs.inf_count,
        dtype=tensor.dtype,
        expected_dtype=expected_dtype,
        resembles=match[0] if match else None,
        resemblance=match[1] if match else 0.0,
    )


_TENSOR_QUANTITIES: Final = (Quantity.TENSOR_NMSE, Quantity.BLOCK_NMSE, Quantity.BLOCK_SCALE)
_STRANGE: Final = frozenset({Layout.UNRELATED, Layout.ROWS_PERMUTED, Layout.ROWS_DIFFERENT})


def _is_ill(tensor: Compared, limits: dict[Quantity, float | None]) -> bool:
    error = tensor.error
    values = (error.nmse, error.block_nmse, error.block_scale_error)
    beyond = any(
        limit is not None and not value <= limit
        for value, limit in zip(values, (limits[quantity] for quantity in _TENSOR_QUANTITIES), strict=True)
    )
    return beyond or tensor.layout is not Layout.SAME or bool(tensor.theirs.nan_count or tensor.theirs.inf_count)


def _resemblance(pair: Pair, tensor: Compared) -> tuple[str, float] | None:
    """The ground truth's tensor that this one looks like, if it looks like another.

    Rows are compared in the order of the file, which is another one for query and key than for their neighbours.
    """
    views = pair.artefact.tensors
    other, heads = views[tensor.name], {name: view.interleaved_heads for name, view in views.items()}
    candidates = {
        name: partial(_as_stored, view, heads.get(name))  # of one that the file lacks nobody knows its order there
        for name, view in pair.reference.tensors.items()
        if name != tensor.name and view.shape == other.shape
    }
    match = best_match(_as_stored(other, other.interleaved_heads), candidates)
    return (match.name, match.correlation) if match else None


def _as_stored(view: TensorView, heads: int | None) -> NDArray[Any]:
    """The values in the order in which the artefact's format has the rows."""
    return view.values() if heads is None else rope_permuted(view.values(), heads)


def _id_mismatches(pair: Pair) -> list[IdMismatch]:
    rows = _both(pair, "ids")
    if not rows:
        return []
    return [
        IdMismatch(KINDS[difference.row], TEXTS[difference.row], difference.expected, difference.found)
        for difference in compare_ids(*rows)
    ]


def _vocabulary_differences(pair: Pair) -> tuple[int, ...]:
    ours, theirs = pair.reference.tokenizer, pair.artefact.tokenizer
    if not ours or not theirs:
        return ()
    pairs = zip(ours.vocabulary, theirs.vocabulary, strict=False)
    return tuple(id for id, (one, other) in enumerate(pairs) if one != other)


def _special_differences(pair: Pair) -> dict[str, tuple[Json, Json]]:
    ours, theirs = special_ids(pair.reference), special_ids(pair.artefact)
    return {role: (ours[role], theirs.get(role)) for role in ours if ours[role] != theirs.get(role)}


def _smuggled(pair: Pair) -> tuple[str, ...]:
    rows = side.memory.get("hostile_ids") if isinstance(side := pair.memory.get("theirs"), Side) else None
    return smuggled(pair, rows) if isinstance(rows, tuple) else ()


def _both(pair: Pair, name: str) -> tuple[Any, Any] | None:
    """A measurement of both sides, if both were made."""
    sides = (pair.memory.get("ours"), pair.memory.get("theirs"))
    found = [side.memory.get(name) for side in sides if isinstance(side, Side)]
    good = len(found) == 2 and all(value is not None and not isinstance(value, _ERRORS) for value in found)
    return (found[0], found[1]) if good else None


_ERRORS: Final = (AprqaError, Unjudgeable)


def _measured(pair: Pair, name: str) -> Divergence | None:
    value = pair.memory.get(name)
    return value if isinstance(value, Divergence) else None


def _cosines(pair: Pair) -> dict[str, float]:
    ours, theirs = pair.memory.get("ours"), pair.memory.get("trace")
    reference = ours.memory.get("activations") if isinstance(ours, Side) else None
    if not isinstance(reference, dict) or not isinstance(theirs, dict):
        return {}
    return dict(layer_cosines(reference, theirs))


def _tensor_limit(pair: Pair, tensor: Compared, quantity: Quantity) -> float | None:
    try:
        return limit_for(tensor.dtype, quantity, pair.limits).value
    except AprqaError:
        return None


def _limit(pair: Pair, quantity: Quantity) -> float | None:
    try:
        return limit_for(word_of(pair), quantity, pair.limits, parameters=pair.parameters).value
    except AprqaError:
        return None
