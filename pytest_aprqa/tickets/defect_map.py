"""From a cause to the kind of fixture that reproduces it: the planted defect of this project's own tests. Pure.

The original tool has five classes with a fixture each; where one of them is meant, it is named, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pytest_aprqa.parity import Family
from pytest_aprqa.tickets import causes

CONVERSION_LIBRARY: Final = "tests/defects/conversion/library.py"
FOLDER_LIBRARY: Final = "tests/defects/library.py"


@dataclass(frozen=True, slots=True)
class Fixture:
    """How a cause is reproduced on purpose."""

    cause: str
    """Key of the table of causes."""
    make: str
    """What to make, in words."""
    defect: str = ""
    """Name of the planted defect; empty where there is none."""
    library: str = ""
    """File that holds it; see docs/defects.md."""
    published: str = ""
    """The original tool's class of failure; empty where it has none."""


def _planted(cause: str, defect: str, make: str, *, published: str = "") -> Fixture:
    return Fixture(cause, make, defect, CONVERSION_LIBRARY, published)


_NAMES, _BLOCKS, _CONFIG, _ABSENT, _INFERENCE = (
    "tensor_name_mismatch",
    "dequantization_failure",
    "config_metadata_mismatch",
    "missing_artifact",
    "inference_failure",
)

_ALL: Final = (
    _planted(Family.TRANSPOSED, "transposed_square", "a converted file with one square matrix transposed"),
    _planted(
        Family.ROPE_LAYOUT,
        "rope_rows_left_as_they_were",
        "a GGUF whose query and key rows are in Hugging Face's order",
    ),
    _planted(Family.HEAD_COUNT, "k_permuted_by_all_heads", "a GGUF whose key rows are interleaved by all heads"),
    _planted(Family.NORM_OFFSET, "norms_plus_one", "a converted file with one added to every norm"),
    _planted(Family.DTYPE_MISREAD, "called_bf16", "a file whose F16 matrix is labeled BF16", published=_BLOCKS),
    _planted(Family.SCALE_ERROR, "tensor_doubled", "a converted file with one matrix doubled", published=_BLOCKS),
    _planted(Family.TOKENIZER_MERGES, "half_the_merges", "a converted file with every other merge missing"),
    _planted(Family.TOKENIZER_VOCABULARY, "two_tokens_exchanged", "a converted file with two tokens exchanged"),
    _planted(Family.CHAT_TEMPLATE, "template_missing", "a converted file without its chat template"),
    _planted(Family.TIED_HEAD, "zero_head_stored", "a converted file that stores a head of zeros"),
    _planted(Family.LAYER_ORDER, "layers_exchanged", "a converted file whose first and last layer change places"),
    _planted(Family.SWAPPED_TENSORS, "gate_and_up_exchanged", "a converted file whose gate and up change names"),
    _planted(Family.MISSING_TENSOR, "name_changed", "a converted file with one tensor renamed", published=_NAMES),
    _planted(Family.NOT_FINITE, "one_nan", "a converted file with one number NaN", published=_BLOCKS),
    _planted(Family.ZEROED, "matrix_of_zeros", "a converted file with one matrix of zeros"),
    _planted(Family.ROPE_PARAMETERS, "rope_theta_wrong", "a converted file with another rotary base"),
    _planted(Family.NORM_EPSILON, "epsilon_wrong", "a converted file with another epsilon"),
    _planted(Family.CONFIG_MISMATCH, "one_layer_more", "a file that claims one layer more", published=_CONFIG),
    _planted(Family.TOKEN_IDS_SHIFTED, "token_ids_shifted", "a converted file with every token id off by one"),
    _planted(Family.CORRUPTED_BLOCK, "one_bit_flipped", "a file with one bit of its last tensor flipped"),
    _planted(Family.TRUNCATED_FILE, "truncated", "a file without its last tenth"),
    _planted(causes.DEQUANTIZATION, "quantized_coarser", "a Q8_0 file that went through Q4_0", published=_BLOCKS),
    Fixture(
        causes.MISSING_FILE, "a model folder without its tokenizer.json", "tokenizer_missing", FOLDER_LIBRARY, _ABSENT
    ),
    Fixture(causes.UNSUPPORTED, "a configuration of an unknown architecture", "architecture_unknown", FOLDER_LIBRARY),
    Fixture(causes.CRASH, "the fake engine, told to die on this prompt", published=_INFERENCE),
    Fixture(causes.OUT_OF_MEMORY, "any engine under --aprqa-memory-limit"),
    Fixture(causes.NO_ANSWER, "the fake engine, told to hang on this prompt"),
    Fixture(causes.SERVER_DOWN, "a stand-in server that exits before it listens"),
    Fixture(causes.SERVER_REFUSES, "a stand-in server that answers 500 to everything"),
    Fixture(causes.SERVER_BEHAVIOR, "a stand-in server with this one fault"),
    Fixture(causes.STATE, "the fake engine, told to remember the prompt before"),
    Fixture(causes.SPEED, "the fake engine, told to wait before each token"),
    Fixture(causes.WRONG_ANSWERS, "the fake engine, told to answer this prompt wrongly"),
)

DEFECT_MAP: Final = {str(fixture.cause): fixture for fixture in _ALL}
"""Cause to the fixture that reproduces it; an unknown cause has none."""
