"""F-CONTRACT-I3-001: are the artefact's tensors stored as its quantization promises, without a silent fallback?"""

from __future__ import annotations

from collections import Counter

from pytest_aprqa.conversion import TensorView
from pytest_aprqa.core import Format, Quantization, Verdict, corroborated, falsified
from pytest_aprqa.formats import APR_TYPES, file_quantization, readable
from pytest_aprqa.gates.comparison.pair import EMBEDDING, HEAD, Pair
from pytest_aprqa.gates.comparison.promises import GROUP, PROMISES, WIDE, Promise
from pytest_aprqa.gates.structure import excerpt

_KEPT_WIDE: tuple[str, ...] = (EMBEDDING, HEAD)
"""Aprender quantizes neither the embedding nor the head."""


def judge_types(pair: Pair) -> Verdict:
    """Every type can be decoded; every matrix has a promised one, and most of the values the quantization's own."""
    tensors = pair.artefact.tensors
    unknown = [f"{name} is {view.entry.dtype}" for name, view in tensors.items() if not readable(view.entry)]
    if unknown:
        return falsified(
            f"{len(unknown)} of {len(tensors)} tensors have a type that cannot be decoded here, such as {unknown[0]}",
            compared=len(tensors),
            tensors=excerpt(unknown),
        )
    quantization = promised(pair)
    values: Counter[str] = Counter()
    for view in tensors.values():
        values[view.entry.dtype] += view.entry.values
    shares = ", ".join(f"{dtype} {count / values.total():.0%}" for dtype, count in values.most_common())
    if quantization is None:
        return corroborated(f"all types are known, and none is promised: {shares}", compared=len(tensors))
    promise = PROMISES[quantization]
    wrong = [f"{name} is {tensors[name].entry.dtype}" for name in _unkept(promise, pair)]
    if wrong:
        return falsified(
            f"{len(wrong)} of {len(tensors)} tensors are not what {quantization} promises, such as {wrong[0]}",
            compared=len(tensors),
            tensors=excerpt(wrong),
            shares=shares,
        )
    if _others(promise, pair):
        return falsified(
            f"{quantization} promises most values as {' or '.join(sorted(promise.main))}, found {shares}",
            compared=len(tensors),
            shares=shares,
        )
    return corroborated(f"types are those of {quantization}: {shares}", compared=len(tensors), shares=shares)


def broken_promises(pair: Pair) -> dict[str, str]:
    """The tensors that are not stored as was promised, with the words for what was."""
    quantization = promised(pair)
    promise = PROMISES.get(quantization) if quantization else None
    if promise is None:
        return {}
    own = {dtype for dtype in promise.main if pair.format is Format.APR or dtype not in APR_TYPES}
    main, wide = " or ".join(sorted(own)), " or ".join(sorted(WIDE))
    names = _unkept(promise, pair) or _others(promise, pair)
    return {name: main if _is_matrix(pair.artefact.tensors[name]) else wide for name in names}


def promised(pair: Pair) -> Quantization | None:
    """What the target names, else what the file says of itself, else what most of its values are."""
    if pair.quantization is not None or pair.format is Format.SAFETENSORS:
        return pair.quantization
    return file_quantization(pair.artefact.raw.get("general.file_type"))


def word_of(pair: Pair) -> str:
    """The word under which limits of the whole artefact are looked up: its quantization, or its commonest type."""
    quantization = promised(pair)
    if quantization is not None:
        return quantization
    values: Counter[str] = Counter()
    for view in pair.artefact.tensors.values():
        if _is_matrix(view):
            values[view.entry.dtype] += view.entry.values
    return values.most_common(1)[0][0] if values else "F32"


def _unkept(promise: Promise, pair: Pair) -> list[str]:
    """Tensors of a type that the recipe does not know."""
    return [name for name, view in pair.artefact.tensors.items() if not _kept(promise, view, pair)]


def _others(promise: Promise, pair: Pair) -> list[str]:
    """The big matrices of another type than the quantization's own, where those hold most of the values."""
    tensors = pair.artefact.tensors
    big = [name for name, view in tensors.items() if _is_matrix(view) and name not in _KEPT_WIDE]
    others = [name for name in big if tensors[name].entry.dtype not in promise.main]
    other, all_ = (sum(tensors[name].entry.values for name in names) for names in (others, big))
    return others if 2 * other > all_ else []


def _kept(promise: Promise, view: TensorView, pair: Pair) -> bool:
    dtype = view.entry.dtype
    if not _is_matrix(view):
        # Norms and biases are small and sensitive, and every recipe keeps them wide.
        return dtype in WIDE
    if dtype in promise.allowed:
        return True
    if promise.main <= WIDE or dtype not in WIDE:
        return False
    unfit = view.entry.shape[-1] % GROUP != 0
    # APR keeps wide what it has no blocks for; whether most values are quantized is asked apart.
    return unfit or pair.format is Format.APR


def _is_matrix(view: TensorView) -> bool:
    return len(view.entry.shape) > 1
