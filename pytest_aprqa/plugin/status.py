"""How outcomes show in pytest's progress: crashes and timeouts by name, inconclusive cases counted apart."""

from __future__ import annotations

import pytest

_WORDS = {
    "timeout": ("T", "TIMEOUT"),
    "crashed": ("C", "CRASHED"),
    "falsified": ("F", "FALSIFIED"),
    "inconclusive": ("?", "INCONCLUSIVE"),
}
"""Outcome → letter and word; the rest is pytest's own."""

_COLORS = {"failed": {"red": True}, "skipped": {"yellow": True}}
"""What pytest made of it → how the word is shown."""


def status_of(report: pytest.CollectReport | pytest.TestReport) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
    """Category, letter and word of a report that carries evidence; None leaves it to pytest."""
    outcome = report.aprqa["outcome"] if hasattr(report, "aprqa") else None
    if outcome not in _WORDS or report.outcome not in _COLORS:
        return None
    inconclusive = outcome == "inconclusive"
    if inconclusive and report.outcome == "failed":
        return None  # something broke outside the model: pytest's own error
    letter, word = _WORDS[outcome]
    return "inconclusive" if inconclusive else report.outcome, letter, (word, _COLORS[report.outcome])
