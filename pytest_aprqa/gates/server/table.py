"""The one table of gates on servers, in the order in which they are judged: cheap before dear, and the end last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pytest_aprqa.core import Format, Verdict
from pytest_aprqa.gates.check import Check, Judging, Kind, by_gate
from pytest_aprqa.gates.server import (
    answer,
    clients,
    context,
    ending,
    growth,
    options,
    parity,
    ready,
    requests,
    stream,
    usage,
)
from pytest_aprqa.gates.server.service import Service

SERVER_START: Final = "F-SERVE-001"
"""Without it there is no server for anything else."""
SERVER_ENDINGS: Final = frozenset({"F-SERVE-005", "F-HTTP-004"})
"""Gates that end the server: they come after everything that is asked of it."""

_UP: Final = ("F-SERVE-001", "F-HTTP-001", "F-HTTP-002")
"""Without these there is nobody to ask."""
_CHAT: Final = (*_UP, "F-HTTP-005", "F-HTTP-007", "F-HTTP-006")
"""Without these there is no text to look at."""
_RAW: Final = (*_UP, "F-SERVE-002")
_SURE: Final = (*_CHAT, "F-HTTP-008", "F-HTTP-016")
"""Without these every other answer is news of the same fault."""
_CLEAN: Final = ("F-HTTP-009", "F-HTTP-009b", "F-API-002", "F-HTTP-020")


def _check(gate_id: str, judge: Callable[[Service], Verdict], *after: str) -> Check[Service]:
    return Check(gate_id, Kind.SERVER, frozenset(Format), judge, after)


SERVER_CHECKS: Final[tuple[Check[Service], ...]] = (
    # Up, well, and naming its model.
    _check("F-SERVE-001", ready.judge_ready),
    _check("F-HTTP-001", ready.judge_connection, "F-SERVE-001"),
    _check("F-HTTP-002", ready.judge_health, "F-SERVE-001", "F-HTTP-001"),
    _check("F-API-003", ready.judge_quick_health, *_UP),
    _check("F-HTTP-003", ready.judge_compute_mode, *_UP),
    _check("F-HTTP-021", ready.judge_models, *_UP),
    # One answer.
    _check("F-HTTP-005", answer.judge_status, *_UP),
    _check("F-HTTP-007", answer.judge_json, *_UP, "F-HTTP-005"),
    _check("F-HTTP-006", answer.judge_choices, *_UP, "F-HTTP-005", "F-HTTP-007"),
    _check("F-HTTP-008", answer.judge_content, *_CHAT),
    _check("F-HTTP-009", answer.judge_token_numbers, *_CHAT),
    _check("F-HTTP-009b", answer.judge_byte_marks, *_CHAT),
    _check("F-API-002", answer.judge_control, *_CHAT),
    _check("F-HTTP-020", answer.judge_replacements, *_CHAT),
    _check("F-SERVE-002", answer.judge_completion, *_CHAT, "F-HTTP-008"),
    _check("F-HTTP-016", options.judge_repeat, *_CHAT),
    _check("F-HTTP-012", context.judge_system, *_SURE),
    _check("F-HTTP-013", context.judge_history, *_SURE),
    _check("F-HTTP-029", context.judge_scripts, *_SURE, *_CLEAN),
    _check("F-SERVE-PARITY-001", parity.judge_parity, *_SURE, *_RAW, *_CLEAN, "F-HTTP-012", "F-HTTP-013", "F-HTTP-029"),
    _check("F-HTTP-030", options.judge_stop, *_SURE, *_RAW),
    _check("F-HTTP-031", options.judge_logprobs, *_SURE),
    # Streams.
    _check("F-HTTP-010", stream.judge_framing, *_CHAT),
    _check("F-HTTP-011", stream.judge_end, *_CHAT, "F-HTTP-010"),
    _check("F-HTTP-022", stream.judge_same, *_SURE, "F-HTTP-010"),
    _check("F-SERVE-003", stream.judge_raw, *_SURE, *_RAW, "F-HTTP-010", "F-HTTP-022"),
    _check("F-HTTP-014", usage.judge_usage, *_SURE, "F-HTTP-010"),
    # Limits and bad requests.
    _check("F-HTTP-026", requests.judge_max_tokens_zero, *_SURE),
    _check("F-HTTP-027", requests.judge_max_tokens_one, *_SURE),
    _check("F-HTTP-018", requests.judge_huge_max_tokens, *_SURE),
    _check("F-HTTP-028", requests.judge_beyond_context, *_SURE),
    _check("F-HTTP-015", requests.judge_empty_messages, *_SURE),
    _check("F-HTTP-025", requests.judge_no_messages, *_SURE),
    _check("F-HTTP-017", requests.judge_malformed, *_SURE),
    _check("F-HTTP-024", requests.judge_unknown_model, *_SURE),
    _check("F-API-004", requests.judge_error_message, *_SURE),
    _check("F-HTTP-023", requests.judge_oversized, *_SURE),
    _check("F-HTTP-035", requests.judge_recovery, *_SURE),
    # Several clients, bad clients.
    _check("F-HTTP-019", clients.judge_ten_clients, *_SURE),
    _check("F-HTTP-032", clients.judge_own_answers, *_SURE, "F-HTTP-019"),
    _check("F-HTTP-033", clients.judge_disconnect, *_SURE, "F-HTTP-010"),
    _check("F-HTTP-034", clients.judge_slow_reader, *_SURE, "F-HTTP-010"),
    _check("F-SERVE-006", growth.judge_growth, *_SURE),
    # The end, which is the server's.
    _check("F-SERVE-005", ending.judge_end_under_load, *_UP, "F-HTTP-010"),
    _check("F-HTTP-004", ending.judge_end, *_UP),
)
"""Every gate on a server, once; a later one may rest on earlier ones only."""

_JUDGING: Final = Judging(by_gate(SERVER_CHECKS))


def judge_service(check: Check[Service] | str, service: Service, *, alone: bool = False) -> Verdict:
    """The verdict on one gate; remembered in the service.

    Args:
        check: a check, or the id of one in `SERVER_CHECKS`.
        service: what is judged.
        alone: judge it whatever became of the gates that it rests on.
    """
    return _JUDGING.judge(_JUDGING.checks[check] if isinstance(check, str) else check, service, alone=alone)
