from __future__ import annotations

import io
import json
from contextlib import redirect_stdout

import pytest

from pytest_aprqa.cli.say import say_json


@pytest.mark.parametrize(
    "text", ["plain", "é 東京", "\x7f", "\x9b31m", "\u202eabc", "\ud800", "\U0001f600", "a\x1bb\n"]
)
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_json_stays_json_and_shows_a_terminal_nothing_that_it_obeys(text: str, encoding: str) -> None:
    written = io.BytesIO()
    out = io.TextIOWrapper(written, encoding=encoding)
    with redirect_stdout(out):
        say_json({"text": text})
    out.flush()
    told = written.getvalue().decode(encoding)
    assert json.loads(told) == {"text": text}
    assert told.replace("\n", "").isprintable()


def test_json_of_printable_letters_keeps_them(capsys: pytest.CaptureFixture[str]) -> None:
    say_json({"text": "東京"})
    assert "東京" in capsys.readouterr().out
