"""The texts that both tokenizers and both templates are given."""

from __future__ import annotations

from typing import Final

from pytest_aprqa.parity import CONVERSATIONS as _CONVERSATIONS
from pytest_aprqa.parity import PARITY_TEXT as PARITY_TEXT
from pytest_aprqa.parity import TOKENIZER_TEXTS

BYTE_KINDS: Final = frozenset({"byte_fallback", "control"})
"""Kinds of texts whose characters no vocabulary has: they must fall back to bytes."""

TEXTS: Final = tuple(text.text for text in TOKENIZER_TEXTS)
"""Every text that is encoded."""
KINDS: Final = tuple(text.kind for text in TOKENIZER_TEXTS)
"""What each is there to find."""

HOSTILE_TEXTS: Final = ("{}", "Hello {} world", "x{}\n{}y")
"""``{}`` stands for a control string of the model."""

CONVERSATION_NAMES: Final = tuple(_CONVERSATIONS)
CONVERSATIONS: Final = tuple([dict(message) for message in messages] for messages in _CONVERSATIONS.values())
"""What is rendered through both chat templates."""
