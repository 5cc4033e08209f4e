"""One table of planted defects: each is done to a copy of a model folder and must be caught by the gateway it names.

Made for folders of one float weight file and a tokenizer.json, such as `tests.tiny` and the embedded model.
The gateway of stability (G3) is not here: a crash is planted through the fake engine, not through files.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from safetensors.numpy import load_file, save_file

from pytest_aprqa.core import Gateway
from tests.defects.edits import (
    EMBEDDING,
    HEAD,
    NORM,
    config_of,
    edited_json,
    edited_tensors,
    say_only,
    set_config,
    stop_ids,
    token_id,
)

WEIGHTS: Final = "model.safetensors"
LAYER: Final = "model.layers.0."


@dataclass(frozen=True, slots=True)
class Defect:
    """A defect, and what must notice it."""

    name: str
    plant: Callable[[Path], None]
    gateway: Gateway | None
    """The gateway that fails; None where no gateway need fail, and scenarios do."""
    description: str
    gate_id: str = ""
    """The one G0 gate that is falsified; those that rest on it may be inconclusive."""


def plant(name: str, folder: Path) -> None:
    """Does a defect to a model folder, in place: give it a copy."""
    DEFECTS[name].plant(folder)


def config_missing(folder: Path) -> None:
    (folder / "config.json").unlink()


def config_broken(folder: Path) -> None:
    path = folder / "config.json"
    path.write_bytes(path.read_bytes()[:-2])


def architecture_unknown(folder: Path) -> None:
    set_config(folder, model_type="aprqa_nonesuch")


def architecture_mixed_up(folder: Path) -> None:
    set_config(folder, architectures=["MistralForCausalLM"])


def heads_do_not_divide(folder: Path) -> None:
    set_config(folder, num_key_value_heads=config_of(folder)["num_attention_heads"] - 1)


def weights_truncated(folder: Path) -> None:
    path = folder / WEIGHTS
    path.write_bytes(path.read_bytes()[:-100])


def weights_missing(folder: Path) -> None:
    (folder / WEIGHTS).unlink()


def header_flipped(folder: Path) -> None:
    content = bytearray((folder / WEIGHTS).read_bytes())
    content[7] ^= 0x80
    (folder / WEIGHTS).write_bytes(content)


def tensors_overlap(folder: Path) -> None:
    content = (folder / WEIGHTS).read_bytes()
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    header["model.another"] = header[NORM]
    text = json.dumps(header).encode()
    (folder / WEIGHTS).write_bytes(struct.pack("<Q", len(text)) + text + content[end:])


def shard_missing(folder: Path) -> None:
    tensors = load_file(folder / WEIGHTS)
    (folder / WEIGHTS).unlink()
    shards = {name: f"model-0000{1 + place % 2}-of-00002.safetensors" for place, name in enumerate(sorted(tensors))}
    first = min(shards.values())
    save_file({name: tensors[name] for name, shard in shards.items() if shard == first}, folder / first)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": shards}))


def only_pickle(folder: Path) -> None:
    (folder / WEIGHTS).rename(folder / "pytorch_model.bin")


def one_layer_more_declared(folder: Path) -> None:
    set_config(folder, num_hidden_layers=config_of(folder)["num_hidden_layers"] + 1)


def middle_layer_lost(folder: Path) -> None:
    with edited_tensors(folder) as tensors:
        for name in [name for name in tensors if name.startswith(LAYER)]:
            del tensors[name]


def width_declared_double(folder: Path) -> None:
    config = config_of(folder)
    width = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    set_config(folder, hidden_size=2 * config["hidden_size"], head_dim=width)


def vocabulary_declared_larger(folder: Path) -> None:
    set_config(folder, vocab_size=config_of(folder)["vocab_size"] + 1)


def dtype_declared_otherwise(folder: Path) -> None:
    with edited_json(folder / "config.json") as config:
        config.pop("dtype", None)
        config["torch_dtype"] = "bfloat16"


def weight_of_integers(folder: Path) -> None:
    name = f"{LAYER}mlp.up_proj.weight"
    with edited_tensors(folder) as tensors:
        tensors[name] = np.sign(tensors[name]).astype(np.int8)


def head_lost(folder: Path) -> None:
    set_config(folder, tie_word_embeddings=False)
    with edited_tensors(folder) as tensors:
        tensors.pop(HEAD, None)


def tied_head_differs(folder: Path) -> None:
    set_config(folder, tie_word_embeddings=True)
    with edited_tensors(folder) as tensors:
        tensors[HEAD] = tensors[EMBEDDING][::-1]


def tokenizer_missing(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


def tokenizer_broken(folder: Path) -> None:
    path = folder / "tokenizer.json"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def token_beyond_vocabulary(folder: Path) -> None:
    with edited_json(folder / "tokenizer.json") as tokenizer:
        tokenizer["model"]["vocab"]["<beyond>"] = config_of(folder)["vocab_size"]


def two_tokens_one_id(folder: Path) -> None:
    with edited_json(folder / "tokenizer.json") as tokenizer:
        tokenizer["model"]["vocab"]["<twin>"] = 5


def stop_id_beyond_vocabulary(folder: Path) -> None:
    with edited_json(folder / "generation_config.json") as generation:
        generation["eos_token_id"] = [config_of(folder)["vocab_size"]]


def stop_token_unknown(folder: Path) -> None:
    with edited_json(folder / "tokenizer_config.json") as tokenizer:
        tokenizer["eos_token"] = "<|nonesuch|>"


def template_broken(folder: Path) -> None:
    (folder / "chat_template.jinja").write_text("{% for message in messages %}{{ message.content }")


def tensor_missing(folder: Path) -> None:
    with edited_tensors(folder) as tensors:
        del tensors[f"{LAYER}self_attn.k_proj.weight"]


def tensor_transposed(folder: Path) -> None:
    name = f"{LAYER}mlp.down_proj.weight"
    with edited_tensors(folder) as tensors:
        tensors[name] = tensors[name].T


def tensor_of_another_architecture(folder: Path) -> None:
    with edited_tensors(folder) as tensors:
        rows = tensors[f"{LAYER}self_attn.q_proj.weight"][:, 0]
        tensors[f"{LAYER}self_attn.q_proj.bias"] = rows.copy()


def final_norm_missing(folder: Path) -> None:
    with edited_tensors(folder) as tensors:
        del tensors[NORM]


def one_nan(folder: Path) -> None:
    _set_first(folder, np.nan)


def one_infinity(folder: Path) -> None:
    _set_first(folder, -np.inf)


def matrix_of_zeros(folder: Path) -> None:
    _fill(folder, f"{LAYER}mlp.up_proj.weight", 0.0)


def matrix_of_one_value(folder: Path) -> None:
    _fill(folder, f"{LAYER}mlp.up_proj.weight", 0.25)


def norm_of_zeros(folder: Path) -> None:
    _fill(folder, f"{LAYER}input_layernorm.weight", 0.0)


def _set_first(folder: Path, value: float) -> None:
    name = f"{LAYER}self_attn.v_proj.weight"
    with edited_tensors(folder) as tensors:
        changed = tensors[name].copy()
        changed[-1, -1] = value
        tensors[name] = changed


def _fill(folder: Path, name: str, value: float) -> None:
    with edited_tensors(folder) as tensors:
        tensors[name] = np.full_like(tensors[name], value)


def activation_unknown(folder: Path) -> None:
    set_config(folder, hidden_act="aprqa_nonesuch")


def stops_at_once(folder: Path) -> None:
    say_only(folder, stop_ids(folder))


def one_token_forever(folder: Path) -> None:
    say_only(folder, [token_id(folder, "#")])


def embedding_shuffled(folder: Path) -> None:
    rng = np.random.default_rng(0)
    with edited_tensors(folder) as tensors:
        tensors[EMBEDDING] = rng.permutation(tensors[EMBEDDING])


def attention_mixed_up(folder: Path) -> None:
    """Rows of q in the order of another file format: the classic fault of a conversion."""
    heads = config_of(folder)["num_attention_heads"]
    with edited_tensors(folder) as tensors:
        for name in [name for name in tensors if name.endswith("self_attn.q_proj.weight")]:
            rows, width = tensors[name].shape
            pairs = tensors[name].reshape(heads, 2, rows // heads // 2, width)
            tensors[name] = pairs.swapaxes(1, 2).reshape(rows, width)


def four_means_seven(folder: Path) -> None:
    """The output rows, and with a tied head the input rows, of two digits change places."""
    four, seven = token_id(folder, "4"), token_id(folder, "7")
    with edited_tensors(folder) as tensors:
        name = HEAD if HEAD in tensors else EMBEDDING
        changed = tensors[name].copy()
        changed[[four, seven]] = changed[[seven, four]]
        tensors[name] = changed


_INTEGRITY: Final = {
    "G0-INTEGRITY-CONFIG": {
        config_missing: "config.json is not there",
        config_broken: "config.json ends too early",
        architecture_unknown: "config.json names an architecture that does not exist",
        architecture_mixed_up: "config.json names the class of another architecture",
        heads_do_not_divide: "the heads cannot share the key-value heads",
    },
    "G0-INTEGRITY-SHARDS": {
        weights_truncated: "the weight file ends too early",
        weights_missing: "there is no weight file",
        header_flipped: "one bit of the header's length is flipped",
        tensors_overlap: "two tensors claim the same bytes",
        shard_missing: "the second of two shards is not there",
        only_pickle: "the only weight file is a pickle",
    },
    "G0-INTEGRITY-LAYERS": {
        one_layer_more_declared: "config.json says one layer more than there is",
        middle_layer_lost: "a whole layer's tensors are not there",
    },
    "G0-INTEGRITY-HIDDEN": {width_declared_double: "config.json says twice the width"},
    "G0-INTEGRITY-VOCAB": {vocabulary_declared_larger: "config.json says one token more than the embedding has"},
    "G0-INTEGRITY-DTYPE": {
        dtype_declared_otherwise: "config.json says another type than the weights have",
        weight_of_integers: "a weight is stored as integers",
    },
    "G0-INTEGRITY-TIED": {
        head_lost: "the head is not tied, and not there",
        tied_head_differs: "the head is tied, but another one is there",
    },
    "G0-INTEGRITY-TOKENIZER": {
        tokenizer_missing: "there is no tokenizer",
        tokenizer_broken: "tokenizer.json ends too early",
        token_beyond_vocabulary: "a token's id has no embedding row",
        two_tokens_one_id: "two tokens have one id",
        stop_id_beyond_vocabulary: "the stop token has no embedding row",
        stop_token_unknown: "the tokenizer's stop token is none of its tokens",
        template_broken: "the chat template does not parse",
    },
    "G0-TENSOR-001": {
        tensor_missing: "one tensor of a layer is not there",
        tensor_transposed: "one matrix is transposed",
        tensor_of_another_architecture: "a bias is there that the architecture would ignore",
        final_norm_missing: "the final norm is not there",
    },
    "G0-VALIDATE-001": {
        one_nan: "one weight is NaN",
        one_infinity: "one weight is infinite",
        matrix_of_zeros: "a matrix is all zero",
        matrix_of_one_value: "a matrix is one value throughout",
        norm_of_zeros: "a norm's weights are all zero",
    },
}

_LATER: Final = {
    Gateway.G1: {activation_unknown: "config.json names an activation that no engine has"},
    Gateway.G2: {stops_at_once: "the first token is the stop token, whatever is asked"},
    Gateway.G4: {
        one_token_forever: "the same token again and again",
        embedding_shuffled: "the embedding's rows are in another order",
    },
    None: {
        four_means_seven: "the digits 4 and 7 change places",
        attention_mixed_up: "the rows of q are in the order of another file format",
    },
}

DEFECTS: Final = {
    **{
        function.__name__: Defect(function.__name__, function, Gateway.G0, text, gate_id)
        for gate_id, defects in _INTEGRITY.items()
        for function, text in defects.items()
    },
    **{
        function.__name__: Defect(function.__name__, function, gateway, text)
        for gateway, later in _LATER.items()
        for function, text in later.items()
    },
}
"""Every defect by its name."""
