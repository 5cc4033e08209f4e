"""The user's command line: how it is split and filled in, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_aprqa.core import Backend, EngineRefused, Format, Target, Weights
from pytest_aprqa.engines import Limits
from pytest_aprqa.serving.command import command_launch, words_of
from pytest_aprqa.serving.server import ServeWish
from tests.serving.opened import TARGET

WEIGHTS = Weights(folder=Path("/models/a b; {port}"), files=(Path("/models/a b; {port}/m.gguf"),), source="test")


def line(command: str, *, target: Target = TARGET, url: str | None = None) -> tuple[str, ...]:
    launch = command_launch(target, WEIGHTS, Limits(threads=3), ServeWish(command=command, url=url))
    return launch.command(8123)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("env -p {port} -t {threads}", ("env", "-p", "8123", "-t", "3")),
        ("env --at={host}:{port}", ("env", "--at=127.0.0.1:8123")),
        ('env {port} \'{"a": {"b": 1}}\'', ("env", "8123", '{"a": {"b": 1}}')),
        ("env {port} '$(touch x)' '|' ';'", ("env", "8123", "$(touch x)", "|", ";")),
        ("env {port} {{model}}", ("env", "8123", "{model}")),
        ("env {port} {}", ("env", "8123", "{}")),
    ],
)
def test_words_are_filled_in(command: str, expected: tuple[str, ...]) -> None:
    assert line(command) == expected


def test_a_model_path_stays_one_word_whatever_it_contains() -> None:
    assert line("env {port} {model}") == ("env", "8123", "/models/a b; {port}")


def test_the_model_of_a_gguf_target_is_its_file() -> None:
    target = Target("org/model", Format.GGUF, None, Backend.CPU)
    assert line("env {port} {model}", target=target)[-1].endswith("/m.gguf")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("env 'x", "No closing quotation"),
        ("env {port} {modell} {prot}", r"unknown placeholders: \{modell\}, \{prot\}; known are \{model\}, \{port\}"),
        ("env {port} {0}", r"\{0\}"),
        ("env 8000", r"does not say \{port\}"),
        ("env {{port}}", r"does not say \{port\}"),
        ("no-such-program-at-all {port}", "no program .*'no-such-program-at-all'"),
    ],
)
def test_a_command_line_that_makes_no_sense_is_refused(command: str, said: str) -> None:
    with pytest.raises(EngineRefused, match=said):
        line(command)


def test_with_a_url_no_port_is_needed() -> None:
    assert line("env 8000", url="http://127.0.0.1:8000") == ("env", "8000")


def test_words_keep_their_placeholders_until_they_are_filled() -> None:
    assert words_of("a '{port} b'") == ("a", "{port} b")
