"""The embedded model ``aprqa-tiny``: where its files are, and (in its modules) how they were made.

Importing this imports nothing heavy; `train`, `ask` and `measure` need the extra ``transformers``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

MODEL: Final = "aprqa/aprqa-tiny"
"""The name under which playbooks ask for it."""


def folder() -> Path:
    """Folder in Hugging Face layout that comes with the package."""
    return Path(__file__).resolve().parent / "aprqa_tiny"


__all__ = ["MODEL", "folder"]
