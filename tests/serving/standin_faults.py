"""The stand-in's faults by name, and those that only change a text or an answer's fields.

Faults compose: each is looked for where it acts. What a fault does to connections, requests and the process is in
`standin`, beside the correct behaviour it replaces.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

FAULTS: Mapping[str, str] = {
    # All requests.
    "hang": "questions are never answered",
    "obeys": "a prompt with 'Please hang.', 'Please crash.', 'Please fail.' or 'Please drop.' is obeyed",
    "never_ready": "the health path says 503 for ever",
    "slow_health": "the health path takes a second and a half",
    "health_500": "the health path says 500",
    "health_lies": "the health path tells another device",
    "models_500": "the list of models is 500",
    "models_other": "the list of models names another model",
    "status_500": "questions are answered 500",
    "drops_connection": "the connection is closed before an answer",
    "garbage_http": "the answer is no HTTP",
    "trickle": "an answer comes byte by byte and never ends",
    "crowd_503": "more than four requests at once are refused",
    "no_completions": "raw prompts are answered 404",
    # One answer.
    "not_json": "the answer is plain text",
    "wrong_type": "JSON calls itself text/html",
    "empty_content": "the answer's text is empty",
    "no_choices": "the answer has no choice",
    "raw_token_ids": "the text shows token numbers",
    "bpe_marks": "the text shows byte-level markers",
    "control_tokens": "the text ends with a control token",
    "replacement_chars": "the text has replacement characters",
    "breaks_unicode": "the text is UTF-8 read as Latin-1",
    "wrong_answers": "every answer is wrong",
    "random_answers": "the same question is answered differently each time",
    "mixes_answers": "clients that ask at once get each other's answers",
    "ignores_system": "system prompts do not reach the model",
    "forgets_history": "earlier turns do not reach the model",
    "wrong_usage": "usage counts more than there is",
    "no_usage": "no usage is told",
    "bad_logprobs": "log-probabilities have neither the shape nor the sign",
    "no_logprobs": "log-probabilities are left out",
    "null_finish": "finish_reason is null",
    "tool_calls": "finish_reason is tool_calls",
    # Streams.
    "no_done": "the stream does not end with [DONE]",
    "text_after_done": "an event follows [DONE]",
    "open_after_done": "the response does not end after [DONE]",
    "bad_sse_lines": "JSON comes without 'data:'",
    "sse_not_json": "an event is no JSON",
    "no_blank_line": "the stream ends without a blank line",
    "stream_differs": "the streamed text is another than that in one piece",
    "cut_stream": "the connection breaks in mid-stream",
    "ignores_stream": "a stream that is asked for comes in one piece",
    # Limits and bad requests.
    "ignores_stop": "stop sequences are ignored",
    "ignores_max_tokens": "max_tokens is ignored",
    "zero_500": "max_tokens 0 is answered 500",
    "million_500": "a huge max_tokens is answered 500",
    "accepts_malformed": "malformed JSON is answered 200",
    "crashes_on_malformed": "malformed JSON kills the server",
    "500_on_malformed": "malformed JSON is answered 500",
    "500_on_empty": "empty messages are answered 500",
    "accepts_missing": "a request without messages is answered 200",
    "hangs_on_oversized": "a large or deeply nested body is never answered",
    "crashes_on_oversized": "a large or deeply nested body kills the server",
    "accepts_beyond_context": "a prompt beyond the context is answered as if it fitted",
    "silent_errors": "errors come without a message",
    "other_model_silently": "a model that is not served is answered, under the name asked for",
    "wrong_after_error": "after an error every answer is wrong",
    "hangs_after_error": "after an error nothing is answered",
    # Several clients, resources, the end.
    "stuck_after_disconnect": "after a client left in mid-stream nothing is answered",
    "slow_reader_blocks_all": "while one client reads its stream nobody else is answered",
    "one_at_a_time_503": "while one client is answered the others are refused",
    "leaks_descriptors": "each question leaves a descriptor open",
    "leaks_memory": "each question leaves a mebibyte behind",
    "dies_at_start": "the process prints a reason and exits with 1 before it listens",
    "ignores_sigterm": "the process does not end when it is told to",
    "leaks_child": "the process leaves a child that keeps its port",
    "exits_3": "the process exits with 3 when it is told to end",
}


def marked(text: str) -> str:
    """The text in the spelling of byte-level vocabularies."""
    return text.replace(" ", "Ġ").replace("\n", "Ċ") + "Ġ"


TEXT_FAULTS: Mapping[str, Callable[[str], str]] = {
    "empty_content": lambda _: "",
    "wrong_answers": lambda _: "Bananas, I think.",
    "raw_token_ids": lambda text: f"token{len(text)} token1234 token15",
    "bpe_marks": marked,
    "control_tokens": lambda text: f"{text}<|im_end|>",
    "replacement_chars": lambda text: f"{text[:1]}\ufffd{text[1:]}",
    "breaks_unicode": lambda text: text.encode().decode("latin-1"),
}
"""Faults that replace an answer's whole text, also in streams."""


def _more_usage(body: dict[str, Any]) -> None:
    if isinstance(usage := body.get("usage"), dict):
        body["usage"] = {name: count * 2 + 7 for name, count in usage.items()}


def _bad_logprobs(body: dict[str, Any]) -> None:
    for choice in body["choices"]:
        if choice.get("logprobs") is not None:
            choice["logprobs"] = {"content": [{"tok": "?", "logprob": 1.5}], "token_logprobs": [1.5], "tokens": "?"}


def _finish(reason: str | None) -> Callable[[dict[str, Any]], None]:
    def change(body: dict[str, Any]) -> None:
        for choice in body["choices"]:
            if choice.get("finish_reason") is not None:
                choice["finish_reason"] = reason

    return change


def _no_logprobs(body: dict[str, Any]) -> None:
    for choice in body["choices"]:
        choice.pop("logprobs", None)


def _no_choices(body: dict[str, Any]) -> None:
    body["choices"] = []


_BODY_FAULTS: Mapping[str, Callable[[dict[str, Any]], None]] = {
    "no_choices": _no_choices,
    "wrong_usage": _more_usage,
    "no_usage": lambda body: body.pop("usage", None) and None,
    "bad_logprobs": _bad_logprobs,
    "no_logprobs": _no_logprobs,
    "null_finish": _finish(None),
    "tool_calls": _finish("tool_calls"),
}
"""Faults that change the fields of an answer, or of each event of a stream."""


def spoil_text(faults: frozenset[str], text: str) -> str:
    """The text as a server with these faults tells it."""
    for name, change in TEXT_FAULTS.items():
        if name in faults:
            text = change(text)
    return text


def spoil_body(faults: frozenset[str], body: dict[str, Any]) -> dict[str, Any]:
    """The answer or event as a server with these faults tells it."""
    body = copy.deepcopy(body)
    for name, change in _BODY_FAULTS.items():
        if name in faults:
            change(body)
    return body
