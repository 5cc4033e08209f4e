"""The bundled servers, started once for all tests of this folder: a start of `transformers serve` costs ten seconds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_aprqa.gates.server.ending import CLEAN_EXITS
from pytest_aprqa.gates.server.known import TRANSFORMERS
from tests.serving.bundled import Bundled, gguf_served, safetensors_served
from tests.serving.opened import nothing_left, pid_of


@pytest.fixture(scope="session")
def llama_cpp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bundled]:
    yield from _ended_well(gguf_served(tmp_path_factory.mktemp("llama_cpp")))


@pytest.fixture(scope="session")
def transformers_serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bundled]:
    yield from _ended_well(safetensors_served(tmp_path_factory.mktemp("transformers")))


def _ended_well(bundled: Bundled) -> Iterator[Bundled]:
    """What a test started must end in order, whatever was asked of it."""
    yield bundled
    if (server := bundled.started) is None:
        return
    stopped = server.stop()
    assert stopped is not None
    assert stopped.exit_code in CLEAN_EXITS
    assert not stopped.killed
    assert stopped.survivors == 0
    assert not stopped.port_open
    assert nothing_left(pid_of(server))
    if server.kind == TRANSFORMERS:
        assert "Finished server process" in server.log_tail  # and not killed by the signal in mid-work
