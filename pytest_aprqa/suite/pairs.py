"""Pairs of one process: a target's artefact and its ground truth, with the engines that a comparison may ask.

Items come target by target, first those that files alone decide: a pair that no engine was asked about waits, with
what its files have shown, for the target's second turn. Of the others one is kept, with whatever was measured of it;
what the ground truth has said is kept for the playbook's next target.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

from pytest_aprqa.conversion import open_model
from pytest_aprqa.core import Backend, Format, Target, Weights
from pytest_aprqa.engines import Engine, instruments_of, open_engine
from pytest_aprqa.gates import Pair, Side
from pytest_aprqa.parity import Fingerprint
from pytest_aprqa.playbook import Playbook
from pytest_aprqa.suite.bench import Bench
from pytest_aprqa.suite.wishes import limits_of, options_of


@dataclass(slots=True)
class Pairs:
    """Holds the pair in work and those that wait; `close` it at the end."""

    bench: Bench
    _key: tuple[Path, Target] | None = None
    """Of the pair in work."""
    _pairs: dict[tuple[Path, Target], tuple[Pair, tempfile.TemporaryDirectory[str]]] = field(default_factory=dict)
    _known: dict[Path, dict[str, Fingerprint]] = field(default_factory=dict)
    """Fingerprints of each ground truth's tensors."""
    _traced: dict[Path, Engine] = field(default_factory=dict)

    def pair(self, playbook: Playbook, target: Target) -> Pair:
        """The pair of a target, with everything that was measured of it before.

        Raises:
            ArtefactError: the ground truth cannot be read.
        """
        key = (playbook.path, target)
        if key == self._key:
            return self._pairs[key][0]
        said = self._said(playbook)
        self._put_away()
        if key not in self._pairs:
            self._pairs[key] = self._begun(playbook, target)
        pair = self._pairs[key][0]
        pair.earlier = said
        self._key = key
        return pair

    def close(self) -> None:
        """Removes what was converted on the way, ends what was opened for it."""
        self._put_away()
        for _, scratch in self._pairs.values():
            scratch.cleanup()
        self._pairs.clear()

    def _said(self, playbook: Playbook) -> Side | None:
        """What the playbook's ground truth has said to the pair in work; None where nobody asked it."""
        if self._key is None or self._key[0] != playbook.path:
            return None
        pair = self._pairs[self._key][0]
        return pair.ours if pair.was_asked else pair.earlier

    def _put_away(self) -> None:
        """Ends the work on a pair: it waits if only files were read for it, else it goes, with what was made for it."""
        for engine in self._traced.values():
            engine.close()
        self._traced.clear()
        if self._key is not None and not self._pairs[self._key][0].only_read:
            self._pairs.pop(self._key)[1].cleanup()
        self._key = None

    def _begun(self, playbook: Playbook, target: Target) -> tuple[Pair, tempfile.TemporaryDirectory[str]]:
        scratch = tempfile.TemporaryDirectory(prefix="aprqa-")
        try:
            return self._made(playbook, target, Path(scratch.name)), scratch
        except BaseException:
            scratch.cleanup()
            raise

    def _made(self, playbook: Playbook, target: Target, scratch: Path) -> Pair:
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
            known=self._known.setdefault(truth, {}),
        )

    def _opened(self, playbook: Playbook, folder: Path) -> Engine:
        """The ground truth's kind of engine with the tensors of an artefact in it."""
        if folder not in self._traced:
            target = Target(playbook.model.hf_repo, Format.SAFETENSORS, None, Backend.CPU)
            weights = Weights(folder, tuple(sorted(folder.glob("*.safetensors"))), "converted for its layers")
            limits = replace(self.bench.setup.limits, dtype="float32")
            self._traced[folder] = open_engine(target, weights, limits, name=self.bench.setup.engine)
        return self._traced[folder]
