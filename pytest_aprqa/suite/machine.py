"""What of a playbook's matrix this machine, this version and the user's wishes leave out, and why."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pytest_aprqa.core import Backend, Format
from pytest_aprqa.playbook import Serve
from pytest_aprqa.serving import SERVED_ENGINES

_DEVICE_FILES = ("/dev/nvidia0", "/dev/nvidiactl", "/dev/dxg")
"""Device files of an NVIDIA driver, on Linux and under WSL; asking torch instead would cost seconds at collection."""


def unavailable_words(environment: Mapping[str, str], *, no_gpu: bool) -> dict[str, str]:
    """Word of a cell → why it cannot run here.

    Args:
        environment: of this process.
        no_gpu: the user wants no gpu cells.
    """
    words: dict[str, str] = {}
    if no_gpu:
        words[Backend.GPU] = "switched off by --aprqa-no-gpu"
    elif environment.get("CUDA_VISIBLE_DEVICES", "all") in ("", "-1"):
        words[Backend.GPU] = "CUDA_VISIBLE_DEVICES hides every CUDA device"
    elif not any(Path(file).exists() for file in _DEVICE_FILES):
        words[Backend.GPU] = "no CUDA device on this machine"
    return words


def unserved_formats(serve: Serve, *, commands: bool, engine: str | None) -> dict[Format, str]:
    """Format → why no server may be started for it.

    Args:
        serve: who serves the model, by the playbook.
        commands: whether command lines that the playbook brings may be started.
        engine: the engine that the user wants for every target; None for each format's own.
    """
    own = serve.formats or tuple(Format) if serve.command or serve.url else ()
    reasons: dict[Format, str] = {}
    if serve.command and not commands:
        why = f"the playbook's server command is not started without --aprqa-allow-commands: {serve.command[:80]}"
        reasons = dict.fromkeys(own, why)
    if engine is not None and engine not in SERVED_ENGINES:
        reasons |= {it: f"the engine {engine!r} has no server" for it in Format if it not in own}
    return reasons
