"""Defects of tensors: what a converter or quantizer does wrong to names, order, values and bytes.

Made for a llama of three layers with four heads over two key-value heads, such as the embedded model.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from tests.defects.conversion.contents import Contents
from tests.defects.conversion.stored import Stored, rounded_to_bf16, stored

HEADS: Final = 4
KV_HEADS: Final = 2
LAYERS: Final = 3
EMBEDDING: Final = "model.embed_tokens.weight"
HEAD: Final = "lm_head.weight"
NORM: Final = "model.norm.weight"
SQUARE: Final = "model.layers.1.self_attn.o_proj.weight"
OBLONG: Final = "model.layers.1.mlp.down_proj.weight"


def transposed_square(it: Contents) -> None:
    """A square matrix is transposed."""
    it.tensors[SQUARE] = it.tensors[SQUARE].holding(it.tensors[SQUARE].values.T)


def transposed_oblong(it: Contents) -> None:
    """A matrix of unequal lengths is transposed, values and shape."""
    it.tensors[OBLONG] = it.tensors[OBLONG].holding(it.tensors[OBLONG].values.T)


def transposed_under_its_shape(it: Contents) -> None:
    """The values of a matrix are transposed, its shape is not."""
    matrix = it.tensors[OBLONG]
    it.tensors[OBLONG] = matrix.holding(matrix.values.T.reshape(matrix.shape))


def lengths_reversed(it: Contents) -> None:
    """The two lengths of a matrix are exchanged, its bytes are left alone."""
    matrix = it.tensors[OBLONG]
    it.tensors[OBLONG] = matrix.of_shape(*matrix.shape[::-1])


def all_transposed(it: Contents) -> None:
    """Every matrix is transposed under its shape: the belief that GGUF is column-major."""
    for name, matrix in it.tensors.items():
        if len(matrix.shape) == 2:
            it.tensors[name] = matrix.holding(matrix.values.T.reshape(matrix.shape))


def q_and_k_exchanged(it: Contents) -> None:
    """Query and key of a layer change names."""
    _exchange(it, "model.layers.1.self_attn.q_proj.weight", "model.layers.1.self_attn.k_proj.weight")


def k_and_v_exchanged(it: Contents) -> None:
    """Key and value of a layer, of one shape, change names."""
    _exchange(it, "model.layers.1.self_attn.k_proj.weight", "model.layers.1.self_attn.v_proj.weight")


def gate_and_up_exchanged(it: Contents) -> None:
    """Gate and up of all layers change names."""
    for layer in range(LAYERS):
        _exchange(it, f"model.layers.{layer}.mlp.gate_proj.weight", f"model.layers.{layer}.mlp.up_proj.weight")


def layers_exchanged(it: Contents) -> None:
    """The first and the last layer change places."""
    for name in [name for name in it.tensors if name.startswith("model.layers.0.")]:
        _exchange(it, name, name.replace("layers.0.", "layers.2."))


def rope_rows_left_as_they_were(it: Contents) -> None:
    """The rows of q and k are in Hugging Face's order where GGUF wants adjacent pairs."""
    _rope_rows(it, halved, ("q_proj", HEADS), ("k_proj", KV_HEADS))


def rope_rows_permuted_twice(it: Contents) -> None:
    """The rows of q and k are interleaved a second time."""
    _rope_rows(it, interleaved, ("q_proj", HEADS), ("k_proj", KV_HEADS))


def rope_rows_permuted(it: Contents) -> None:
    """The rows of q and k are interleaved as GGUF wants them, where Hugging Face's order belongs."""
    _rope_rows(it, interleaved, ("q_proj", HEADS), ("k_proj", KV_HEADS))


def rope_rows_of_k_wrong(it: Contents) -> None:
    """The rows of k alone, in one layer, are in the other format's order."""
    name = "model.layers.2.self_attn.k_proj.weight"
    it.tensors[name] = it.tensors[name].rows(halved(KV_HEADS, it.tensors[name].shape[0]))


def k_permuted_by_all_heads(it: Contents) -> None:
    """The rows of k are interleaved by the number of heads instead of key-value heads."""
    for layer in range(LAYERS):
        name = f"model.layers.{layer}.self_attn.k_proj.weight"
        rows = it.tensors[name].shape[0]
        it.tensors[name] = it.tensors[name].rows(halved(KV_HEADS, rows)).rows(interleaved(HEADS, rows))


def norm_of_zeros(it: Contents) -> None:
    """The weights of a norm are all zero."""
    _times(it, "model.layers.1.input_layernorm.weight", 0.0)


def norms_plus_one(it: Contents) -> None:
    """One is added to the weights of every norm, as Gemma needs and Llama does not."""
    _add_to_norms(it, 1.0)


def norms_minus_one(it: Contents) -> None:
    """One is taken from the weights of every norm."""
    _add_to_norms(it, -1.0)


def one_nan(it: Contents) -> None:
    """One number, or one block's scale, is NaN."""
    it.tensors[OBLONG] = it.tensors[OBLONG].spoiled(np.nan)


def one_infinity(it: Contents) -> None:
    """One number, or one block's scale, is infinite."""
    it.tensors[OBLONG] = it.tensors[OBLONG].spoiled(np.inf)


def block_doubled(it: Contents) -> None:
    """The scale of one block, or 32 numbers in a row, is doubled."""
    it.tensors[OBLONG] = it.tensors[OBLONG].times(2.0, blocks=it.tensors[OBLONG].loudest_block)


def tensor_doubled(it: Contents) -> None:
    """All numbers of one matrix are doubled."""
    _times(it, OBLONG, 2.0)


def embedding_scaled(it: Contents) -> None:
    """The embedding is multiplied by the root of its width, which is for the engine of another family to do."""
    _times(it, EMBEDDING, 16.0)


def attention_scale_in_q(it: Contents) -> None:
    """The weights of every query are divided by the root of a head's width, which the engine does once more."""
    for layer in range(LAYERS):
        _times(it, f"model.layers.{layer}.self_attn.q_proj.weight", 0.125)


def tensor_negated(it: Contents) -> None:
    """All numbers of one matrix change sign."""
    _times(it, OBLONG, -1.0)


def matrix_of_zeros(it: Contents) -> None:
    """All numbers of one matrix are zero."""
    _times(it, OBLONG, 0.0)


def columns_rolled(it: Contents) -> None:
    """The columns of one matrix are moved by one place."""
    it.tensors[OBLONG] = it.tensors[OBLONG].holding(np.roll(it.tensors[OBLONG].values, 1, axis=1))


def embedding_rows_shifted(it: Contents) -> None:
    """The rows of the embedding are moved by one place."""
    rows = it.tensors[EMBEDDING].shape[0]
    it.tensors[EMBEDDING] = it.tensors[EMBEDDING].rows(np.roll(np.arange(rows), 1))


def two_embedding_rows_exchanged(it: Contents) -> None:
    """Two tokens that the vocabulary has in its middle exchange their rows of the embedding."""
    order = np.arange(it.tensors[EMBEDDING].shape[0])
    order[[400, 700]] = order[[700, 400]]
    it.tensors[EMBEDDING] = it.tensors[EMBEDDING].rows(order)


def low_bits_lost(it: Contents) -> None:
    """The values of an F32 file went through bfloat16."""
    for name, tensor in it.tensors.items():
        it.tensors[name] = tensor.holding(rounded_to_bf16(tensor.values))


def name_changed(it: Contents) -> None:
    """One tensor has another format's name."""
    it.tensors = {
        name.replace("model.layers.1.mlp.up_proj", "layers.1.feed_forward.w3"): tensor
        for name, tensor in it.tensors.items()
    }


def tensor_dropped(it: Contents) -> None:
    """One tensor of a layer is not there."""
    del it.tensors["model.layers.1.self_attn.v_proj.weight"]


def layer_dropped(it: Contents) -> None:
    """No tensor of the last layer is there, and the configuration says one layer less."""
    it.tensors = {name: tensor for name, tensor in it.tensors.items() if not name.startswith("model.layers.2.")}
    it.state("num_hidden_layers", LAYERS - 1)


def tensor_invented(it: Contents) -> None:
    """A bias is there that the model does not have."""
    values = np.linspace(-1, 1, it.tensors[SQUARE].shape[0], dtype=np.float32)
    it.tensors["model.layers.1.self_attn.o_proj.bias"] = stored(values, "F32")


def zero_head_stored(it: Contents) -> None:
    """A head of zeros is stored; what the file says of its ties is left alone."""
    it.tensors[HEAD] = it.tensors[EMBEDDING].times(0.0)


def zero_head_untied(it: Contents) -> None:
    """A head of zeros is stored, and said to be the model's own."""
    zero_head_stored(it)
    it.state("tie_word_embeddings", False)


def head_unlike_embedding(it: Contents) -> None:
    """A head is stored that is not the embedding to which it is tied."""
    embedding = it.tensors[EMBEDDING]
    it.tensors[HEAD] = embedding.rows(np.arange(embedding.shape[0])[::-1])
    it.state("tie_word_embeddings", False)


def head_untied_and_absent(it: Contents) -> None:
    """The head is said to be the model's own, and is not there."""
    it.tensors.pop(HEAD, None)
    it.state("tie_word_embeddings", False)


def quantized_coarser(it: Contents) -> None:
    """The values of a Q8_0 file went through Q4_0."""
    for name, tensor in it.tensors.items():
        if tensor.dtype == "Q8_0":
            it.tensors[name] = tensor.holding(stored(tensor.values, "Q4_0").values)


def all_f32_called_q8_0(it: Contents) -> None:
    """Every tensor is F32 in a file that promises Q8_0."""
    for name, tensor in it.tensors.items():
        it.tensors[name] = stored(tensor.values, "F32")


def q4_0_called_q8_0(it: Contents) -> None:
    """Every matrix is Q4_0 in a file that promises Q8_0."""
    for name, tensor in it.tensors.items():
        if tensor.dtype == "Q8_0":
            it.tensors[name] = stored(tensor.values, "Q4_0")


def minimums_lost(it: Contents) -> None:
    """The blocks of Q4_K have one scale instead of two: their minimums are zero."""
    for name, tensor in it.tensors.items():
        if tensor.dtype == "Q4_K":
            raw = tensor.raw.copy()
            raw.reshape(-1, 144)[:, 2:4] = 0
            it.tensors[name] = Stored(tensor.dtype, tensor.shape, raw)


def nibbles_in_pairs(it: Contents) -> None:
    """The nibbles of Q4_0 lie in pairs, as another format's 4-bit type has them, instead of in halves."""
    for name, tensor in it.tensors.items():
        if tensor.dtype == "Q4_0":
            raw = tensor.raw.copy()
            blocks = raw.reshape(-1, 18)
            codes = np.concatenate((blocks[:, 2:] & 15, blocks[:, 2:] >> 4), axis=1)
            blocks[:, 2:] = codes[:, 0::2] | codes[:, 1::2] << 4
            it.tensors[name] = Stored(tensor.dtype, tensor.shape, raw)


def interleaved(heads: int, rows: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Where GGUF's rows come from: halves of a head become adjacent pairs."""
    return np.arange(rows).reshape(heads, 2, -1).swapaxes(1, 2).reshape(-1)


def halved(heads: int, rows: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The way back."""
    return np.arange(rows).reshape(heads, -1, 2).swapaxes(1, 2).reshape(-1)


def _rope_rows(it: Contents, order: object, *parts: tuple[str, int]) -> None:
    assert callable(order)
    for layer in range(LAYERS):
        for part, heads in parts:
            name = f"model.layers.{layer}.self_attn.{part}.weight"
            it.tensors[name] = it.tensors[name].rows(order(heads, it.tensors[name].shape[0]))


def _exchange(it: Contents, one: str, other: str) -> None:
    it.tensors[one], it.tensors[other] = it.tensors[other], it.tensors[one]


def _times(it: Contents, name: str, factor: float) -> None:
    it.tensors[name] = it.tensors[name].times(factor)


def _add_to_norms(it: Contents, number: float) -> None:
    for name, tensor in it.tensors.items():
        if name.endswith("norm.weight"):
            it.tensors[name] = tensor.holding(tensor.values + np.float32(number))
