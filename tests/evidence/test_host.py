"""Host facts: found where they are, empty where they are not, and never hanging."""

from __future__ import annotations

import time
from pathlib import Path

from pytest_aprqa.evidence import read_host
from pytest_aprqa.evidence.host import cpu_model, gpus_of_proc, gpus_of_tool


def test_this_host_has_a_name_and_memory() -> None:
    host = read_host()
    assert host.os
    assert host.python.startswith("3.")
    assert (host.cores or 0) >= 1
    assert (host.memory_bytes or 0) > 1_000_000


def test_cpu_model_is_read_from_the_kernels_file(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text("processor : 0\nmodel name\t: Example CPU @ 3 GHz\nflags: x\n")
    assert cpu_model(tmp_path / "cpuinfo") == "Example CPU @ 3 GHz"
    assert isinstance(cpu_model(tmp_path / "missing"), str)


def script(path: Path, body: str) -> str:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


def test_gpus_are_what_the_tool_lists(tmp_path: Path) -> None:
    assert gpus_of_tool(script(tmp_path / "smi", "echo 'GPU one'; echo; echo ' GPU two '")) == ("GPU one", "GPU two")


def test_a_missing_failing_or_hanging_tool_means_no_gpus(tmp_path: Path) -> None:
    assert gpus_of_tool(str(tmp_path / "missing")) == ()
    assert gpus_of_tool(script(tmp_path / "fails", "echo 'GPU'; exit 9")) == ()
    began = time.perf_counter()
    assert gpus_of_tool(script(tmp_path / "hangs", "exec sleep 20"), timeout_s=0.2) == ()
    assert time.perf_counter() - began < 5


def test_gpus_of_the_drivers_files(tmp_path: Path) -> None:
    for bus, name in (("0", "Model: \t GPU A"), ("1", "IRQ: 5"), ("2", "Model: GPU B")):
        (tmp_path / bus).mkdir()
        (tmp_path / bus / "information").write_text(f"{name}\nBus: {bus}\n")
    (tmp_path / "3" / "information").mkdir(parents=True)
    assert gpus_of_proc(tmp_path) == ("GPU A", "GPU B")
    assert gpus_of_proc(tmp_path / "missing") == ()
