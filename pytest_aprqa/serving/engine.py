"""A server as an `Engine`: requests become streamed answers over HTTP, one after the other.

A server that died or hung is started again for the next request, once for each death. Knows no particular server; what
a server does not tell stays unknown: token ids always, token counts where it sends no usage.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pytest_aprqa.core import (
    Answer,
    Completion,
    EngineCrashed,
    EngineError,
    EngineRefused,
    EngineTimeout,
    Finish,
    Json,
    Metrics,
    Prompting,
    Request,
)
from pytest_aprqa.engines import EngineFacts, Result
from pytest_aprqa.engines.batches import refusal
from pytest_aprqa.engines.conversation import NO_TEMPLATE, NO_TEMPLATE_NOTE
from pytest_aprqa.serving.client import Client, Overdue, Unreachable
from pytest_aprqa.serving.reply import Streamed
from pytest_aprqa.serving.server import Server

NO_USAGE_NOTE = "the server tells no usage: generated tokens are counted by the events of its stream"

_TERM_MS = 5_000
"""What a server that did not answer in time is given to end by itself."""
_DEATH_S = 2.0
"""A broken connection is seen before the death that broke it."""
_POLL_S = 0.05
_OK = 200


class ServedEngine:
    """An `Engine` whose answers come from a server.

    Args:
        open: starts a server, or finds one; called again after a death.
        facts: of the engine that serves, where they are known; None says what the server says.

    Raises:
        EngineError: whatever `open` raises.
    """

    def __init__(self, open: Callable[[], Server], *, facts: EngineFacts | None = None) -> None:
        self._open = open
        self._server = open()
        self._facts = facts or _facts(self._server)
        self._gone = False
        self._broken: EngineError | None = None
        self._peak_rss_bytes: int | None = None

    @property
    def facts(self) -> EngineFacts:
        """What is known of the engine that serves."""
        return self._facts

    @property
    def server(self) -> Server:
        """The server that was asked last; it may have died of that."""
        return self._server

    def generate(self, requests: Sequence[Request]) -> tuple[Result, ...]:
        """One result for each request, in their order; never raises for what the model or its server did."""
        return tuple(self._result(request) for request in requests)

    def batches(self, requests: Sequence[Request]) -> tuple[tuple[int, ...], ...]:
        """One by one."""
        return tuple((index,) for index in range(len(requests)))

    def close(self) -> None:
        """Stops the server; may be called twice."""
        self._server.stop()
        self._broken = EngineRefused("the engine is closed")

    def _result(self, request: Request) -> Result:
        if (fault := refusal(request) or self._revive()) is not None:
            return fault
        doing = f"answering {request.id!r}"
        try:
            return self._converse(request)
        except Overdue as error:
            return self._hung(error, doing, request.timeout_ms)
        except Unreachable as error:
            return self._death(doing) or error
        except EngineError as error:
            return error

    def _converse(self, request: Request) -> Completion:
        started = time.monotonic()
        server = self._server
        client = Client(server.url, model=server.model, api_key=server.api_key)
        talk = _Talk(request, client, chat_template=self._facts.chat_template)
        while len(talk.answers) < len(request.turns):
            left_ms = request.timeout_ms - (time.monotonic() - started) * 1000
            if left_ms < 1:
                raise Overdue(f"{len(talk.answers)} of {len(request.turns)} turns", after_ms=request.timeout_ms)
            talk.say(round(left_ms))
        self._note_memory()
        return Completion(
            request.id,
            tuple(talk.answers),
            talk.metrics((time.monotonic() - started) * 1000, self._peak_rss_bytes),
            tuple(dict.fromkeys(talk.notes)),
        )

    def _hung(self, error: Overdue, doing: str, timeout_ms: int) -> EngineError:
        """What a passed deadline is; the server is stopped, if it is ours to stop."""
        self._gone = True
        if self._server.stop(term_ms=_TERM_MS) is None:
            return error
        return EngineTimeout(doing, after_ms=timeout_ms)

    def _death(self, doing: str) -> EngineError | None:
        """How the server died; None where it lives, or where nobody knows how a server of others died."""
        ends_at = time.monotonic() + _DEATH_S
        while self._server.alive:
            if time.monotonic() >= ends_at:
                return None
            time.sleep(_POLL_S)
        self._gone = True
        stopped = self._server.stop(term_ms=_TERM_MS)
        if stopped is None or stopped.exit_code is None:
            return None
        return EngineCrashed(doing, exit_code=stopped.exit_code, stderr_tail=self._server.log_tail)

    def _revive(self) -> EngineError | None:
        """Makes sure that there is a server; one that cannot be started again is not tried a third time."""
        if self._broken is None and (self._gone or not self._server.alive):
            try:
                self._server.stop(term_ms=_TERM_MS)
                self._server = self._open()
                self._gone = False
            except EngineError as error:
                self._broken = error
        return self._broken

    def _note_memory(self) -> None:
        if (rss_bytes := self._server.rss_bytes()) is not None:
            self._peak_rss_bytes = max(rss_bytes, self._peak_rss_bytes or 0)


@dataclass(slots=True)
class _Talk:
    """One request on its way: what was said so far, and what it took."""

    request: Request
    client: Client
    chat_template: bool
    answers: list[Answer] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _messages: list[dict[str, Json]] = field(default_factory=list)
    _ttft_ms: float | None = None
    _generated_tokens: int = 0
    _later_tokens: int = 0
    _decode_ms: float = 0.0

    def say(self, timeout_ms: int) -> None:
        """Says the next turn and hears the answer.

        Raises:
            EngineError: there is none.
        """
        streamed = self._ask(self.request.turns[len(self.answers)], timeout_ms)
        finish = _finish(streamed)
        usage = streamed.usage or {}
        times_ms = streamed.token_times_ms
        if "completion_tokens" not in usage:
            self.notes.append(NO_USAGE_NOTE)
        generated_tokens = usage.get("completion_tokens", len(times_ms))
        if not self.answers and times_ms:
            self._ttft_ms = times_ms[0]
        if len(times_ms) > 1:
            self._later_tokens += len(times_ms) - 1
            self._decode_ms += times_ms[-1] - times_ms[0]
        self._generated_tokens += generated_tokens
        self.answers.append(Answer(streamed.text, (), finish, usage.get("prompt_tokens", 0)))
        self._messages.append({"role": "assistant", "content": streamed.text})

    def metrics(self, duration_ms: float, peak_rss_bytes: int | None) -> Metrics:
        """What the whole took."""
        return Metrics(
            duration_ms=duration_ms,
            prompt_tokens=sum(answer.prompt_tokens for answer in self.answers),
            generated_tokens=self._generated_tokens,
            batch_size=1,
            ttft_ms=self._ttft_ms,
            decode_tok_per_s=self._later_tokens / self._decode_ms * 1000 if self._decode_ms > 0 else None,
            peak_rss_bytes=peak_rss_bytes,
        )

    def _ask(self, turn: str, timeout_ms: int) -> Streamed:
        request = self.request
        seed = request.seed if request.temperature > 0 else None
        limits = {"max_tokens": request.max_tokens, "timeout_ms": timeout_ms}
        if not self._uses_template():
            return self.client.complete_stream(turn, temperature=request.temperature, seed=seed, **limits)
        if not self._messages and request.system is not None:
            self._messages.append({"role": "system", "content": request.system})
        self._messages.append({"role": "user", "content": turn})
        return self.client.chat_stream(self._messages, temperature=request.temperature, seed=seed, **limits)

    def _uses_template(self) -> bool:
        if self.request.prompting is Prompting.RAW:
            return False
        if self.chat_template:
            return True
        if len(self.request.turns) > 1 or self.request.system is not None:
            raise EngineRefused(NO_TEMPLATE)
        self.notes.append(NO_TEMPLATE_NOTE)
        return False


def _finish(streamed: Streamed) -> Finish:
    """Why the answer ended.

    Raises:
        Unreachable: the connection broke before it did.
        EngineRefused: there is no whole answer.
    """
    said = f": {streamed.message}" if streamed.message else ""
    if streamed.status != _OK:
        raise EngineRefused(f"the server answered with status {streamed.status}{said}")
    if streamed.cut:
        raise Unreachable(f"the stream is {streamed.problems[-1]}")
    if said:
        raise EngineRefused(f"the server broke off its stream{said}")
    if streamed.problems:
        raise EngineRefused(f"the server's stream is none of OpenAI's: {'; '.join(streamed.problems)}")
    if streamed.finish is None and not streamed.done:
        raise EngineRefused("the stream ended before the answer did: neither finish_reason nor [DONE]")
    if streamed.finish not in _FINISHES:
        raise EngineRefused(f"the server gave finish_reason {streamed.finish!r}; expected 'stop' or 'length'")
    return _FINISHES[streamed.finish]


_FINISHES = {"stop": Finish.STOP, "length": Finish.LENGTH}


def _facts(server: Server) -> EngineFacts:
    """What a server says about the engine that serves: little."""
    return EngineFacts(
        name=server.kind,
        versions=server.versions,
        device="unknown",
        dtype="unknown",
        threads=0,
        chat_template=True,
        context_tokens=None,
        load_ms=server.ready_ms or 0.0,
        parameters=None,
    )
