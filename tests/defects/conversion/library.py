"""One table of planted conversion defects: each is done to a copy of a healthy artefact, and a gate must catch it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_aprqa.core import Format
from pytest_aprqa.parity import Family
from tests.defects.conversion import byte_defects as raw
from tests.defects.conversion import said_defects as said
from tests.defects.conversion import tensor_defects as tensor
from tests.defects.conversion.artefacts import (
    APR_F16,
    APR_F32,
    APR_Q4_0,
    APR_Q4_K_M,
    APR_Q8_0,
    FOLDER,
    GGUF_F16,
    GGUF_F32,
    GGUF_Q4_0,
    GGUF_Q4_K_M,
    GGUF_Q8_0,
    Artefact,
)
from tests.defects.conversion.contents import Contents, edited


@dataclass(frozen=True, slots=True)
class ConversionDefect:
    """A defect, and what must notice it."""

    name: str
    description: str
    plant: Callable[[Path], None]
    """Does it to a healthy artefact, in place."""
    gates: Mapping[Format, str]
    """The gate that must be falsified, by format; those that rest on it may be inconclusive."""
    family: Family
    """What the diagnosis must name first."""
    artefacts: tuple[Artefact, ...]
    """Where it is planted."""
    alike: Family | None = None
    """A family that may be named first instead, because the evidence is the same for both."""
    why_alike: str = ""

    @property
    def formats(self) -> frozenset[Format]:
        """Where it can occur."""
        return frozenset(artefact.format for artefact in self.artefacts)


def plant_in(artefact: Path, name: str) -> None:
    """Does a defect to a converted model, in place: give it a copy."""
    CONVERSION_DEFECTS[name].plant(artefact)


def _to_contents(function: Callable[[Contents], None]) -> Callable[[Path], None]:
    def plant(path: Path) -> None:
        with edited(path) as contents:
            function(contents)

    return plant


FLOATS: Final = (FOLDER, GGUF_F16, APR_F16)
FILES: Final = (GGUF_F16, APR_F16)
GGUF_BLOCKS: Final = (GGUF_Q8_0, GGUF_Q4_K_M)
BLOCKS: Final = (*GGUF_BLOCKS, APR_Q4_0, APR_Q8_0, APR_Q4_K_M)
ROWS: Final = (*FLOATS, *GGUF_BLOCKS)
"""Where rows can be moved as bytes."""
ENCODABLE: Final = (*FLOATS, GGUF_Q8_0)
"""Where other values can be written."""
WHEREVER: Final = (*FLOATS, *BLOCKS)

GOLDEN: Final = "F-HF-PARITY-001"
"""Safetensors is the ground truth. A folder that contradicts itself fails G0; one that does not is another ground
truth, which only a recording of the first can refute."""
INVENTORY: Final = "G0-TENSOR-001"
SOUND_VALUES: Final = "G0-VALIDATE-001"
SHARDS: Final = "G0-INTEGRITY-SHARDS"
TIED: Final = "G0-INTEGRITY-TIED"


def _all() -> Iterable[ConversionDefect]:
    yield from _layouts()
    yield from _values()
    yield from _types()
    yield from _names()
    yield from _numbers()
    yield from _tokenizers()
    yield from _bytes()


def _layouts() -> Iterable[ConversionDefect]:
    layout, reversed_, shape = "F-LAYOUT-002", "F-ROSETTA-DIFF-001", "F-ROSETTA-DIFF-002"
    gguf = (GGUF_F16, *GGUF_BLOCKS)
    yield _of(tensor.transposed_square, layout, Family.TRANSPOSED, ENCODABLE)
    yield _of(tensor.transposed_oblong, reversed_, Family.TRANSPOSED, ENCODABLE, folder=INVENTORY)
    yield _of(tensor.transposed_under_its_shape, layout, Family.TRANSPOSED, ENCODABLE)
    yield _of(tensor.lengths_reversed, reversed_, Family.TRANSPOSED, FLOATS, folder=INVENTORY)
    yield _of(tensor.all_transposed, layout, Family.TRANSPOSED, FLOATS)
    yield _of(tensor.q_and_k_exchanged, shape, Family.SWAPPED_TENSORS, ROWS, folder=INVENTORY)
    yield _of(tensor.k_and_v_exchanged, layout, Family.SWAPPED_TENSORS, ROWS)
    yield _of(tensor.gate_and_up_exchanged, layout, Family.SWAPPED_TENSORS, ROWS)
    yield _of(tensor.layers_exchanged, layout, Family.LAYER_ORDER, ROWS)
    yield _of(tensor.rope_rows_left_as_they_were, layout, Family.ROPE_LAYOUT, gguf)
    yield _of(tensor.rope_rows_permuted_twice, layout, Family.ROPE_LAYOUT, gguf)
    yield _of(tensor.rope_rows_permuted, layout, Family.ROPE_LAYOUT, (FOLDER, APR_F16))
    yield _of(tensor.rope_rows_of_k_wrong, layout, Family.ROPE_LAYOUT, ROWS)
    yield _of(tensor.k_permuted_by_all_heads, layout, Family.HEAD_COUNT, gguf)
    yield _of(tensor.columns_rolled, layout, Family.CORRUPTED_BLOCK, ENCODABLE)
    yield _of(tensor.embedding_rows_shifted, layout, Family.TOKEN_IDS_SHIFTED, ROWS)
    yield _of(
        tensor.two_embedding_rows_exchanged,
        "F-QUANT-ERROR-001",
        Family.TOKENIZER_VOCABULARY,
        (*FILES, *GGUF_BLOCKS),
        alike=Family.CORRUPTED_BLOCK,
        why_alike="two rows of 1,024 leave the embedding so close to the ground truth's that no row is looked for "
        "at another place",
    )
    yield _of(tensor.nibbles_in_pairs, layout, Family.DTYPE_MISREAD, (GGUF_Q4_0,))


def _values() -> Iterable[ConversionDefect]:
    norms, error, survival = "F-ROSETTA-STATS-005", "F-QUANT-ERROR-001", "F-CONTRACT-I4-001"
    # APR_Q4 cannot say NaN: its readers take such a scale as zero.
    no_nan = tuple(artefact for artefact in WHEREVER if artefact is not APR_Q4_0)
    # APR_Q8 has one scale for the whole tensor; and no prediction of the ground truth hangs on 32 values of a folder.
    several_blocks = tuple(artefact for artefact in WHEREVER if artefact not in (APR_Q8_0, FOLDER))
    yield _of(tensor.norm_of_zeros, norms, Family.ZEROED, WHEREVER, folder=SOUND_VALUES)
    yield _of(tensor.norms_plus_one, norms, Family.NORM_OFFSET, WHEREVER)
    yield _of(tensor.norms_minus_one, norms, Family.NORM_OFFSET, WHEREVER)
    yield _of(tensor.one_nan, "F-ROSETTA-FP-001", Family.NOT_FINITE, no_nan, folder=SOUND_VALUES)
    yield _of(tensor.one_infinity, "F-ROSETTA-FP-001", Family.NOT_FINITE, no_nan, folder=SOUND_VALUES)
    yield _of(tensor.block_doubled, error, Family.SCALE_ERROR, several_blocks)
    yield _of(tensor.tensor_doubled, survival, Family.SCALE_ERROR, WHEREVER)
    yield _of(tensor.embedding_scaled, "F-ROSETTA-STATS-002", Family.SCALE_ERROR, ROWS)
    yield _of(tensor.attention_scale_in_q, "F-ROSETTA-STATS-003", Family.SCALE_ERROR, WHEREVER)
    yield _of(tensor.tensor_negated, "F-LAYOUT-002", Family.SCALE_ERROR, WHEREVER)
    yield _of(tensor.matrix_of_zeros, survival, Family.ZEROED, WHEREVER, folder=SOUND_VALUES)
    yield _of(tensor.low_bits_lost, "F-ROSETTA-FP-002", Family.CORRUPTED_BLOCK, (GGUF_F32, APR_F32))
    yield _of(tensor.quantized_coarser, error, Family.CORRUPTED_BLOCK, (GGUF_Q8_0,))
    yield _of(tensor.minimums_lost, error, Family.DTYPE_MISREAD, (GGUF_Q4_K_M,))


def _types() -> Iterable[ConversionDefect]:
    promise, codes = "F-CONTRACT-I3-001", "F-APR-FORMAT-001"
    yield _of_bytes(raw.called_bf16, promise, Family.DTYPE_MISREAD, FLOATS)
    yield _of_bytes(
        raw.called_iq4_nl,
        promise,
        Family.DTYPE_MISREAD,
        (GGUF_Q4_0,),
        alike=Family.SCALE_ERROR,
        why_alike="the numbers of both types rise with their codes: one read as the other is nearly a multiple of it",
    )
    yield _of_bytes(raw.type_unknown, promise, Family.DTYPE_MISREAD, FLOATS, folder=SHARDS, apr=codes)
    yield _of_bytes(
        raw.called_f32,
        promise,
        Family.DTYPE_MISREAD,
        (*FLOATS, GGUF_Q8_0),
        folder=SHARDS,
        apr=codes,
        alike=Family.UNKNOWN,
        why_alike="the reader stops at bytes that do not fit, whatever made them so",
    )
    yield _of(
        tensor.all_f32_called_q8_0,
        promise,
        Family.DTYPE_MISREAD,
        (GGUF_Q8_0,),
        alike=Family.CORRUPTED_BLOCK,
        why_alike="values that went through Q8_0 are further from the ground truth than F32 can be",
    )
    yield _of(tensor.q4_0_called_q8_0, promise, Family.DTYPE_MISREAD, (GGUF_Q8_0,))


def _names() -> Iterable[ConversionDefect]:
    names, tied = "F-CONTRACT-I2-001", "F-META-TIED-001"
    artefacts = (*FLOATS, GGUF_Q4_K_M)
    yield _of(tensor.name_changed, names, Family.MISSING_TENSOR, artefacts, folder=INVENTORY)
    yield _of(tensor.tensor_dropped, names, Family.MISSING_TENSOR, artefacts, folder=INVENTORY)
    yield _of(tensor.layer_dropped, names, Family.MISSING_TENSOR, FLOATS)
    yield _of(tensor.tensor_invented, names, Family.CONFIG_MISMATCH, artefacts, folder=INVENTORY)
    yield _of(tensor.zero_head_stored, tied, Family.TIED_HEAD, artefacts, folder=TIED)
    yield _of(tensor.zero_head_untied, tied, Family.TIED_HEAD, (FOLDER, APR_F16), folder=SOUND_VALUES)
    yield _of(tensor.head_unlike_embedding, tied, Family.TIED_HEAD, artefacts)
    yield _of(tensor.head_untied_and_absent, tied, Family.TIED_HEAD, (FOLDER, APR_F16), folder=TIED)


def _numbers() -> Iterable[ConversionDefect]:
    sizes, heads, logits = "F-META-SIZE-001", "F-META-HEADS-001", "F-LOGIT-NMSE-001"
    yield _of(said.rope_theta_wrong, "F-META-ROPE-001", Family.ROPE_PARAMETERS, FLOATS)
    yield _of(said.rope_type_wrong, "F-META-ROPE-001", Family.ROPE_PARAMETERS, FLOATS)
    yield _of(said.half_of_a_head_rotated, "F-META-ROPE-001", Family.ROPE_PARAMETERS, (GGUF_F16,))
    yield _of(said.epsilon_wrong, "F-META-NORM-001", Family.NORM_EPSILON, FLOATS)
    yield _of(said.heads_wrong, heads, Family.HEAD_COUNT, FLOATS)
    yield _of(said.kv_heads_wrong, heads, Family.HEAD_COUNT, FLOATS, folder=INVENTORY)
    yield _of(
        said.config_of_another_size,
        sizes,
        Family.CONFIG_MISMATCH,
        FLOATS,
        folder="G0-INTEGRITY-LAYERS",
        alike=Family.HEAD_COUNT,
        why_alike="the number of heads is among the wrong ones",
    )
    yield _of(said.one_layer_more, sizes, Family.CONFIG_MISMATCH, FLOATS, folder="G0-INTEGRITY-LAYERS")
    yield _of(said.vocabulary_size_wrong, sizes, Family.CONFIG_MISMATCH, FLOATS, folder="G0-INTEGRITY-VOCAB")
    yield _of(said.context_wrong, "F-META-CONTEXT-001", Family.CONFIG_MISMATCH, FILES)
    yield _of(
        said.activation_wrong,
        logits,
        Family.CONFIG_MISMATCH,
        (FOLDER, APR_F16),
        alike=Family.UNKNOWN,
        why_alike="no gate compares the activation, and logits that part say no more than that",
    )
    yield _of(said.attention_not_causal, logits, Family.UNKNOWN, (GGUF_F16,))


def _tokenizers() -> Iterable[ConversionDefect]:
    ids, special, template = "F-TOKEN-IDS-001", "F-TOKEN-SPECIAL-001", "F-CHAT-TEMPLATE-001"
    vocabulary, merges = Family.TOKENIZER_VOCABULARY, Family.TOKENIZER_MERGES
    yield _of(
        said.token_ids_shifted,
        ids,
        Family.TOKEN_IDS_SHIFTED,
        FLOATS,
        alike=vocabulary,
        why_alike="where every id is shifted, every id stands for another text",
    )
    yield _of(said.two_tokens_exchanged, ids, vocabulary, FLOATS)
    yield _of(said.spaces_spelled_otherwise, "F-CONTRACT-I5-001", vocabulary, (GGUF_F16,))
    yield _of(said.merges_missing, ids, merges, FLOATS)
    yield _of(said.merges_reordered, ids, merges, FLOATS)
    yield _of(said.half_the_merges, ids, merges, FLOATS)
    yield _of(said.pre_tokenizer_wrong, ids, merges, (GGUF_F16,))
    yield _of(
        said.bos_wrong,
        special,
        vocabulary,
        FILES,
        alike=Family.CHAT_TEMPLATE,
        why_alike="the template writes the BOS token, so that conversations are rendered differently, too",
    )
    yield _of(said.eos_wrong, special, vocabulary, FILES)
    yield _of(said.controls_called_text, special, vocabulary, (GGUF_F16,))
    yield _of(said.controls_called_users_own, "F-SEC-INJECT-001", vocabulary, (GGUF_F16,))
    yield _of(said.bos_left_out, "F-TOKEN-BOS-001", Family.CONFIG_MISMATCH, FLOATS)
    yield _of(said.template_of_another_model, template, Family.CHAT_TEMPLATE, FLOATS)
    yield _of(said.template_missing, template, Family.CHAT_TEMPLATE, FLOATS)
    yield _of(said.template_without_newline, template, Family.CHAT_TEMPLATE, FLOATS)


def _bytes() -> Iterable[ConversionDefect]:
    header, names = "F-APR-FORMAT-003", "F-CONTRACT-I2-001"
    yield _of_bytes(raw.truncated, names, Family.TRUNCATED_FILE, FLOATS, folder=SHARDS, apr=header)
    yield _of_bytes(raw.truncated_header, names, Family.TRUNCATED_FILE, FLOATS, folder=SHARDS, apr=header)
    yield _of_bytes(raw.one_bit_flipped, header, Family.CORRUPTED_BLOCK, (APR_F16,))
    yield _of_bytes(raw.tensor_off_the_grid, "F-APR-FORMAT-002", Family.UNKNOWN, (APR_F16,))
    yield _of_bytes(
        raw.column_major_flag,
        header,
        Family.TRANSPOSED,
        (APR_F16,),
        alike=Family.UNKNOWN,
        why_alike="the file is refused before a value is read",
    )


def _of(
    function: Callable[[Contents], None],
    gate_id: str,
    family: Family,
    artefacts: tuple[Artefact, ...],
    *,
    folder: str = GOLDEN,
    alike: Family | None = None,
    why_alike: str = "",
) -> ConversionDefect:
    """A defect of contents; `folder` is the gate that must catch it in safetensors."""
    gates = {Format.SAFETENSORS: folder, Format.GGUF: gate_id, Format.APR: gate_id}
    plant = _to_contents(function)
    return ConversionDefect(
        function.__name__, _description(function), plant, gates, family, artefacts, alike, why_alike
    )


def _of_bytes(
    function: Callable[[Path], None],
    gate_id: str,
    family: Family,
    artefacts: tuple[Artefact, ...],
    *,
    folder: str = GOLDEN,
    apr: str = "",
    alike: Family | None = None,
    why_alike: str = "",
) -> ConversionDefect:
    """A defect of bytes; `folder` and `apr` are the gates that must catch it in these formats."""
    gates = {Format.SAFETENSORS: folder, Format.GGUF: gate_id, Format.APR: apr or gate_id}
    return ConversionDefect(
        function.__name__, _description(function), function, gates, family, artefacts, alike, why_alike
    )


def _description(function: Callable[..., None]) -> str:
    return " ".join((function.__doc__ or "").split())


CONVERSION_DEFECTS: Final = {defect.name: defect for defect in _all()}
"""Every defect by its name."""

CASES: Final = tuple((defect, artefact) for defect in CONVERSION_DEFECTS.values() for artefact in defect.artefacts)
"""Every defect in every artefact in which it is planted."""


_COSTLY_TWINS: Final = {GGUF_Q8_0: GGUF_Q4_K_M, APR_Q8_0: APR_Q4_0, APR_Q4_K_M: APR_Q4_0}
"""Artefacts that the tests leave to `tests.defects.table` where the defect is planted into the other one, too."""

TESTED: Final = tuple(
    (defect, artefact) for defect, artefact in CASES if _COSTLY_TWINS.get(artefact) not in defect.artefacts
)
"""The cases that the tests judge: every format of every defect, and one that has blocks."""

GAPS: Final[dict[tuple[str, Artefact], str]] = {}
"""What is not caught or not named yet, and why; whoever closes a gap takes its line away."""
