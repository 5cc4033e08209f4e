"""Pairs of one process: a target's artefact and its ground truth, with the engines that a comparison may ask.

Items come target by target, so that one pair is kept, with whatever was measured of it; what the ground truth has said
is kept for the playbook's next target.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

from pytest_aprqa.conversion import open_model
from pytest_aprqa.core import Backend, Format, Target, Weights
from pytest_aprqa.engines import Engine, instruments_of, open_engine
from pytest_aprqa.gates import Pair, Side
from pytest_aprqa.playbook import Playbook
from pytest_aprqa.suite.bench import Bench
from pytest_aprqa.suite.wishes import limits_of, options_of


@dataclass(slots=True)
class Pairs:
    """Holds the pair in work; `close` it at the end."""

    bench: Bench
    _key: tuple[Path, Target] | None = None
    _pair: Pair | None = None
    _scratch: tempfile.TemporaryDirectory[str] | None = None
    _traced: dict[Path, Engine] = field(default_factory=dict)

    def pair(self, playbook: Playbook, target: Target) -> Pair:
        """The pair of a target, with everything that was measured of it before.

        Raises:
            ArtefactError: the ground truth cannot be read.
        """
        if self._pair is None or self._key != (playbook.path, target):
            said = self._pair.ours if self._pair is not None and self._key and self._key[0] == playbook.path else None
            self.close()
            self._scratch = tempfile.TemporaryDirectory(prefix="aprqa-")
            self._pair = self._made(playbook, target, Path(self._scratch.name), said)
            self._key = (playbook.path, target)
        return self._pair

    def close(self) -> None:
        """Removes what was converted on the way, ends what was opened for it."""
        for engine in self._traced.values():
            engine.close()
        self._traced.clear()
        if self._scratch is not None:
            self._scratch.cleanup()
        self._pair = self._key = self._scratch = None

    def _made(self, playbook: Playbook, target: Target, scratch: Path, said: Side | None) -> Pair:
        shelf, bench = self.bench.shelf, self.bench
        truth = shelf.truth(playbook).folder
        return Pair(
            reference=open_model(truth),
            path=truth if target.format is Format.SAFETENSORS else shelf.weights(playbook, target).files[0],
            format=target.format,
            quantization=target.quantization,
            scratch=scratch,
            reference_instruments=lambda: instruments_of(bench.truth_engine(playbook)),
            artefact_instruments=lambda: instruments_of(bench.engine(playbook, target)),
            traced=lambda folder: instruments_of(self._opened(playbook, folder)),
            limits=limits_of(playbook),
            options=options_of(playbook),
            earlier=said,
        )

    def _opened(self, playbook: Playbook, folder: Path) -> Engine:
        """The ground truth's kind of engine with the tensors of an artefact in it."""
        if folder not in self._traced:
            target = Target(playbook.model.hf_repo, Format.SAFETENSORS, None, Backend.CPU)
            weights = Weights(folder, tuple(sorted(folder.glob("*.safetensors"))), "converted for its layers")
            limits = replace(self.bench.setup.limits, dtype="float32")
            self._traced[folder] = open_engine(target, weights, limits, name=self.bench.setup.engine)
        return self._traced[folder]
