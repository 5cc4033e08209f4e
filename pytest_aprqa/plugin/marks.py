"""Words that select playbook items with ``-m``, and the file names that are playbooks. Imports pytest only."""

from __future__ import annotations

import pytest

SUFFIXES = (".playbook.yaml", ".playbook.yml")

_MARKS = {
    "safetensors": "playbook items of format safetensors",
    "apr": "playbook items of format apr",
    "gguf": "playbook items of format gguf",
    "cpu": "playbook items on the cpu",
    "gpu": "playbook items on the gpu",
    "run": "one-shot playbook cases",
    "chat": "playbook conversations",
    "serve": "playbook cases behind a server",
    "edge": "playbook cases with hostile prompts",
    "contract": "playbook items that compare an artefact's files with the ground truth",
    "parity": "playbook items that compare what an artefact computes with the ground truth",
    "conversion": "playbook items that convert an artefact onward, back or twice",
    "state": "playbook items that look for what earlier or neighbouring requests change",
    "profile": "playbook items that are measured, alone on the machine",
    "server": "playbook items about a server that holds the model",
    "gateway": "gateway items of playbooks",
    "G0": "gateway integrity",
    "G1": "gateway load",
    "G2": "gateway inference",
    "G3": "gateway stability",
    "G4": "gateway quality",
}
_QUANTIZATIONS = ("f32", "f16", "bf16", "q8_0", "q6_k", "q5_k_m", "q5_0", "q4_k_m", "q4_0", "q3_k_m", "q2_k")


def is_playbook(name: str) -> bool:
    """Whether a file is a playbook, by its name alone.

    >>> is_playbook("a/b-mvp.playbook.yaml"), is_playbook("compose.yaml")
    (True, False)
    """
    return name.endswith(SUFFIXES)


def add_marks(config: pytest.Config) -> None:
    """Registers the words, so that ``--strict-markers`` knows them."""
    for word, meaning in _MARKS.items():
        config.addinivalue_line("markers", f"{word}: {meaning}")
    for word in _QUANTIZATIONS:
        config.addinivalue_line("markers", f"{word}: playbook items quantized to {word}")
