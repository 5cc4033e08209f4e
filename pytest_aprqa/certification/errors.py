"""What this room cannot do, said in one message."""

from __future__ import annotations

from pytest_aprqa.core import AprqaError


class CertificationError(AprqaError):
    """A certification cannot be made as it was asked for; nothing was run, nothing was written."""
