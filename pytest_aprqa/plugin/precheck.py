"""What is wrong with the options and can be known before anything is collected."""

from __future__ import annotations

import difflib

import pytest

from pytest_aprqa.core import PlaybookError
from pytest_aprqa.engines import engine_names
from pytest_aprqa.playbook import read_lock
from pytest_aprqa.plugin.baseline import read_baseline
from pytest_aprqa.plugin.options import Options
from pytest_aprqa.plugin.resume import read_resumable


def check_options(options: Options) -> None:
    """Refuses an engine or a report that does not exist, a journal, a baseline or a lock that cannot be read.

    Raises:
        pytest.UsageError: says which option, what was expected and what was found.
    """
    known = engine_names()
    if options.engine is not None and options.engine not in known:
        close = difflib.get_close_matches(options.engine, known, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise pytest.UsageError(
            f"--aprqa-engine: expected one of {', '.join(known)}; found {options.engine!r}{hint}"
            " (a package adds one by an entry point of the group 'pytest_aprqa.engines')"
        )
    read_resumable(options.resume)
    read_baseline(options.baseline)
    if options.lock is not None:
        try:
            read_lock(options.lock)
        except PlaybookError as problem:
            raise pytest.UsageError(f"--aprqa-lock: {problem}") from None
    if options.report is not None:
        from pytest_aprqa.plugin.after import forms_of

        forms_of(options.report)
