"""Traces of the machinery in a text: special tokens, undecoded bytes, error messages of an engine.

Knows the markers of the common chat templates and tokenizers; it never sees the model's own tokenizer.
"""

from __future__ import annotations

import re
from typing import Final

_STOP: Final = re.compile(
    r"(?:</s>|<\|im_end\|>|<\|endoftext\|>|<\|eot_id\|>|<\|end_of_text\|>|<\|end\|>|<end_of_turn>|<eos>|<｜end▁of▁sentence｜>)\s*\Z"
)
_SPECIAL: Final = re.compile(
    r"</?\|[A-Za-z0-9_]{1,40}\|>|<｜[^｜<>\n]{1,40}｜>"  # ChatML, Llama 3, Phi; DeepSeek
    r"|\[/?INST\]|<</?SYS>>|\[/?s\](?=\s)|</?s>"  # Llama 2, Mistral
    r"|</?(?:start_of_turn|end_of_turn|bos|eos|pad|unk|mask)>|\[(?:PAD|UNK)\]"  # Gemma, T5, BERT
    r"|<(?:unused|extra_id_|reserved_)\d{1,4}>|<0x[0-9A-F]{2}>"
)
# A whole UTF-8 character as byte-level tokenizers spell its bytes (each byte above 0x7e as one printable character).
_REST: Final = "[\u0121-\u0143\u00a1-\u00bf]"
_BYTES: Final = re.compile(f"[\u00c2-\u00df]{_REST}|[\u00e0-\u00ef]{_REST}{{2}}|[\u00f0-\u00f4]{_REST}{{3}}")
MIN_BYTE_CHARACTERS: Final = 2
_ERROR: Final = re.compile(
    r"\s*(?:\[error\b[^\]\n]{0,20}:|Traceback \(most recent call last\)|thread '[^'\n]{1,80}' panicked at"
    r"|Segmentation fault\b"
    r"|(?:fatal |runtime)?error:[^\n]{0,300}"
    r"\b(?:tensors?|gguf|safetensors|cuda|model file|out of memory|layers?\.\d+)\b)",
    re.IGNORECASE,
)


def without_stop_token(text: str) -> str:
    """The text without one trailing stop token."""
    return _STOP.sub("", text, count=1)


def find_special_token(text: str, prompt: str) -> str | None:
    """The first special token that the prompt did not contain itself."""
    for found in _SPECIAL.finditer(text):
        if found[0] not in prompt:
            return f"leaked special token {found[0]!r}"
    return None


def find_undecoded(text: str) -> str | None:
    """Says when bytes or word marks of a tokenizer were not turned back into text."""
    characters = _BYTES.findall(text)
    if len(characters) >= MIN_BYTE_CHARACTERS:
        return f"bytes that were not decoded, such as {characters[0]!r}"
    for mark in "Ġ▁":
        if text.count(mark) > max(2, text.count(" ")):
            return f"the tokenizer's word mark {mark!r} {text.count(mark)} times"
    return None


def find_error_message(text: str) -> str | None:
    """Says when the text is an engine's error message instead of an answer."""
    found = _ERROR.match(text)
    return f"an error message in place of an answer: {found[0].strip()[:60]!r}" if found else None
