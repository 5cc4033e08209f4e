"""The documentation's pages as tests read them: fenced blocks, with the page's own words about each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
PAGES: Final = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))

_FENCE: Final = re.compile(
    r"(?:^<!-- by hand: (?P<by_hand>.+?) -->\n)?^ *```(?P<kind>\w+)(?P<info>[^\n]*)\n(?P<body>.*?)^ *```$", re.M | re.S
)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block."""

    page: Path
    kind: str
    """Such as ``console``."""
    title: str
    """From ``title="…"``; empty where it has none."""
    text: str
    by_hand: str
    """Why no test runs it: what stands in a comment before it, ``<!-- by hand: … -->``; empty where one does."""
    line: int
    """1-based, of the fence."""

    @property
    def commands(self) -> tuple[str, ...]:
        """What is typed, in order."""
        return tuple(line[2:] for line in self.text.replace("\\\n", " ").splitlines() if line.startswith("$ "))


def blocks(page: Path, kind: str | None = None) -> list[Block]:
    """The page's blocks, in order; those of one kind where it is given."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in _FENCE.finditer(text):
        title = re.search(r'title="([^"]*)"', match["info"])
        line = text.count("\n", 0, match.start("kind")) + 1
        found.append(Block(page, match["kind"], title[1] if title else "", match["body"], match["by_hand"] or "", line))
    return [block for block in found if kind is None or block.kind == kind]
