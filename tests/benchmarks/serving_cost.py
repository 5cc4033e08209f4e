"""What asking costs, each way in one run: ``python -m tests.benchmarks.serving_cost [--model DIR] [--prompts N]``.

The same prompts, greedy and of the same length, through a plain loop of ``model.generate``, through the engines one by
one and batched (``run``), as conversations (``chat``), and through each bundled server (``serve``): by our client one
by one and from several clients at once, and by a bare HTTP client without any of ours. Seconds, answers a second and
the ratio to the plain loop, or for GGUF to the bare server. Prints tables; asserts nothing, because these numbers
belong to the machine.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pytest_aprqa import embedded
from pytest_aprqa.conversion import convert
from pytest_aprqa.core import Backend, Completion, Format, Prompting, Quantization, Request, Target, Weights
from pytest_aprqa.engines import Engine, Limits, open_engine
from pytest_aprqa.serving import Client, ServedEngine, Server, open_server, text_of

_CLIENTS = 4
_WARM = 2


@dataclass(frozen=True, slots=True)
class Work:
    """What every way has to do."""

    questions: tuple[str, ...]
    max_tokens: int

    def requests(self, prompting: Prompting, *, turns: int = 1) -> list[Request]:
        """The questions as requests; as conversations, each comes after a greeting."""
        before = ("Hello, how are you?",) * (turns - 1)
        return [
            Request(f"q{number}", (*before, question), prompting=prompting, max_tokens=self.max_tokens)
            for number, question in enumerate(self.questions)
        ]


def main() -> int:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--model", type=Path, default=embedded.folder(), help="Hugging Face folder (the embedded model)"
    )
    parser.add_argument("--prompts", type=int, default=48)
    parser.add_argument("--max-tokens", type=int, default=16)
    parser.add_argument("--quantization", default="q8_0", choices=[str(it) for it in Quantization])
    options = parser.parse_args()
    model = options.model.resolve()
    work = Work(tuple(f"What is {i % 12 + 1}+{i // 12 + 1}?" for i in range(options.prompts)), options.max_tokens)
    limits = Limits(threads=len(os.sched_getaffinity(0)))
    _say(f"{model.name}: {options.prompts} prompts, at most {options.max_tokens} tokens, {limits.threads} threads")
    with tempfile.TemporaryDirectory() as name:
        _safetensors(model, work, limits)
        quantization = Quantization(options.quantization)
        file = convert(model, Path(name) / "gguf", format=Format.GGUF, quantization=quantization).path
        _gguf(file, quantization, work, limits)
    return 0


def _safetensors(model: Path, work: Work, limits: Limits) -> None:
    target = Target("bench/bench", Format.SAFETENSORS, None, Backend.CPU)
    weights = Weights(model, tuple(sorted(model.glob("*.safetensors"))), "command line")
    _say("\nsafetensors                                    s   answers/s   ratio to model.generate")
    base = _row("plain loop of model.generate", work, _plain_loop(model, work, limits), None)
    _engines(target, weights, work, limits, base, batch=16)
    _serving(target, weights, work, limits, base)


def _gguf(file: Path, quantization: Quantization, work: Work, limits: Limits) -> None:
    target = Target("bench/bench", Format.GGUF, quantization, Backend.CPU)
    weights = Weights(file.parent, (file,), "command line")
    _say(f"\ngguf {quantization:<10}                               s   answers/s   ratio to the bare server")
    base = _serving(target, weights, work, limits, None)
    _engines(target, weights, work, limits, base, batch=1)


def _engines(target: Target, weights: Weights, work: Work, limits: Limits, base: float, *, batch: int) -> None:
    for size in dict.fromkeys((1, batch)):
        engine = open_engine(target, weights, replace(limits, max_batch=size))
        try:
            _row(f"run, {size} at a time", work, _asked(engine, work.requests(Prompting.TEMPLATE)), base)
            _row(
                f"chat of two turns, {size} at a time",
                work,
                _asked(engine, work.requests(Prompting.TEMPLATE, turns=2)),
                base,
            )
        finally:
            engine.close()


def _serving(target: Target, weights: Weights, work: Work, limits: Limits, base: float | None) -> float:
    server = open_server(target, weights, limits)
    try:
        bare = _row(f"bare {server.kind} server, one client", work, _bare(server, work), base)
        base = base or bare
        engine = ServedEngine(lambda: server)
        _row("serve, our client, streamed", work, _asked(engine, work.requests(Prompting.TEMPLATE)), base)
        _row("serve of two turns", work, _asked(engine, work.requests(Prompting.TEMPLATE, turns=2)), base)
        _row(f"serve, {_CLIENTS} clients at once", work, _at_once(server, work), base)
        return base
    finally:
        server.stop()


def _plain_loop(model: Path, work: Work, limits: Limits) -> Callable[[], Sequence[str]]:
    """What a user would write by hand."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(limits.threads)
    tokenizer = AutoTokenizer.from_pretrained(model)
    network: Any = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)

    def loop() -> list[str]:
        answers = []
        for question in work.questions:
            messages = [{"role": "user", "content": question}]
            prompt = str(tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False))
            ids = tokenizer(prompt, return_tensors="pt", add_special_tokens=False).input_ids
            with torch.inference_mode():
                out = network.generate(ids, max_new_tokens=work.max_tokens, do_sample=False)
            answers.append(str(tokenizer.decode(out[0][ids.shape[1] :], skip_special_tokens=True)))
        return answers

    return loop


def _asked(engine: Engine, requests: Sequence[Request]) -> Callable[[], Sequence[str]]:
    def ask() -> list[str]:
        results = engine.generate(requests)
        failed = [result for result in results if not isinstance(result, Completion)]
        if failed:
            raise SystemExit(f"an answer failed: {failed[0]}")
        return [result.text for result in results if isinstance(result, Completion)]

    return ask


def _bare(server: Server, work: Work) -> Callable[[], Sequence[str]]:
    """Nothing but the standard library's client on one connection."""

    def ask() -> list[str]:
        answers = []
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"))
        for question in work.questions:
            body = {
                "model": server.model,
                "messages": [{"role": "user", "content": question}],
                "max_tokens": work.max_tokens,
                "temperature": 0,
            }
            headers = {"Content-Type": "application/json", "Authorization": f"Bearer {server.api_key}"}
            connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
            answers.append(json.loads(connection.getresponse().read())["choices"][0]["message"]["content"])
        connection.close()
        return answers

    return ask


def _at_once(server: Server, work: Work) -> Callable[[], Sequence[str]]:
    def one(question: str) -> str:
        client = Client(server.url, model=server.model, api_key=server.api_key)
        return text_of(client.chat([{"role": "user", "content": question}], max_tokens=work.max_tokens)) or ""

    def ask() -> list[str]:
        with ThreadPoolExecutor(_CLIENTS) as pool:
            return list(pool.map(one, work.questions))

    return ask


def _row(name: str, work: Work, ask: Callable[[], Sequence[str]], base: float | None) -> float:
    for _ in range(_WARM):
        answers = ask()
    started = time.perf_counter()
    answers = ask()
    seconds = time.perf_counter() - started
    right = sum(str(i % 12 + 1 + i // 12 + 1) in answer for i, answer in enumerate(answers))
    ratio = 1.0 if base is None else seconds / base
    _say(f"{name:<40} {seconds:7.2f} {len(work.questions) / seconds:11.1f} {ratio:10.2f}   ({right} right)")
    return seconds


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
