"""What of a playbook's matrix this machine, this version and the user's wishes leave out, and why."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pytest_aprqa.core import Backend, Modality

_DEVICE_FILES = ("/dev/nvidia0", "/dev/nvidiactl", "/dev/dxg")
"""Device files of an NVIDIA driver, on Linux and under WSL; asking torch instead would cost seconds at collection."""


def unavailable_words(environment: Mapping[str, str], *, no_gpu: bool) -> dict[str, str]:
    """Word of a cell (backend, modality) → why it cannot run here.

    Args:
        environment: of this process.
        no_gpu: the user wants no gpu cells.
    """
    words = {str(Modality.SERVE): "serve needs an engine with a server, which this version does not have"}
    if no_gpu:
        words[Backend.GPU] = "switched off by --aprqa-no-gpu"
    elif environment.get("CUDA_VISIBLE_DEVICES", "all") in ("", "-1"):
        words[Backend.GPU] = "CUDA_VISIBLE_DEVICES hides every CUDA device"
    elif not any(Path(file).exists() for file in _DEVICE_FILES):
        words[Backend.GPU] = "no CUDA device on this machine"
    return words
