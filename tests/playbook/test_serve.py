"""The block that says who serves the model."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_aprqa.core import Format, PlaybookError
from pytest_aprqa.playbook import Playbook, Serve, read_playbook

PLAYBOOK = """
name: served
version: "1.0.0"
model: {{hf_repo: acme/tiny}}
test_matrix: {{modalities: [serve]}}
{block}
"""


def read(folder: Path, block: str) -> Playbook:
    path = folder / "served.playbook.yaml"
    path.write_text(PLAYBOOK.format(block=block))
    return read_playbook(path, {}, strict=True)


def test_without_the_block_the_bundled_servers_serve(tmp_path: Path) -> None:
    assert read(tmp_path, "").declared.serve == Serve()


def test_a_command_and_its_deadline_are_read(tmp_path: Path) -> None:
    block = 'serve: {command: "vllm serve {model} --port {port}", ready_timeout_ms: 60000, formats: [safetensors]}'
    serve = read(tmp_path, block).declared.serve
    assert serve.command == "vllm serve {model} --port {port}"
    assert serve.ready_timeout_ms == 60_000
    assert serve.formats == (Format.SAFETENSORS,)


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ("serve: {url: 'ftp://localhost'}", "serve.url"),
        ("serve: {url: 'http://'}", "serve.url"),
        ("serve: {health: health}", "serve.health"),
        ("serve: {ready_timeout_ms: 0}", "serve.ready_timeout_ms"),
        ("serve: {comand: server}", "did you mean 'command'"),
        ("profile_ci: {assertions: {max_throughput_drop: 2}}", "max_throughput_drop"),
        ("profile_ci: {tokens: 1}", "profile_ci.tokens"),
    ],
)
def test_what_makes_no_sense_is_refused_where_it_stands(tmp_path: Path, block: str, words: str) -> None:
    with pytest.raises(PlaybookError, match=words) as caught:
        read(tmp_path, block)
    assert caught.value.line == 6


def test_speed_and_server_are_no_longer_reported_as_untested(tmp_path: Path) -> None:
    reports = read(tmp_path, "serve: {url: 'http://127.0.0.1:8000'}\nprofile_ci: {enabled: 'true'}").reports
    assert not [report for report in reports if "profile_ci" in report or "serve" in report]
