"""File formats of models, read as hostile input: safetensors, GGUF and APR files, and Hugging Face folders.

Effects: reads and writes files. Knows nothing of architectures, engines or verdicts.
"""

from pytest_aprqa.formats.apr import AprFile, AprFlag, AprPart, AprProblem, check_apr, read_apr
from pytest_aprqa.formats.apr_types import APR_TYPES
from pytest_aprqa.formats.apr_write import AprTensor, write_apr, write_apr_shards
from pytest_aprqa.formats.block_types import BLOCK_TYPES, BlockType
from pytest_aprqa.formats.bounded_json import read_json
from pytest_aprqa.formats.file_types import file_quantization, file_type
from pytest_aprqa.formats.folder import (
    INDEX_FILE,
    SIDE_FILES,
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
from pytest_aprqa.formats.gguf import PLAIN_TYPES, GgufFile, read_gguf
from pytest_aprqa.formats.gguf_write import GgufTensor, GgufValue, write_gguf
from pytest_aprqa.formats.safetensors import Header, TensorEntry, read_header
from pytest_aprqa.formats.tensors import Values, blocks, read_tensor, readable

__all__ = [
    "APR_TYPES",
    "BLOCK_TYPES",
    "INDEX_FILE",
    "PLAIN_TYPES",
    "SIDE_FILES",
    "SINGLE_FILE",
    "AprFile",
    "AprFlag",
    "AprPart",
    "AprProblem",
    "AprTensor",
    "BlockType",
    "Checkpoint",
    "GgufFile",
    "GgufTensor",
    "GgufValue",
    "Header",
    "ShardIndex",
    "TensorEntry",
    "Values",
    "blocks",
    "check_apr",
    "file_quantization",
    "file_type",
    "holds_weights",
    "inside",
    "open_checkpoint",
    "read_apr",
    "read_config",
    "read_gguf",
    "read_header",
    "read_index",
    "read_json",
    "read_tensor",
    "readable",
    "weight_files",
    "write_apr",
    "write_apr_shards",
    "write_gguf",
]
