"""Loaders that break the rules between a child and its supervisor, each in one way."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from pytest_aprqa.core import Request, Target, Weights
from pytest_aprqa.engines import EngineFacts, Limits, Result

FACTS = EngineFacts("rogue", {}, "cpu", "float32", 1, False, None, 0.0, None)


class Rogue:
    facts = FACTS

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def generate(self, requests: Sequence[Request]) -> tuple[Result, ...]:
        replies_fd = int(sys.argv[2])
        match requests[0].turns[0]:
            case "garbage":
                os.write(replies_fd, b"Loading checkpoint shards: 100%\n")
            case "unknown":
                os.write(replies_fd, b'{"v": 3, "kind": "sorry", "body": {}}\n')
            case "other version":
                os.write(replies_fd, b'{"v": 1, "kind": "answered", "body": {"results": []}}\n')
            case "endless":
                while True:
                    os.write(replies_fd, b"x" * 2**16)
            case "close":
                os.close(replies_fd)
            case "descendant":
                sleeper = subprocess.Popen(["sleep", "1000"])
                (self._folder / "pid").write_text(str(sleeper.pid))
            case _:
                return ()
        time.sleep(60)
        return ()


def load(target: Target, weights: Weights, limits: Limits) -> Rogue:
    return Rogue(weights.folder)


def load_prints(target: Target, weights: Weights, limits: Limits) -> Rogue:
    sys.stdout.write("libraries print here\n")
    sys.stdout.flush()
    os.close(1)
    os.close(2)
    return Rogue(weights.folder)


def load_fails(target: Target, weights: Weights, limits: Limits) -> Rogue:
    raise OSError("disk on fire")


def load_out_of_memory(target: Target, weights: Weights, limits: Limits) -> Rogue:
    raise RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: you tried")
