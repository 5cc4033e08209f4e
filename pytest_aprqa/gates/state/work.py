"""What the gates on state are judged on: a loaded model at work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from pytest_aprqa.core import Backend, Format, Quantization, Verdict
from pytest_aprqa.engines import Engine, Instruments


@dataclass(slots=True)
class Work:
    """One target's engine, asked as often as the gates want."""

    format: Format
    quantization: Quantization | None
    backend: Backend
    engine: Callable[[], Engine]
    """Opens the engine on first use; the same one every time."""
    instruments: Callable[[], Instruments]
    """The same engine, by what it can measure."""
    cpu: Callable[[], Instruments] | None = None
    """For a gpu target, the same artefact on the cpu; None where there is no cpu target."""
    limits: dict[str, float] = field(default_factory=dict)
    """The playbook's own limits, as ``type.quantity``."""
    timeout_ms: int = 60_000
    """Deadline of each request, in milliseconds."""
    memory: dict[str, object] = field(default_factory=dict, repr=False)
    """What was measured, by name."""
    verdicts: dict[str, Verdict] = field(default_factory=dict, repr=False)
