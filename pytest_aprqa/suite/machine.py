"""What of a playbook's matrix this machine, this version and the user's wishes leave out, and why."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pytest_aprqa.core import Backend, Format, Modality
from pytest_aprqa.engines.registry import DEFAULT_ENGINES

_DEVICE_FILES = ("/dev/nvidia0", "/dev/nvidiactl", "/dev/dxg")
"""Device files of an NVIDIA driver, on Linux and under WSL; asking torch instead would cost seconds at collection."""


def unavailable_words(environment: Mapping[str, str], *, no_gpu: bool) -> dict[str, str]:
    """Word of a cell (format, backend, modality) → why it cannot run here.

    Args:
        environment: of this process.
        no_gpu: the user wants no gpu cells.
    """
    words = {str(it): f"no engine of this version runs {it} files" for it in Format if it not in DEFAULT_ENGINES}
    words[Modality.SERVE] = "serve needs an engine with a server, which this version does not have"
    if no_gpu:
        words[Backend.GPU] = "switched off by --aprqa-no-gpu"
    elif environment.get("CUDA_VISIBLE_DEVICES", "all") in ("", "-1"):
        words[Backend.GPU] = "CUDA_VISIBLE_DEVICES hides every CUDA device"
    elif not any(Path(file).exists() for file in _DEVICE_FILES):
        words[Backend.GPU] = "no CUDA device on this machine"
    return words
