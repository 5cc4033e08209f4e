from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_aprqa.core import EngineCrashed
from pytest_aprqa.gates.server.service import Service, Spoken
from pytest_aprqa.gates.server.ties import COARSE, FLOAT, HALF, tie_of
from tests.gates.server.served import served, standin_spoken
from tests.serving.standin_server import StandinServer


def limit(kind: str, dtype: str) -> float:
    with served() as service:
        of_kind(service, kind)
        service.spoken = lambda: replace(standin_spoken(), dtype=dtype)
        return tie_of(service)


def of_kind(service: Service, kind: str) -> None:
    server = service.server()
    assert isinstance(server, StandinServer)
    server.kind = kind


@pytest.mark.parametrize(
    ("dtype", "tie"), [("float32", FLOAT), ("F16", HALF), ("bfloat16", COARSE), ("Q4_K_M", COARSE), ("", COARSE)]
)
def test_a_bundled_server_computes_with_what_the_own_engine_does(dtype: str, tie: float) -> None:
    assert limit("llama.cpp", dtype) == limit("transformers", dtype) == tie


@pytest.mark.parametrize("kind", ["command", "url"])
def test_what_another_server_computes_with_nobody_knows(kind: str) -> None:
    assert limit(kind, "float32") == COARSE


def test_without_an_own_engine_the_widest_limit_holds() -> None:
    def crash() -> Spoken:
        raise EngineCrashed("loading", exit_code=-11)

    with served() as service:
        of_kind(service, "llama.cpp")
        service.spoken = crash
        assert tie_of(service) == COARSE


def test_finer_arithmetic_has_the_narrower_limit() -> None:
    assert FLOAT < HALF < COARSE
