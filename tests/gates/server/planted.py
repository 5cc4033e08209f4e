"""Which fault of a stand-in each gate on servers has to refute: the one place that knows it.

`tests.gates.server.test_table` and its neighbors hold the gates to it; `tests.serving.table` writes it down.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pytest_aprqa.gates.server.table import SERVER_CHECKS

_GATES: Final = tuple(check.gate_id for check in SERVER_CHECKS)
FUNCTIONAL: Final = _GATES[: _GATES.index("F-HTTP-026")]
"""Gates on what a server says to one client that asks properly."""

PLANTED: Final[Mapping[str, str]] = {
    "health_500": "F-HTTP-002",
    "slow_health": "F-API-003",
    "health_lies": "F-HTTP-003",
    "models_500": "F-HTTP-021",
    "models_other": "F-HTTP-021",
    "status_500": "F-HTTP-005",
    "drops_connection": "F-HTTP-005",
    "garbage_http": "F-HTTP-005",
    "not_json": "F-HTTP-007",
    "wrong_type": "F-HTTP-007",
    "no_choices": "F-HTTP-006",
    "empty_content": "F-HTTP-008",
    "raw_token_ids": "F-HTTP-009",
    "bpe_marks": "F-HTTP-009b",
    "control_tokens": "F-API-002",
    "replacement_chars": "F-HTTP-020",
    "no_completions": "F-SERVE-002",
    "random_answers": "F-HTTP-016",
    "ignores_system": "F-HTTP-012",
    "forgets_history": "F-HTTP-013",
    "breaks_unicode": "F-HTTP-029",
    "wrong_answers": "F-SERVE-PARITY-001",
    "null_finish": "F-SERVE-PARITY-001",
    "tool_calls": "F-SERVE-PARITY-001",
    "ignores_max_tokens": "F-SERVE-PARITY-001",
    "ignores_stop": "F-HTTP-030",
    "bad_logprobs": "F-HTTP-031",
    "no_logprobs": "F-HTTP-031",
    "ignores_stream": "F-HTTP-010",
    "bad_sse_lines": "F-HTTP-010",
    "sse_not_json": "F-HTTP-010",
    "cut_stream": "F-HTTP-010",
    "no_done": "F-HTTP-011",
    "text_after_done": "F-HTTP-011",
    "no_blank_line": "F-HTTP-011",
    "stream_differs": "F-HTTP-022",
    "wrong_usage": "F-HTTP-014",
    "no_usage": "F-HTTP-014",
}
"""Fault of a stand-in to the one functional gate that it falsifies."""
SILENT: Final = ("hang", "trickle")
"""Faults by which no question is answered: the first gate that asks one is falsified."""
ANSWERED: Final = "F-HTTP-005"
"""That gate."""


@dataclass(frozen=True, slots=True)
class Plant:
    """A fault, a gate that has to refute it whatever other gates say, and the words by which it does."""

    gate_id: str
    fault: str
    words: str

    def __str__(self) -> str:
        return f"{self.gate_id}-{self.fault}"

    @property
    def hangs(self) -> bool:
        """Whether a request is never answered."""
        return self.fault.startswith(("hangs", "stuck", "open"))

    @property
    def token_delay_ms(self) -> float:
        """How long each token must take, that clients meet at all."""
        return 5.0 if self.fault in ("crowd_503", "one_at_a_time_503") else 0.0


REQUESTS: Final = (
    Plant("F-HTTP-026", "zero_500", "status 500"),
    Plant("F-HTTP-026", "ignores_max_tokens", "max_tokens 0 gives 21 tokens"),
    Plant("F-HTTP-027", "ignores_max_tokens", "max_tokens 1 gives 21 tokens"),
    Plant("F-HTTP-027", "null_finish", "finish_reason"),
    Plant("F-HTTP-018", "million_500", "status 500"),
    Plant("F-HTTP-028", "accepts_beyond_context", "the context has 2048"),
    Plant("F-HTTP-028", "silent_errors", "without a message"),
    Plant("F-HTTP-015", "500_on_empty", "status 500"),
    Plant("F-HTTP-025", "accepts_missing", "status 200"),
    Plant("F-HTTP-017", "accepts_malformed", "status 200"),
    Plant("F-HTTP-017", "500_on_malformed", "status 500"),
    Plant("F-HTTP-017", "crashes_on_malformed", "the server died (the stand-in crashes)"),
    Plant("F-HTTP-023", "hangs_on_oversized", "within 1500 ms"),
    Plant("F-HTTP-023", "crashes_on_oversized", "the server died"),
    Plant("F-HTTP-023", "wrong_after_error", "Bananas"),
    Plant("F-HTTP-024", "other_model_silently", "in the name of 'aprqa/no-such-model'"),
    Plant("F-API-004", "silent_errors", "without a message"),
    Plant("F-HTTP-035", "wrong_after_error", "Bananas"),
    Plant("F-HTTP-035", "hangs_after_error", "a plain question is then not answered"),
    Plant("F-HTTP-035", "crashes_on_malformed", "the server died"),
)
"""Gates on bad and extreme requests."""

CROWD: Final = (
    Plant("F-HTTP-019", "one_at_a_time_503", "too many requests at once"),
    Plant("F-HTTP-019", "crowd_503", "of 20 requests of 10 clients at once failed"),
    Plant("F-HTTP-019", "cut_stream", "cut off"),
    Plant("F-HTTP-032", "mixes_answers", "got the answer to"),
    Plant("F-HTTP-033", "stuck_after_disconnect", "within 1500 ms"),
    Plant("F-HTTP-033", "leaks_descriptors", "descriptors stay open"),
    Plant("F-HTTP-034", "slow_reader_blocks_all", "they wait until it has read all"),
)
"""Gates on several clients, and on bad ones."""

GROWTH: Final = (
    Plant("F-SERVE-006", "leaks_memory", "MiB"),
    Plant("F-SERVE-006", "leaks_descriptors", "40 descriptors"),
)

RAW_STREAM: Final = Plant("F-SERVE-003", "stream_differs", "streamed 'Well, ")
"""A gate that never speaks first: the other on streams sees the fault before."""

HELD_OPEN: Final = Plant("F-HTTP-010", "open_after_done", "no whole answer")
"""Each stream that is held open keeps one of the stand-in's slots, until there is none for the next request."""

ENDS: Final = tuple(
    Plant(gate_id, fault, words)
    for gate_id in ("F-SERVE-005", "F-HTTP-004")
    for fault, words in (
        ("leaks_child", "its port stayed open"),
        ("exits_3", "exit code 3"),
        ("ignores_sigterm", "had to be killed"),
    )
)
"""Gates on the end."""

ALONE: Final = (*REQUESTS, *CROWD, *GROWTH, RAW_STREAM, HELD_OPEN, *ENDS)
"""Plants that are judged by their gate alone."""

STARTS: Final[Mapping[str, str]] = {"never_ready": "F-SERVE-001", "dies_at_start": "F-SERVE-001"}
"""Faults of a process that never becomes a server to be asked."""

OF_TESTS: Final = frozenset({"obeys"})
"""Faults that no gate is about: the engine over servers is tested with them."""

CLOSED_PORT: Final = "F-HTTP-001"
"""Refuted where nobody listens, which is no fault of a stand-in that answers."""
