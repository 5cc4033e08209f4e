"""The evidence that a diagnosis rests on: what comparisons found different, and what they did not look at.

Values only. A field that was not measured stays empty or None, and no rule may conclude anything from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pytest_aprqa.core import Json
from pytest_aprqa.parity.layout import Layout


@dataclass(frozen=True, slots=True)
class TensorSymptom:
    """One tensor that is not what it should be; `examine_tensor` makes it from two arrays."""

    name: str
    """Hugging Face name."""
    layout: Layout | None = None
    """None where it was not looked at."""
    numbers: Mapping[str, float] = field(default_factory=dict)
    """What `layout_of` measured."""
    interleaved: bool = False
    """Whether the file is to hold the rows in llama.cpp's order, from which reading took them."""
    nmse: float | None = None
    nmse_limit: float | None = None
    cosine: float | None = None
    scale: float | None = None
    block_scale_error: float | None = None
    block_scale_limit: float | None = None
    block_scale: float | None = None
    """Least-squares factor of the block with the worst scale."""
    block_nmse: float | None = None
    """Error of the worst block of either size."""
    block_nmse_limit: float | None = None
    block_index: int | None = None
    """The worst block by error, counted in blocks of `block_values`."""
    block_values: int | None = None
    nan_count: int = 0
    inf_count: int = 0
    shape: tuple[int, ...] | None = None
    expected_shape: tuple[int, ...] | None = None
    dtype: str | None = None
    expected_dtype: str | None = None
    resembles: str | None = None
    """Name of the reference's tensor that it looks like instead, from `best_match`."""
    resemblance: float = 0.0


@dataclass(frozen=True, slots=True)
class IdMismatch:
    """One text that became other token ids."""

    kind: str
    """What kind of text it is: the kind of its `TokenText`."""
    text: str
    expected: tuple[int, ...]
    found: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Symptoms:
    """All evidence there is."""

    tensors: Sequence[TensorSymptom] = ()
    """Tensors with a defect; healthy ones need not be listed."""
    tensors_compared: int = 0
    missing: Sequence[str] = ()
    extra: Sequence[str] = ()
    tied_copy_error: float | None = None
    """Normalized error of a stored copy of the tied head that is not the embedding; None where none was found."""
    metadata: Mapping[str, tuple[Json, Json]] = field(default_factory=dict)
    """config.json's word → (expected, found), only where they differ."""
    ids: Sequence[IdMismatch] = ()
    texts_compared: int = 0
    vocabulary_differences: Sequence[int] = ()
    """Ids whose token string differs from the reference's."""
    merges_expected: int | None = None
    merges_found: int | None = None
    merges_differ: bool = False
    special_ids: Mapping[str, tuple[Json, Json]] = field(default_factory=dict)
    """Role (bos, eos …) → (expected, found), only where they differ."""
    smuggled: Sequence[str] = ()
    """Plain texts whose control strings became control tokens."""
    templates_compared: int = 0
    templates_different: int = 0
    template_missing: bool = False
    kl_mean: float | None = None
    kl_limit: float | None = None
    logits_not_finite: int = 0
    first_diverging_layer: str | None = None
    layer_cosine: float | None = None
    errors: Sequence[str] = ()
    """Messages of errors that reading or loading the artefact raised."""

    @property
    def predictions_part(self) -> bool:
        """The predictions are further from the reference than their limit."""
        over = self.kl_mean is not None and self.kl_limit is not None and not self.kl_mean <= self.kl_limit
        return over or self.logits_not_finite > 0 or self.first_diverging_layer is not None

    @property
    def any(self) -> bool:
        """There is something to explain."""
        return bool(
            self.tensors
            or self.missing
            or self.extra
            or self.tied_copy_error is not None
            or self.metadata
            or self.ids
            or self.vocabulary_differences
            or self.merges_differ
            or (None not in (self.merges_expected, self.merges_found) and self.merges_expected != self.merges_found)
            or self.special_ids
            or self.smuggled
            or self.templates_different
            or self.template_missing
            or self.errors
            or self.predictions_part
        )
