"""Compares a text with the one kept under snapshots/; APRQA_UPDATE_SNAPSHOTS=1 rewrites what is kept."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(__file__).parent / "snapshots"


def check_snapshot(name: str, text: str) -> None:
    """Fails, with both texts, where `text` is not exactly what ``snapshots/<name>`` holds."""
    kept = FOLDER / name
    if os.environ.get("APRQA_UPDATE_SNAPSHOTS") == "1":
        kept.write_bytes(text.encode())
    assert kept.is_file(), f"no snapshot {kept}; APRQA_UPDATE_SNAPSHOTS=1 makes it"
    assert text == kept.read_bytes().decode()
