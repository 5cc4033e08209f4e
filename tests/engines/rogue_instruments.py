"""A model whose instruments lie, hang and die as the text or the token says; run by test_instruments.py."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_aprqa.core import EngineRefused, Target, Weights
from pytest_aprqa.engines import Limits, ModuleKind, ModuleTrace, Pace
from pytest_aprqa.engines.wire import Arrays, Paced, Reply, Rows, Texts, Traced, encode_reply
from tests.engines.rogue import FACTS, Rogue

VOCABULARY = 5


class RogueInstruments(Rogue):
    """Token 0 is honest; the others are not."""

    def encode(self, texts: Sequence[str], *, special: bool) -> tuple[tuple[int, ...], ...]:
        match texts[0]:
            case "hang":
                time.sleep(1000)
            case "crash":
                os.kill(os.getpid(), signal.SIGSEGV)
            case "refuse":
                raise EngineRefused("not this one")
            case "bug":
                raise ZeroDivisionError("nobody foresaw this")
            case "no memory":
                raise MemoryError("all of it is gone")
            case "eat":
                time.sleep(len(bytearray(b"x") * 10**9))
            case "too few":
                return ()
            case "texts":
                _reply(Texts(("a",)))
            case "floats":
                _write(b'{"v": 3, "kind": "rows", "body": {"rows": [[1.5]]}}\n')
            case _:
                pass
        return tuple((len(text), int(special)) for text in texts)

    def decode(self, rows: Sequence[Sequence[int]]) -> tuple[str, ...]:
        match rows[0]:
            case (1,):
                _reply(Rows(((1,),)))
            case (2,):
                _write(b'{"v": 3, "kind": "texts", "body": {"texts": [null]}}\n')
            case _:
                pass
        return tuple(" ".join(map(str, row)) for row in rows)

    def render(self, conversations: Sequence[Sequence[Mapping[str, str]]]) -> tuple[str, ...]:
        return tuple("|".join(f"{m['role']}:{m['content']}" for m in messages) for messages in conversations)

    def greedy(self, rows: Sequence[Sequence[int]], *, max_tokens: int) -> tuple[tuple[int, ...], ...]:
        return tuple((len(rows), *row, max_tokens) for row in rows)

    def logits(self, rows: Sequence[Sequence[int]], *, last_only: bool = False) -> tuple[Any, ...]:
        (row,) = rows
        count = 1 if last_only else len(row)
        match row[0]:
            case 1:
                return (np.zeros((count + 1, VOCABULARY)),)
            case 2:
                _reply(Arrays({"logits": "../../etc/passwd"}))
            case 3:
                _reply(Arrays({"logits": "0.npy"}))
            case 4:
                _reply(Arrays({}))
            case 5:
                _reply(Arrays({"something else": "0.npy"}))
            case 6:
                time.sleep(0.2)
            case _:
                pass
        return (np.full((count, VOCABULARY), os.getpid(), np.float32),)

    def activations(self, row: Sequence[int]) -> Mapping[str, Any]:
        return {"layer.0": np.ones((len(row), 2)), "../evil": np.zeros((len(row), 3))}

    def pace(self, row: Sequence[int], *, tokens: int) -> Pace:
        honest = Pace(3.0, (0.5,) * (tokens - 1), len(row), rss_bytes=1, peak_rss_bytes=2)
        match row[0]:
            case 1:
                return replace(honest, token_ms=(*honest.token_ms, 0.5))
            case 2:
                return replace(honest, prompt_tokens=len(row) + 1)
            case 3:
                return replace(honest, prefill_ms=-1.0)
            case 4:
                _reply(Rows(((1,),)))
            case 5:
                return replace(honest, prefill_ms=float("inf"))
            case 6:
                time.sleep(1000)
            case _:
                pass
        return honest

    def stepwise(self, row: Sequence[int], *, given: int) -> NDArray[np.float32]:
        if row[0] == 3:
            _reply(Arrays({"logits": "0.npy"}))
        return np.full((len(row) - given + (row[0] == 1), VOCABULARY), given, np.float32)

    def together(self, rows: Sequence[Sequence[int]]) -> tuple[Any, ...]:
        if rows[0][0] == 2:
            _reply(Arrays({"logits": "0.npy", "more": "1.npy"}))
        given = rows[1:] if rows[0][0] == 1 else rows
        return tuple(np.full((1, VOCABULARY), row[0] + len(rows), np.float32) for row in given)

    def sample(self, row: Sequence[int], *, max_tokens: int, temperature: float, seed: int) -> tuple[int, ...]:
        if row[0] == 1:
            _reply(Rows(((1,), (2,))))
        return (*row, max_tokens, int(temperature * 10), seed)

    def trace(self, row: Sequence[int]) -> tuple[ModuleTrace, ...]:
        honest = ModuleTrace("a", ModuleKind.LAYER, (len(row), 2), 0.0, 1.0, 1.0, 2.0, 0, 0, 0.0, 0.5)
        match row[0]:
            case 1:
                return ()
            case 2:
                _reply(Texts(("a",)))
            case 3:
                body = {"modules": [{**asdict(honest), "kind": "heart"}]}
                _write(json.dumps({"v": 3, "kind": "traced", "body": body}).encode() + b"\n")
            case 4:
                _reply(Traced((replace(honest, mean=float("nan")),)))
            case 5:
                _reply(Paced(Pace(1.0, (), 1, 1, 1)))
            case _:
                pass
        return (honest, honest)


def load(target: Target, weights: Weights, limits: Limits) -> RogueInstruments:
    return RogueInstruments(weights.folder)


def load_without(target: Target, weights: Weights, limits: Limits) -> Rogue:
    assert FACTS.name == "rogue"
    return Rogue(Path())


def _reply(reply: Reply) -> None:
    _write(encode_reply(reply))


def _write(line: bytes) -> None:
    """Sends what is not said by the rules, and waits for the end."""
    os.write(int(sys.argv[2]), line)
    time.sleep(1000)
