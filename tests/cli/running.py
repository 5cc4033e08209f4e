"""Runs the command: in this process, which is quick, or in one of its own, as its users do."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from unittest import mock

import pytest

from pytest_aprqa.cli import main


@dataclass(frozen=True, slots=True)
class Done:
    """What a command left behind."""

    returncode: int
    stdout: str
    stderr: str


def apr_qa(*words: object, encoding: str = "utf-8", **environment: str) -> Done:
    """Runs the command here with these words and these additional variables; an error of ours passes through."""
    written, complained = io.BytesIO(), io.BytesIO()
    out, err = (io.TextIOWrapper(raw, encoding=encoding, newline="\n") for raw in (written, complained))
    with mock.patch.dict(os.environ, environment), redirect_stdout(out), redirect_stderr(err):
        with pytest.raises(SystemExit) as exited:
            main([str(word) for word in words])
        out.flush()
        err.flush()
    return Done(
        int(exited.value.code or 0), written.getvalue().decode(encoding), complained.getvalue().decode(encoding)
    )


def apr_qa_process(*words: object) -> Done:
    """Runs ``python -m pytest_aprqa.cli`` with these words."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest_aprqa.cli", *map(str, words)],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        timeout=60,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)
