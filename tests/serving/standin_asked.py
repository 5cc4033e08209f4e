"""What the stand-in is asked: a request's body, validated as a strict server does, less what faults let pass."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tests.serving import standin_model as model

_MAX_BODY_BYTES = 4 * 1024 * 1024
_MANY = 100_000
_MOST_LOGPROBS = 20
_ROLES = {"system", "user", "assistant", "developer", "tool"}


class Refusal(Exception):
    """The request is refused with a status and a message."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Asked:
    """A valid request."""

    body: dict[str, Any]
    chat: bool
    messages: list[dict[str, str]]
    prompt: str
    model: str
    max_tokens: int
    stop: tuple[str, ...]
    stream: bool
    include_usage: bool
    logprobs: int | None
    """How many alternatives; None where none are asked for."""

    @property
    def prompt_tokens(self) -> int:
        return model.count(model.render(self.messages) if self.chat else self.prompt)

    @property
    def last(self) -> str:
        return self.messages[-1]["content"] if self.chat else self.prompt


def read_asked(raw: bytes, *, chat: bool, model: str, faults: frozenset[str]) -> Asked:
    """Reads a request.

    Raises:
        Refusal: it is not valid.
    """
    body = _parsed(raw, chat=chat, faults=faults)
    stop = body.get("stop") or ()
    options = body.get("stream_options") or {}
    asked = Asked(
        body,
        chat,
        _messages(body, faults) if chat else [],
        "" if chat else _prompt(body),
        _model(body, model, faults),
        _max_tokens(body, faults),
        (stop,) if isinstance(stop, str) else tuple(stop),
        body.get("stream") is True,
        bool(options.get("include_usage")) if isinstance(options, dict) else False,
        _logprobs(body, chat=chat),
    )
    _check_room(asked, faults)
    return asked


def _check_room(asked: Asked, faults: frozenset[str]) -> None:
    if "accepts_beyond_context" not in faults and asked.prompt_tokens >= model.CONTEXT_TOKENS:
        raise Refusal(
            400, f"the prompt has {asked.prompt_tokens} tokens, more than the context of {model.CONTEXT_TOKENS}"
        )


def _parsed(raw: bytes, *, chat: bool, faults: frozenset[str]) -> dict[str, Any]:
    if len(raw) > _MAX_BODY_BYTES:
        raise Refusal(413, f"the body is larger than {_MAX_BODY_BYTES} bytes")
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        if "accepts_malformed" in faults:
            return {"messages": [{"role": "user", "content": "hello"}]} if chat else {"prompt": "hello"}
        raise Refusal(500 if "500_on_malformed" in faults else 400, f"malformed JSON: {error}") from error
    if not isinstance(body, dict):
        raise Refusal(400, "the body must be an object")
    return body


def _messages(body: dict[str, Any], faults: frozenset[str]) -> list[dict[str, str]]:
    given = body.get("messages")
    if given is None and "accepts_missing" in faults:
        return [{"role": "user", "content": "hello"}]
    if not isinstance(given, list):
        raise Refusal(400, "messages must be a list")
    if not given:
        raise Refusal(500 if "500_on_empty" in faults else 400, "messages must not be empty")
    return [_message(one) for one in given]


def _message(given: object) -> dict[str, str]:
    if not isinstance(given, dict) or given.get("role") not in _ROLES:
        raise Refusal(400, "a message needs a known role")
    content = given.get("content")
    if isinstance(content, list):
        content = "".join(part.get("text", "") for part in content if isinstance(part, dict))
    if not isinstance(content, str):
        raise Refusal(400, "a message needs a content")
    return {"role": given["role"], "content": content}


def _prompt(body: dict[str, Any]) -> str:
    prompt = body.get("prompt")
    if not isinstance(prompt, str):
        raise Refusal(400, "prompt must be a text")
    return prompt


def _model(body: dict[str, Any], served: str, faults: frozenset[str]) -> str:
    name = body.get("model", served)
    if name == served or (isinstance(name, str) and "other_model_silently" in faults):
        return str(name)
    raise Refusal(404, f"the model {name!r} is not served; {served!r} is")


def _max_tokens(body: dict[str, Any], faults: frozenset[str]) -> int:
    given = body.get("max_tokens")
    limit = 256 if given is None else given
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 0:
        raise Refusal(400, f"max_tokens must be a whole number from 0, not {given!r}")
    if (limit == 0 and "zero_500" in faults) or (limit >= _MANY and "million_500" in faults):
        raise Refusal(500, "out of memory")
    return _MANY if "ignores_max_tokens" in faults else limit


def _logprobs(body: dict[str, Any], *, chat: bool) -> int | None:
    wished = body.get("logprobs")
    if wished is None or wished is False:
        return None
    count = body.get("top_logprobs", 0) if chat else wished
    if not isinstance(count, int) or not 0 <= count <= _MOST_LOGPROBS:
        raise Refusal(400, f"the number of log-probabilities must be from 0 to {_MOST_LOGPROBS}, not {count!r}")
    return count
