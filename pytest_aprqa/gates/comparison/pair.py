"""A pair: the ground truth, an artefact made of it, and everything that was measured of the two, each thing once.

Files are opened and engines are asked when a judge needs them. Which engine is open when is the caller's affair:
`measure_reference` and `measure_artefact` ask one engine everything, so that the other can be closed meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from pytest_aprqa.conversion import ModelView, open_model
from pytest_aprqa.core import AprqaError, Format, Quantization, Verdict
from pytest_aprqa.engines.protocol import Instruments
from pytest_aprqa.gates.comparison.options import Options
from pytest_aprqa.gates.comparison.side import Side
from pytest_aprqa.gates.comparison.specials import bos_text, control_ids
from pytest_aprqa.gates.comparison.tensors import TensorPass, compare_views
from pytest_aprqa.gates.measured import Unjudgeable, measured
from pytest_aprqa.gates.sizes import sizes_of
from pytest_aprqa.gates.subject import is_buffer
from pytest_aprqa.parity import Divergence, Fingerprint, compare_logits

HEAD: Final = "lm_head.weight"
EMBEDDING: Final = "model.embed_tokens.weight"

_ASKED: Final = (
    "ids",
    "plain_ids",
    "decoded",
    "special_ids",
    "hostile_ids",
    "prompt_rows",
    "rendered",
    "last_logits",
    "long_logits",
    "text_logits",
    "greedy",
    "answered",
    "continued",
    "trace",
)


_NO_IDS: Final = np.empty(0, np.int64)


class Shape(NamedTuple):
    """The shape of one tensor in both."""

    name: str
    wanted: tuple[int, ...]
    found: tuple[int, ...]

    @property
    def sentence(self) -> str:
        """Such as ``lm_head.weight is [4, 2], should be [2, 4]``."""
        return f"{self.name} is {list(self.found)}, should be {list(self.wanted)}"


@dataclass(slots=True, eq=False)
class Pair:
    """What is compared, and what was found."""

    reference: ModelView
    """The ground truth: a Hugging Face folder."""
    path: Path
    """The artefact: a folder, a .gguf or an .apr file."""
    format: Format
    quantization: Quantization | None
    """What the artefact promises to be; None takes what the file says of itself."""
    scratch: Path
    """Folder for conversions, made when needed; the caller removes it."""
    reference_instruments: Callable[[], Instruments] | None = None
    """Gives the ground truth's engine, loaded; called at each question."""
    artefact_instruments: Callable[[], Instruments] | None = None
    traced: Callable[[Path], Instruments] | None = None
    """Gives the ground truth's kind of engine with the folder of a converted artefact in it."""
    limits: Mapping[str, float] = field(default_factory=dict)
    """Limits instead of the built-in ones, by ``quantity`` or, stronger, by ``type.quantity``."""
    options: Options = field(default_factory=Options)
    earlier: Side | None = None
    """The ground truth's side out of another pair with the same ground truth and options: it is not asked again."""
    known: dict[str, Fingerprint] = field(default_factory=dict, repr=False)
    """Fingerprints of the ground truth's tensors; pairs with the same ground truth may share them."""
    verdicts: dict[str, Verdict] = field(default_factory=dict, repr=False)
    """Verdicts so far, by gate id."""
    memory: dict[str, object] = field(default_factory=dict, repr=False)

    @property
    def was_asked(self) -> bool:
        """Whether an engine was asked about either side."""
        return not self.memory.keys().isdisjoint({"ours", "theirs"})

    @property
    def only_read(self) -> bool:
        """Whether nothing but the two's files was looked at: no engine was asked, nothing converted."""
        return not self.was_asked and not (self.scratch.is_dir() and any(self.scratch.iterdir()))

    @measured
    def artefact(self) -> ModelView:
        """The artefact's headers and metadata."""
        return open_model(self.path)

    @property
    def tied(self) -> bool:
        """Whether the ground truth's output head is its embedding."""
        declared = self.reference.config.get("tie_word_embeddings")
        return declared if isinstance(declared, bool) else HEAD not in self.reference.tensors

    @measured
    def reference_names(self) -> frozenset[str]:
        """The ground truth's learned tensors that are to be compared."""
        return frozenset(name for name in self.reference.tensors if not is_buffer(name) and self.options.takes(name))

    @measured
    def common(self) -> tuple[str, ...]:
        """Tensors that both have, in the ground truth's order."""
        return tuple(
            name for name in self.reference.tensors if name in self.reference_names and name in self.artefact.tensors
        )

    @measured
    def shapes(self) -> tuple[Shape, ...]:
        """Shapes of all tensors that both have."""
        ours, theirs = self.reference.tensors, self.artefact.tensors
        return tuple(Shape(name, ours[name].shape, theirs[name].shape) for name in self.common)

    @measured
    def tensors(self) -> TensorPass:
        """Every tensor compared, in one pass."""
        return compare_views(self.reference, self.artefact, self.common, known=self.known)

    @measured
    def theirs(self) -> Side:
        """The artefact's engine."""
        return Side(
            "the artefact",
            self.artefact_instruments,
            self.options,
            self.context_tokens,
            self.ours.vocabulary,
            self.ours.specials,
            leader=self.ours,
        )

    @measured
    def ours(self) -> Side:
        """The ground truth's engine."""
        return self.earlier or Side(
            "the ground truth",
            self.reference_instruments,
            self.options,
            self.context_tokens,
            sizes_of(self.reference.config).vocab,
            tuple(control_ids(self.reference)),
        )

    @property
    def optional_head(self) -> int:
        """1 where the ground truth stores its tied head and the artefact leaves it out, else 0."""
        return int(self.tied and HEAD in self.reference_names and HEAD not in self.artefact.tensors)

    @measured
    def parameters(self) -> int:
        """How many weights the ground truth has."""
        return sum(view.entry.values for view in self.reference.tensors.values())

    @measured
    def bos(self) -> str | None:
        """The text of the BOS token."""
        return bos_text(self.reference)

    @property
    def context_tokens(self) -> int | None:
        """The longest row that both should take."""
        value = self.reference.config.get("max_position_embeddings")
        return value if isinstance(value, int) and value > 0 else None

    @measured
    def last_divergence(self) -> Divergence:
        """The logits after each short prompt."""
        sides = zip(self.ours.last_logits, self.theirs.last_logits, strict=True)
        return compare_logits((ours, theirs, _NO_IDS) for ours, theirs in sides)

    @measured
    def long_divergence(self) -> Divergence:
        """The logits after the long prompt."""
        return compare_logits([(self.ours.long_logits, self.theirs.long_logits, _NO_IDS)])

    @measured
    def text_divergence(self) -> Divergence:
        """The logits at the kept positions of the text."""
        row = self.ours.text_row
        following = np.array([row[place + 1] for place in self.ours.text_places])
        return compare_logits([(self.ours.text_logits, self.theirs.text_logits, following)])

    def measure_reference(self) -> None:
        """Asks the ground truth's engine everything that any judge will want; what fails is remembered."""
        _ask_all(self.ours, (*_ASKED, "greedy_logits", "answer_logits", "activations"))

    def measure_artefact(self) -> None:
        """Asks the artefact's engine everything; the ground truth's answers that it builds on must be there."""
        _ask_all(self.theirs, _ASKED)


def _ask_all(side: Side, names: tuple[str, ...]) -> None:
    for name in names:
        try:
            getattr(side, name)
        except (AprqaError, Unjudgeable):
            continue
