"""What is asked of both sides, and how much of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PROMPTS: Final = (
    "What is 2+2?",
    "The capital of France is",
    "def reverse_string(s):",
    "Once upon a time there was",
)
"""Short prompts whose last logits and greedy continuations are compared."""

QUESTIONS: Final = ("What is 2+2?", "What is the capital of France?", "Say hello.")
"""What the user says in the conversations whose answers are compared."""

LONG_TOKENS: Final = 4100
"""A prompt beyond 4,096 tokens shows wrong rotary scaling and a context that was cut."""

SHORTEST_LONG_TOKENS: Final = 512
"""What a smaller context takes is no long prompt."""

TRACED_TOKENS: Final = 64
"""Greedy tokens of the answer to the traced prompt: enough for a text to show that it is garbage."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a playbook may choose."""

    prompts: tuple[str, ...] = PROMPTS
    """Sent as they are; at least one."""
    questions: tuple[str, ...] = QUESTIONS
    """Sent through the chat template, where there is one."""
    max_tokens: int = 16
    """Greedy tokens of each prompt."""
    positions: int = 2048
    """Most tokens of the text whose logits are compared; of a large vocabulary only some of them are, see `Side`."""
    long_tokens: int = LONG_TOKENS
    """Length of the long prompt, in tokens, or the whole context where that is shorter; 0 leaves it out."""
    filter: tuple[str, ...] = ()
    """Only tensors whose names contain one of these fragments; empty for all."""
    trace_prompt: str = PROMPTS[0]
    """The prompt at which layers are compared."""

    def takes(self, name: str) -> bool:
        """Whether a tensor is to be compared."""
        return not self.filter or any(fragment in name for fragment in self.filter)
