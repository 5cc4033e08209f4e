"""Is a golden corpus whole, as it was recorded, and able to refute? Each check looks for its own kind of damage.

Files are held against their digests; numbers against each other, so that damage done before the sealing shows too; and
the comparison itself against planted faults, which it must find (`controls`). Needs no model and no engine.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pytest_aprqa.core import ArtefactError, Verdict, corroborated, falsified
from pytest_aprqa.golden.controls import failed_controls
from pytest_aprqa.golden.corpus import GoldenCorpus, GoldenPrompt
from pytest_aprqa.golden.manifest import read_manifest
from pytest_aprqa.golden.recording_checks import check_recording
from pytest_aprqa.golden.store import assemble, read_recording, require_complete, require_seal, require_size


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong with a corpus."""

    where: str
    """A prompt's id, or the corpus' folder."""
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def self_check(corpus: GoldenCorpus | Path) -> tuple[Problem, ...]:
    """Everything that is wrong with a corpus; empty when nothing was found.

    Args:
        corpus: a folder, of which as much is read as can be; or a corpus, whose folder (if it has one) is read too.
    """
    if isinstance(corpus, Path):
        return _check_folder(corpus)
    on_disk = () if corpus.folder is None else _check_folder(corpus.folder)
    if on_disk or corpus.folder is None:
        return (*on_disk, *_check_values(corpus))
    return (*_check_agrees(corpus), *_check_values(corpus))


def judge_corpus(folder: Path) -> Verdict:
    """The verdict of gate F-HF-PARITY-004 on a folder."""
    problems = self_check(folder)
    if problems:
        return falsified(
            f"the golden corpus has {len(problems)} problems; first: {problems[0]}",
            compared=len(problems),
            problems=[str(problem) for problem in problems[:20]],
        )
    manifest = read_manifest(folder)
    return corroborated(
        f"the golden corpus of {manifest.model} is whole: {len(manifest.prompts)} prompts, all controls were caught",
        compared=len(manifest.prompts),
        digest=require_seal(folder),
    )


def _check_folder(folder: Path) -> tuple[Problem, ...]:
    """Checks of the files, and of the values of those that could be read."""
    problems: list[Problem] = []
    read: list[GoldenPrompt] = []
    with _noted(problems, folder.name):
        require_seal(folder)
    with _noted(problems, folder.name):
        manifest = read_manifest(folder)
        require_size(folder, manifest)
        with _noted(problems, folder.name):
            require_complete(folder, manifest)
        for entry in manifest.prompts:
            with _noted(problems, entry.id):
                read.append(read_recording(folder, entry, manifest))
        problems += _check_values(assemble(folder, manifest, tuple(read), ""))
    return tuple(problems)


@contextmanager
def _noted(problems: list[Problem], where: str) -> Iterator[None]:
    """What is refused inside becomes a problem, and the check goes on after it."""
    try:
        yield
    except ArtefactError as exc:
        problems.append(Problem(where, str(exc)))


def _check_agrees(corpus: GoldenCorpus) -> Iterator[Problem]:
    """A corpus in memory is the one in its folder."""
    assert corpus.folder is not None
    manifest = read_manifest(corpus.folder)
    stated = {entry.id: entry for entry in manifest.prompts}
    if [each.prompt.id for each in corpus.prompts] != list(stated):
        yield Problem(corpus.folder.name, "the prompts are not those of the manifest")
    for each in corpus.prompts:
        entry = stated.get(each.prompt.id)
        if entry is not None and not _same(each, read_recording(corpus.folder, entry, manifest)):
            yield Problem(each.prompt.id, "the recording or its text is not the one in the folder")


def _same(one: GoldenPrompt, two: GoldenPrompt) -> bool:
    pairs = zip(one.recording.arrays().values(), two.recording.arrays().values(), strict=True)
    return one.prompt == two.prompt and all(np.array_equal(first, second) for first, second in pairs)


def _check_values(corpus: GoldenCorpus) -> Iterator[Problem]:
    """Checks that need no file."""
    where = corpus.folder.name if corpus.folder else corpus.provenance.model
    if not corpus.prompts:
        yield Problem(where, "no prompt can be compared")
        return
    sound = []
    for each in corpus.prompts:
        found = check_recording(each.recording, corpus)
        yield from (Problem(each.prompt.id, what) for what in found)
        if not found:
            sound.append(each)
    for control in failed_controls(sound, vocabulary=corpus.vocabulary) if sound else ():
        yield Problem(where, control)
