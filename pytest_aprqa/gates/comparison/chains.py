"""Further conversions of an artefact, made in the pair's scratch folder, each once, and what they did to tensors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_aprqa.conversion import Converted, ModelView, convert, open_model
from pytest_aprqa.core import EngineUnavailable, Format, Quantization
from pytest_aprqa.gates.comparison.measures import Measure, limit_of, measure
from pytest_aprqa.gates.comparison.pair import HEAD, Pair
from pytest_aprqa.gates.comparison.tensors import against_rounded
from pytest_aprqa.gates.measured import Unjudgeable, once
from pytest_aprqa.gates.subject import is_buffer
from pytest_aprqa.parity import Limit, Quantity, compare_tensors

_LETTERS: Final = {Format.SAFETENSORS: "s", Format.APR: "a", Format.GGUF: "g"}

_EXACT: Final = Limit(0.0, "the type keeps every value")

Chain = tuple[Format, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """What a chain of conversions did to the tensors."""

    compared: int
    lost: tuple[str, ...]
    """Tensors that are no longer there."""
    misshapen: tuple[str, ...]
    changed: tuple[str, ...]
    """Sentences on tensors whose values changed beyond what their type allows."""
    worst: Measure | None
    """The largest error among tensors that a lossy type stores, where it is not zero."""


def converted(
    pair: Pair, source: Path, chain: Chain, *, quantization: Quantization | None = None, again: int = 0
) -> Converted:
    """The last file of a chain of conversions; a chain that begins alike shares its beginning.

    Args:
        pair: its scratch folder holds the results.
        source: what the chain begins with; of the format that it names first.
        chain: at least two formats.
        quantization: of the last step; None keeps what is there.
        again: a number other than 0 makes the last step anew, beside the first result.
    """
    role = "truth" if source == pair.reference.path else "artefact"
    words = [role, "".join(_LETTERS[format] for format in chain), *([quantization] if quantization else [])]
    name = "-".join([*words, *([str(again)] if again else [])])
    return once(pair.memory, f"converted {name}", lambda: _step(pair, source, chain, quantization, name))


def chained(pair: Pair, source: Path, chain: Chain, *, quantization: Quantization | None = None) -> ModelView:
    """The model at the end of a chain."""
    return open_model(converted(pair, source, chain, quantization=quantization).path)


def change(pair: Pair, before: ModelView, after: ModelView, *, optional: Iterable[str] = (HEAD,)) -> Change:
    """Compares two models tensor by tensor, one pair in memory at a time.

    Args:
        pair: for its limits.
        before: what was converted.
        after: what came of it.
        optional: tensors that either may leave out.
    """
    names = [name for name in before.tensors if not is_buffer(name) and pair.options.takes(name)]
    spared = set(optional) if pair.tied else set()
    lost = tuple(name for name in names if name not in after.tensors and name not in spared)
    misshapen, changed, compared = [], [], 0
    worst: Measure | None = None
    for name in names:
        if name not in after.tensors:
            continue
        compared += 1
        if before.tensors[name].shape != after.tensors[name].shape:
            misshapen.append(name)
            continue
        one = _error(pair, name, before, after)
        if one is not None and not one.holds:
            changed.append(f"{name} ({after.tensors[name].entry.dtype}) has {one.sentence}")
        if one is not None and (worst is None or one.value > worst.value):
            worst = one
    return Change(compared, lost, tuple(misshapen), tuple(changed), worst)


def _error(pair: Pair, name: str, before: ModelView, after: ModelView) -> Measure | None:
    """The error of one tensor where it is not zero, beside the limit of the type that it is now stored in."""
    ours, theirs = before.tensors[name], after.tensors[name]
    wanted, found = ours.values(), theirs.values()
    error = compare_tensors(wanted, found)
    if error.identical or not wanted.size:
        return None
    dtype = theirs.entry.dtype
    rounded = against_rounded(wanted, found, dtype, offset=theirs.offset, error=error)
    if rounded is not None:
        # A type that keeps or rounds values leaves no choice: any other value is wrong.
        return None if rounded.identical else Measure("normalized error", error.nmse, _EXACT)
    return measure("normalized error", error.nmse, limit_of(dtype, Quantity.TENSOR_NMSE, pair.limits))


def _step(pair: Pair, source: Path, chain: Chain, quantization: Quantization | None, name: str) -> Converted:
    start = source if len(chain) == 2 else converted(pair, source, chain[:-1]).path
    folder = pair.scratch / name
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return convert(start, folder, format=chain[-1], quantization=quantization)
    except EngineUnavailable as exc:
        raise Unjudgeable(f"the conversion could not be made: {exc}") from exc
