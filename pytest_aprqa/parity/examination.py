"""Examines one tensor against the reference with the limits of its type: a symptom, or nothing to complain of. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from pytest_aprqa.parity.layout import Layout, layout_of
from pytest_aprqa.parity.limits import limit_for
from pytest_aprqa.parity.quantity import Quantity
from pytest_aprqa.parity.symptoms import TensorSymptom
from pytest_aprqa.parity.tensors import TensorError, compare_tensors


def judged_quantities(error: TensorError) -> Mapping[Quantity, float]:
    """The quantities of one tensor that have limits."""
    return {
        Quantity.TENSOR_NMSE: error.nmse,
        Quantity.TENSOR_COSINE: error.cosine,
        Quantity.TENSOR_MAX: error.max_rel,
        Quantity.BLOCK_NMSE: error.block_nmse,
        Quantity.BLOCK_SCALE: error.block_scale_error,
    }


def examine_tensor(
    name: str,
    reference: NDArray[Any],
    other: NDArray[Any],
    word: str,
    *,
    heads: int | None = None,
    overrides: Mapping[str, float] | None = None,
) -> TensorSymptom | None:
    """Compares one tensor and, where a limit is broken, looks at what was done to it.

    Args:
        name: Hugging Face name.
        reference: the ground truth.
        other: the artefact's values, dequantized, in Hugging Face's order.
        word: the type they are stored in, such as Q4_K.
        heads: heads whose rows the tensor holds, for query and key projections.
        overrides: the playbook's limits.

    Returns:
        None where every quantity is within its limit.
    """
    if reference.shape != other.shape:
        layout, numbers = layout_of(reference, other, heads=heads)
        return TensorSymptom(name, layout, numbers, shape=other.shape, expected_shape=reference.shape, dtype=word)
    error = compare_tensors(reference, other)
    limits = {quantity: limit_for(word, quantity, overrides) for quantity in judged_quantities(error)}
    finite = not (error.nan_count or error.inf_count)
    if finite and all(limits[quantity].holds(value) for quantity, value in judged_quantities(error).items()):
        return None
    layout, numbers = layout_of(reference, other, heads=heads)
    return _symptom(name, word, layout, numbers, error, {key: limit.value for key, limit in limits.items()})


def _symptom(
    name: str,
    word: str,
    layout: Layout,
    numbers: Mapping[str, float],
    error: TensorError,
    limits: Mapping[Quantity, float],
) -> TensorSymptom:
    by_scale = max((error.small, error.large), key=lambda block: block.scale_error)
    by_error = max((error.small, error.large), key=lambda block: block.nmse)
    return TensorSymptom(
        name=name,
        layout=layout,
        numbers=numbers,
        nmse=error.nmse,
        nmse_limit=limits[Quantity.TENSOR_NMSE],
        cosine=error.cosine,
        scale=error.scale,
        block_scale_error=by_scale.scale_error,
        block_scale_limit=limits[Quantity.BLOCK_SCALE],
        block_scale=by_scale.scale,
        block_nmse=by_error.nmse,
        block_nmse_limit=limits[Quantity.BLOCK_NMSE],
        block_index=by_error.nmse_index,
        block_values=by_error.block_values,
        nan_count=error.nan_count,
        inf_count=error.inf_count,
        dtype=word,
    )
