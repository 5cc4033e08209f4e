"""The files of one process's models: the ground truth, every target's artefact, and what integrity says of each.

Each is looked for, made, hashed and read once. Knows no engine.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from pathlib import Path

from pytest_aprqa.core import AprqaError, Format, Target, Weights
from pytest_aprqa.gates import Finding, check_integrity
from pytest_aprqa.playbook import Playbook, users_file
from pytest_aprqa.suite.artefacts import artefact, conversion_cache, ground_truth
from pytest_aprqa.weights import Search


@dataclass(slots=True)
class Shelf:
    """Holds what was found; an error is remembered and raised again."""

    search: Search
    conversions: Path | None = None
    """Folder for converted models; None takes the user's cache."""
    _weights: dict[Hashable, Weights | AprqaError] = field(default_factory=dict)
    _findings: dict[tuple[Path, ...], tuple[Finding, ...]] = field(default_factory=dict)

    def truth(self, playbook: Playbook) -> Weights:
        """The safetensors weights that everything else is compared with.

        Raises:
            WeightsUnavailable: they are not here.
            ArtefactError: they are here and broken.
        """
        return self._remembered(
            (playbook.path, playbook.model.hf_repo), lambda: ground_truth(playbook, self.search, self.cache)
        )

    def weights(self, playbook: Playbook, target: Target) -> Weights:
        """The files of a target, made from the ground truth where the user has none.

        Raises:
            WeightsUnavailable: they are not here, nor what they could be made from.
            ArtefactError: they cannot be made.
            EngineUnavailable: the quantizer is not installed.
        """
        if target.format is Format.SAFETENSORS:
            return self.truth(playbook)
        truth = None if users_file(playbook.model, target) else self.truth(playbook)
        return self._remembered(
            (playbook.path, target.format, target.quantization),
            lambda: artefact(playbook, target, truth, self.search, self.cache),
        )

    def findings(self, playbook: Playbook, target: Target) -> tuple[Finding, ...]:
        """What the integrity gates say of the files; read once for all targets that share them."""
        weights = self.weights(playbook, target)
        if weights.files not in self._findings:
            self._findings[weights.files] = check_integrity(weights, expected_numbers(playbook))
        return self._findings[weights.files]

    @property
    def cache(self) -> Path:
        """Folder for converted models."""
        return self.conversions or conversion_cache(self.search.environment)

    def _remembered(self, key: Hashable, make: Callable[[], Weights]) -> Weights:
        if key not in self._weights:
            try:
                self._weights[key] = make()
            except AprqaError as problem:
                self._weights[key] = problem
        found = self._weights[key]
        if isinstance(found, AprqaError):
            raise found
        return found


def expected_numbers(playbook: Playbook) -> dict[str, int]:
    """The architecture numbers that a playbook states, by the names of its keys, such as ``expected_hidden_dim``."""
    model = playbook.model
    stated = {
        "expected_hidden_dim": model.expected_hidden_dim,
        "expected_num_layers": model.expected_num_layers,
        "expected_num_heads": model.expected_num_heads,
        "expected_num_kv_heads": model.expected_num_kv_heads,
        "expected_vocab_size": model.expected_vocab_size,
        "expected_intermediate_dim": model.expected_intermediate_dim,
    }
    return {name: number for name, number in stated.items() if number is not None}
