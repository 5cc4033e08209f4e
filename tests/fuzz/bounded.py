"""What a hostile file may cost: one second and a few megabytes."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pytest_aprqa.core import ArtefactError

MAX_SECONDS = 1.0
MAX_BYTES = 30 << 20


@contextmanager
def within_bounds(*, files: int = 1) -> Iterator[None]:
    """Fails when the block takes more time than so many hostile files, or more memory than one of them, may cost."""
    tracemalloc.start()
    started = time.process_time()
    try:
        yield
        seconds = time.process_time() - started
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert seconds < MAX_SECONDS * files, f"took {seconds:.1f} s"
    assert peak < MAX_BYTES, f"took {peak >> 20} MiB"


def refused(read: Callable[[Path], object], path: Path) -> ArtefactError:
    """The error with which a file is refused, within bounds."""
    with within_bounds(), pytest.raises(ArtefactError) as caught:
        read(path)
    assert len(str(caught.value)) < 1000
    return caught.value
