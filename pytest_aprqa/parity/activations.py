"""Which layer starts to differ: cosines of every layer's output with the reference's. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def layer_cosines(reference: Mapping[str, NDArray[Any]], other: Mapping[str, NDArray[Any]]) -> Mapping[str, float]:
    """Mean over positions of the cosine of each layer's output, in the reference's order; layers of both only.

    The mean of positions and not one cosine of all: a few positions (mostly the first) carry outputs a thousand times
    larger than the others and would decide alone. A position that is NaN or infinite on either side counts as −1.
    """
    return {name: _mean_cosine(values, other[name]) for name, values in reference.items() if name in other}


def first_divergence(cosines: Mapping[str, float], limit: float) -> str | None:
    """The first layer whose cosine is below the limit."""
    return next((name for name, cosine in cosines.items() if not cosine >= limit), None)


def _mean_cosine(reference: NDArray[Any], other: NDArray[Any]) -> float:
    if reference.shape != other.shape or not reference.size:
        return -1.0
    r, o = reference.astype(np.float64), other.astype(np.float64)
    r, o = r.reshape(-1, r.shape[-1]), o.reshape(-1, o.shape[-1])
    good = np.isfinite(r).all(axis=1) & np.isfinite(o).all(axis=1)
    r, o = r[good], o[good]
    sizes = np.sqrt(np.einsum("ph,ph->p", r, r)) * np.sqrt(np.einsum("ph,ph->p", o, o))
    equal = (r == o).all(axis=1)
    products = np.einsum("ph,ph->p", r, o)
    cosines = np.where(equal, 1.0, products / np.where(sizes > 0, sizes, 1.0))
    return float((cosines.sum() - np.count_nonzero(~good)) / good.size)
