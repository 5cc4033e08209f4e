"""llama.cpp's own quantizer, in a process of its own: it is foreign code that may crash, hang or exit on a bad file.

Effects: starts a process and waits for it until a deadline. The process runs `quantize_child`.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import gguf

from pytest_aprqa.core import ArtefactError, EngineCrashed, EngineTimeout, EngineUnavailable, Quantization

QUANTIZER: Final = "cyllama"
"""The package that brings the quantizer."""

_INSTALL: Final = "pip install 'pytest-aprqa[llamacpp]'"
_LEAST_S: Final = 120
_BYTES_PER_S: Final = 5_000_000
"""What a slow, busy machine quantizes; for the deadline."""
_THREADS: Final = 2
_TAIL: Final = 2000
_CHILD: Final = Path(__file__).with_name("quantize_child.py")
_REFUSED: Final = 3
"""Exit code of the child when the quantizer said no."""


def quantizer_version() -> str | None:
    """The quantizer's version; None where it is not installed."""
    try:
        return version(QUANTIZER) if importlib.util.find_spec(QUANTIZER) else None
    except PackageNotFoundError:
        return None


def require_quantizer(quantization: Quantization) -> None:
    """Raises `EngineUnavailable` where the quantizer is not installed."""
    if quantizer_version() is None:
        raise EngineUnavailable(
            "llama.cpp's quantizer", f"{quantization} needs the package {QUANTIZER}", install=_INSTALL
        )


def quantize(source: Path, target: Path, quantization: Quantization, *, timeout_s: float | None = None) -> None:
    """Quantizes a GGUF file as llama.cpp's publishers do, its fallbacks for odd rows included.

    Args:
        source: a GGUF file in F32, F16 or BF16.
        target: the file to write.
        quantization: any that llama.cpp has a recipe for.
        timeout_s: deadline in seconds; by default it grows with the file.

    Raises:
        EngineUnavailable: the quantizer is not installed.
        EngineTimeout: it did not end in time, and was killed.
        EngineCrashed: it died.
        ArtefactError: it refused the file.
    """
    require_quantizer(quantization)
    allowed_s = timeout_s or _LEAST_S + source.stat().st_size / _BYTES_PER_S
    doing = f"quantizing {source.name} to {quantization}"
    # -P: the folder that the user is in must not be able to shadow a module. The file itself: half the time of -m.
    command = [sys.executable, "-P", str(_CHILD), str(source), str(target), str(_code(quantization)), str(_THREADS)]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env=_environment(), start_new_session=True,
    ) as child:  # fmt: skip
        try:
            printed, _ = child.communicate(timeout=allowed_s)
        except BaseException as exc:
            _kill(child.pid)
            if isinstance(exc, subprocess.TimeoutExpired):
                raise EngineTimeout(doing, after_ms=int(allowed_s * 1000)) from exc
            raise
    tail = printed[-_TAIL:].decode("utf-8", errors="replace")
    if child.returncode == _REFUSED:
        raise ArtefactError(
            f"llama.cpp's quantizer refused {quantization}", path=source, found=" ".join(tail.split())[-300:]
        )
    if child.returncode or not target.is_file():
        raise EngineCrashed(doing, exit_code=child.returncode, stderr_tail=tail)


def _code(quantization: Quantization) -> int:
    return int(gguf.LlamaFileType[f"MOSTLY_{quantization.value.upper()}"])


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _environment() -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path and os.pathsep not in path),
        "OMP_NUM_THREADS": str(_THREADS),
        # Without these two, libgomp's idle threads spin and take the cores from a neighbor's process.
        "OMP_WAIT_POLICY": "passive",
        "GOMP_SPINCOUNT": "0",
    }
