"""Facts about this machine, without loading any engine.

What cannot be found out stays empty; a missing or hanging driver costs at most `_GPU_TIMEOUT_S`.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

import psutil

from pytest_aprqa.evidence.evidence import HostInfo

_GPU_TIMEOUT_S: Final = 5
_CPUINFO: Final = Path("/proc/cpuinfo")
_NVIDIA_PROC: Final = Path("/proc/driver/nvidia/gpus")


def read_host() -> HostInfo:
    """What this machine is."""
    return HostInfo(
        hostname=platform.node(),
        os=f"{platform.system()} {platform.release()} {platform.machine()}".strip(),
        python=platform.python_version(),
        cpu=cpu_model(),
        cores=os.cpu_count(),
        memory_bytes=psutil.virtual_memory().total,
        gpus=gpu_names(),
    )


def cpu_model(cpuinfo: Path = _CPUINFO) -> str:
    """Model name of the processor; empty when unknown."""
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", cpuinfo.read_text(errors="replace"), re.MULTILINE)
    except OSError:
        found = None
    return found[1].strip() if found else platform.processor()


def gpu_names() -> tuple[str, ...]:
    """Names of the NVIDIA accelerators in the driver's order; empty when there is none."""
    sources: tuple[Callable[[], tuple[str, ...]], ...] = (gpus_of_tool, gpus_of_proc)
    return next((names for source in sources if (names := source())), ())


def gpus_of_tool(tool: str = "nvidia-smi", *, timeout_s: float = _GPU_TIMEOUT_S) -> tuple[str, ...]:
    """What ``nvidia-smi`` lists; empty when it is missing, fails or hangs."""
    path = shutil.which(tool)
    if path is None:
        return ()
    try:
        answer = subprocess.run(
            [path, "--query-gpu=name", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(line.strip() for line in answer.stdout.splitlines() if line.strip())


def gpus_of_proc(folder: Path = _NVIDIA_PROC) -> tuple[str, ...]:
    """What the driver's files list; empty when there are none."""
    names = []
    for file in sorted(folder.glob("*/information")):
        try:
            found = re.search(r"^Model:\s*(.+)$", file.read_text(errors="replace"), re.MULTILINE)
        except OSError:
            continue
        if found:
            names.append(found[1].strip())
    return tuple(names)
