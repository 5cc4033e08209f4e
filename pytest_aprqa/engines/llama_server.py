"""llama.cpp's own server, in this process, asked over HTTP on a port of the loopback interface.

HTTP although the server is in the same process: its handlers for Python give texts in OpenAI's form, and comparisons
need token ids. The port is the system's choice and the key a random one. Knows nothing of requests and conversations.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import secrets
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from pytest_aprqa.core import EngineRefused

_TEMPLATE_FAULT = "chat template parsing error"
_LOG_PREFIX = re.compile(r"^[\d.]+ E ")
"""How the server begins the lines that tell of errors."""
_LOG_WAIT_S = 5.0
_LOG_PAUSE_S = 0.2
_EVENT = b"data: "
_ALL_LAYERS = 999
"""More than any model has: all of them go to the GPU."""


@dataclass(frozen=True, slots=True)
class Continuation:
    """What the server generated."""

    ids: tuple[int, ...]
    """Generated ids, a stop id included."""
    stopped: bool
    """Whether the model ended its turn by itself."""
    prompt_ms: float
    """Time to the first token, in milliseconds."""
    decode_ms: float
    """Time of all tokens after the first, in milliseconds."""


class TemplateRefused(EngineRefused):
    """The server does not start, for the model's chat template."""


class LlamaServer:
    """A loaded model behind llama.cpp's server, with one slot, so that nothing depends on a neighbour.

    Args:
        file: a .gguf file.
        context_tokens: room for a prompt and its answer.
        threads: threads that compute.
        gpu: whether all layers go to the GPU; else none does, and nothing is computed there.
        template: a chat template in place of the file's; None takes the file's.

    Raises:
        TemplateRefused: the server does not start with that chat template.
        EngineRefused: the server does not start.
    """

    def __init__(
        self, file: Path, *, context_tokens: int, threads: int, gpu: bool, template: str | None = None
    ) -> None:
        import xllamacpp

        settings = xllamacpp.CommonParams()
        settings.model.path = str(file)
        settings.n_ctx = context_tokens
        settings.n_parallel = 1
        settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = threads
        settings.n_gpu_layers = _ALL_LAYERS if gpu else 0
        settings.no_kv_offload = settings.no_op_offload = not gpu
        settings.fit_params = False  # would shrink the context to what memory happens to be free
        settings.cache_prompt = settings.cache_idle_slots = False
        settings.cache_ram_mib = settings.n_ctx_checkpoints = 0
        settings.use_jinja = True
        settings.chat_template = template or ""
        settings.prefill_assistant = False  # a conversation that ends with an answer gets a new turn, as elsewhere
        settings.warmup = settings.ui = settings.endpoint_slots = False
        settings.verbosity = 1  # errors and warnings
        self._key = secrets.token_hex(16)
        settings.api_keys = [self._key]
        self._server = _start(settings, file)
        host, _, port = str(self._server.listening_address).rpartition("//")[2].rpartition(":")
        self._address = (host, int(port))

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        """Ids as of a prompt, or as of plain text."""
        answer = self._post("/tokenize", {"content": text, "add_special": special, "parse_special": special})
        return [int(token) for token in answer["tokens"]]

    def detokenize(self, ids: Sequence[int]) -> str:
        """The text of ids, special tokens visible; what is no UTF-8 becomes U+FFFD."""
        return str(self._post("/detokenize", {"tokens": list(ids)})["content"])

    def apply_template(self, messages: Sequence[Mapping[str, str]]) -> str:
        """The prompt that the server would make of a conversation, before it adds a BOS of its own."""
        return str(self._post("/apply-template", {"messages": [dict(message) for message in messages]})["prompt"])

    def complete(
        self, prompt: Sequence[int], *, max_tokens: int, temperature: float = 0.0, seed: int = 0
    ) -> Continuation:
        """Continues ids from a fresh state: by the likeliest token, or drawn from the whole distribution.

        Args:
            prompt: ids; nothing is added to them.
            max_tokens: most ids to generate.
            temperature: 0.0 takes the likeliest.
            seed: of the draw.
        """
        # Only what is named in "samplers" has a say: no penalties and no cut-offs but these.
        greedy = temperature == 0
        answer = self._post(
            "/completion",
            {
                "prompt": list(prompt),
                "n_predict": max_tokens,
                "samplers": ["top_k"] if greedy else ["temperature"],
                "top_k": 1 if greedy else 0,
                "temperature": temperature,
                "seed": seed,
                "return_tokens": True,
                "cache_prompt": False,
                "stream": False,
            },
        )
        timings = answer["timings"]
        return Continuation(
            ids=tuple(int(token) for token in answer["tokens"]),
            stopped=answer["stop_type"] == "eos",
            prompt_ms=float(timings["prompt_ms"]),
            decode_ms=float(timings["predicted_ms"]),
        )

    def tick(self, prompt: Sequence[int], *, tokens: int, never: Collection[int] = ()) -> tuple[float, ...]:
        """When each of exactly `tokens` ids was known, in milliseconds since the request, by a clock on this side.

        They are the likeliest, less the stop ids and those of `never`.

        Streaming costs little: beside the server's own timings, which are only of the whole, HTTP adds 1 to 2 ms to the
        first token and 0.02 ms to each other (0.8 ms a token of a model of 2 M weights, 28 ms of one of 135 M). In the
        library's own loop a token of the small one takes 0.5 ms; the server is what answers, and so what is timed.

        Args:
            prompt: ids; nothing is added to them.
            tokens: how many ids to generate.
            never: ids that are no text by themselves, of which the server would not tell when they come.

        Raises:
            EngineRefused: the server refuses, or gives another number of ids.
        """
        body = {
            "prompt": list(prompt),
            "n_predict": tokens,
            "samplers": ["top_k"],
            "top_k": 1,
            "temperature": 0.0,
            "ignore_eos": True,
            "logit_bias": [[token, False] for token in never],
            "return_tokens": True,
            "cache_prompt": False,
            "stream": True,
        }
        ticks: list[float] = []
        started = time.perf_counter()
        with self._answer("/completion", body) as response:
            for line in response:
                now_ms = (time.perf_counter() - started) * 1000
                if line.startswith(_EVENT):
                    ticks += [now_ms] * len(json.loads(line[len(_EVENT) :]).get("tokens", ()))
        if len(ticks) != tokens:
            raise EngineRefused(f"llama.cpp's server gave {len(ticks)} tokens, and was asked for {tokens}")
        return tuple(ticks)

    def _post(self, path: str, body: Mapping[str, object]) -> Mapping[str, Any]:
        with self._answer(path, body) as response:
            found: Mapping[str, Any] = json.loads(response.read())
        return found

    @contextlib.contextmanager
    def _answer(self, path: str, body: Mapping[str, object]) -> Iterator[http.client.HTTPResponse]:
        """The server's answer; without a time limit, since the supervisor keeps one.

        Raises:
            EngineRefused: the server refuses, with its own words.
        """
        connection = http.client.HTTPConnection(*self._address)
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._key}"}
        try:
            connection.request("POST", path, json.dumps(body), headers)
            response = connection.getresponse()
            if response.status != http.client.OK:
                words = json.loads(response.read()).get("error", {}).get("message") or f"status {response.status}"
                raise EngineRefused(f"llama.cpp's server refuses {path}: {words}")
            yield response
        finally:
            connection.close()


def _start(settings: Any, file: Path) -> Any:  # noqa: ANN401 - of a library without types
    """The server; where it does not start, a second try with its log in a file tells why.

    The first try leaves the log where it goes, so that it is there if the process dies.
    """
    import xllamacpp

    try:
        return xllamacpp.Server(settings)
    except RuntimeError:
        pass
    with tempfile.TemporaryFile() as log, _standard_error_in(log.fileno()):
        try:
            return xllamacpp.Server(settings)
        except RuntimeError as exc:
            printed = _settled(log)
            words = f"cannot load {file}: llama.cpp's server does not start: {_cause(printed) or exc}"
            raise (TemplateRefused if _TEMPLATE_FAULT in printed else EngineRefused)(words) from exc


def _settled(log: IO[bytes]) -> str:
    """What was logged, once nothing more comes: llama.cpp's log has a thread of its own, for which no error waits."""
    deadline, printed = time.monotonic() + _LOG_WAIT_S, ""
    while True:
        log.seek(0)
        before, printed = printed, log.read().decode("utf-8", errors="replace")
        if (_cause(printed) and printed == before) or time.monotonic() > deadline:
            return printed
        time.sleep(_LOG_PAUSE_S)


@contextlib.contextmanager
def _standard_error_in(descriptor: int) -> Iterator[None]:
    kept = os.dup(2)
    os.dup2(descriptor, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _cause(printed: str) -> str:
    r"""The line that says why: the template's own error where there is one, else the first error.

    >>> _cause("0.00.1 I loading\n0.00.2 E load: error loading model: no tensors\n0.00.3 E failed\n")
    'load: error loading model: no tensors'
    """
    lines = printed.splitlines()
    errors = [_LOG_PREFIX.sub("", line).strip() for line in lines if _LOG_PREFIX.match(line)]
    raised = [line for line in lines if line.startswith("Error: ")]
    return next(iter(raised or [line for line in errors if "error" in line] or errors), "")
