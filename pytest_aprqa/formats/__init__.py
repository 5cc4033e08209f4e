"""File formats of models, read as hostile input: safetensors files and Hugging Face folders.

Effects: reads files. Knows nothing of architectures, engines or verdicts.
"""

from pytest_aprqa.formats.bounded_json import read_json
from pytest_aprqa.formats.folder import (
    INDEX_FILE,
    SINGLE_FILE,
    Checkpoint,
    ShardIndex,
    holds_weights,
    inside,
    open_checkpoint,
    read_config,
    read_index,
    weight_files,
)
from pytest_aprqa.formats.safetensors import Header, TensorEntry, read_header
from pytest_aprqa.formats.tensors import Values, blocks, read_tensor, readable

__all__ = [
    "INDEX_FILE",
    "SINGLE_FILE",
    "Checkpoint",
    "Header",
    "ShardIndex",
    "TensorEntry",
    "Values",
    "blocks",
    "holds_weights",
    "inside",
    "open_checkpoint",
    "read_config",
    "read_header",
    "read_index",
    "read_json",
    "read_tensor",
    "readable",
    "weight_files",
]
