"""Marks that a text should not show: control tokens, token numbers, byte-level markers, replacement characters.

Knows the usual spellings, and no tokenizer.
"""

from __future__ import annotations

import re
from typing import Final

CONTROL: Final = re.compile(
    r"<\|[A-Za-z0-9_/ ]{1,40}\|>|<｜[^｜<>\n]{1,40}｜>"  # ChatML, Llama 3, Phi; DeepSeek
    r"|\[/?INST\]|<</?SYS>>|</?s>"  # Llama 2, Mistral
    r"|</?(?:start_of_turn|end_of_turn|bos|eos|pad|unk)>"  # Gemma, T5
)
"""Control tokens of the usual chat templates."""
NUMBERS: Final = re.compile(
    r"\btoken[_ ]?\d{1,6}\b|<(?:token|id)[_:]?\d{1,6}>|\[(?:\d{1,6}, ?){3,}\d{1,6}\]", re.IGNORECASE
)
"""Token numbers in place of words."""
BYTE_MARKS: Final = re.compile("[ĠĊĉ▁]|<0x[0-9A-Fa-f]{2}>")
"""How byte-level and SentencePiece vocabularies write blanks, line ends and bytes."""
REPLACEMENT: Final = re.compile("[\ufffd\ud800-\udfff]")
_CUT: Final = re.compile("\ufffd{1,3}\\Z")


def without_control(text: str) -> str:
    """The text without control tokens."""
    return CONTROL.sub("", text)


def without_cut(text: str) -> str:
    """The text without a last character that a token limit cut."""
    return _CUT.sub("", text)
