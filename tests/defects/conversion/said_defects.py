"""Defects of what a file says: numbers of the architecture, the tokenizer, the chat template."""

from __future__ import annotations

from typing import Final

from tests.defects.conversion.contents import Contents
from tests.defects.conversion.gguf_contents import GgufContents

BOS: Final = 0
EOS: Final = 2
SPECIALS: Final = 3
"""Tokens at the vocabulary's beginning that are no text."""

OTHER_TEMPLATE: Final = (
    "{% for message in messages %}{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}"
    "{% else %}{{ ' ' + message['content'] + ' ' }}{% endif %}{% endfor %}"
)


def rope_theta_wrong(it: Contents) -> None:
    """The base of the rotary embedding is 1,000,000 instead of 10,000."""
    it.state("rope_theta", 1_000_000.0)


def rope_type_wrong(it: Contents) -> None:
    """The rotary embedding is said to be scaled linearly, by 4."""
    it.state("rope_type", "linear")
    it.state("rope_factor", 4.0)


def epsilon_wrong(it: Contents) -> None:
    """The epsilon of the norms is 0.1 instead of 1e-5."""
    it.state("rms_norm_eps", 0.1)


def heads_wrong(it: Contents) -> None:
    """Twice as many heads, of half the width."""
    it.state("num_attention_heads", 8)
    it.state("num_key_value_heads", 4)
    it.state("head_dim", 32)


def kv_heads_wrong(it: Contents) -> None:
    """As many key-value heads as heads."""
    it.state("num_key_value_heads", 4)


def config_of_another_size(it: Contents) -> None:
    """Layers, widths and heads are those of a larger sibling."""
    it.state("num_hidden_layers", 6)
    it.state("hidden_size", 512)
    it.state("intermediate_size", 1024)
    it.state("num_attention_heads", 8)


def one_layer_more(it: Contents) -> None:
    """One layer more is said to be there."""
    it.state("num_hidden_layers", 4)


def vocabulary_size_wrong(it: Contents) -> None:
    """Fewer tokens are said than the embedding has rows."""
    it.state("vocab_size", 1000)


def context_wrong(it: Contents) -> None:
    """The context is said to be 512 tokens instead of 2,048."""
    it.state("max_position_embeddings", 512)


def activation_wrong(it: Contents) -> None:
    """The activation is said to be relu instead of silu."""
    it.state("hidden_act", "relu")


def token_ids_shifted(it: Contents) -> None:
    """Every text of the vocabulary has the next one's id; special tokens keep theirs."""
    texts = it.vocabulary
    it.vocabulary = [*texts[:SPECIALS], texts[-1], *texts[SPECIALS:-1]]


def two_tokens_exchanged(it: Contents) -> None:
    """Two frequent texts of the vocabulary have each other's id."""
    texts = it.vocabulary
    one, other = texts.index("e"), texts.index("Ġ")
    texts[one], texts[other] = texts[other], texts[one]
    it.vocabulary = texts


def spaces_spelled_otherwise(it: Contents) -> None:
    """The vocabulary spells spaces as SentencePiece does, not as bytes."""
    it.vocabulary = [text.replace("Ġ", "▁") for text in it.vocabulary]


def merges_missing(it: Contents) -> None:
    """No merges are there."""
    it.merges = []


def merges_reordered(it: Contents) -> None:
    """The merges are in the reversed order."""
    it.merges = it.merges[::-1]


def half_the_merges(it: Contents) -> None:
    """Every other merge is missing."""
    it.merges = it.merges[::2]


def bos_wrong(it: Contents) -> None:
    """Another token is said to begin a prompt."""
    it.appoint("bos", 1)


def eos_wrong(it: Contents) -> None:
    """Another token is said to end an answer."""
    it.appoint("eos", 1)


def bos_left_out(it: Contents) -> None:
    """A prompt is said not to begin with BOS."""
    it.begin_with_bos(False)


def template_of_another_model(it: Contents) -> None:
    """The chat template is another model's."""
    it.template = OTHER_TEMPLATE


def template_missing(it: Contents) -> None:
    """There is no chat template."""
    it.template = None


def template_without_newline(it: Contents) -> None:
    """The chat template lacks the line break after the role."""
    assert it.template
    it.template = it.template.replace("assistant\\n", "assistant")


def pre_tokenizer_wrong(it: Contents) -> None:
    """The rule that splits text before merging is another model's."""
    _gguf(it).set("tokenizer.ggml.pre", "gpt-2", "string")


def controls_called_text(it: Contents) -> None:
    """The special tokens are said to be ordinary text."""
    _set_types(it, 1)


def controls_called_users_own(it: Contents) -> None:
    """The special tokens are said to be the user's own, and so are read out of any text."""
    _set_types(it, 4)


def attention_not_causal(it: Contents) -> None:
    """Every token is said to see those after it."""
    _gguf(it).set("llama.attention.causal", False, "bool")


def half_of_a_head_rotated(it: Contents) -> None:
    """Rotary embedding is said to turn half of each head only."""
    _gguf(it).set("llama.rope.dimension_count", 32, "u32")


def _gguf(it: Contents) -> GgufContents:
    assert isinstance(it, GgufContents)
    return it


def _set_types(it: Contents, kind: int) -> None:
    file = _gguf(it)
    key = "tokenizer.ggml.token_type"
    value = file.fields[key].value
    assert isinstance(value, list)
    file.set(key, [kind] * SPECIALS + value[SPECIALS:], "[i32]")
