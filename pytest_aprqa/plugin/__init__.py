"""The pytest plugin: options, hooks that each make one call, and the fixtures of playbook items.

Imported by every pytest run of the environment, so it imports pytest and the standard library only; everything else is
imported when the first playbook is met.
"""

from __future__ import annotations

import pytest

from pytest_aprqa.plugin.fixtures import able, aprqa_trial, ask, awake, case, engine, enter, examine, served, weights
from pytest_aprqa.plugin.hooks import Hooks
from pytest_aprqa.plugin.options import add_options

__all__ = ["able", "aprqa_trial", "ask", "awake", "case", "engine", "enter", "examine", "served", "weights"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """https://docs.pytest.org/en/stable/reference/reference.html#pytest.hookspec.pytest_addoption."""
    add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Before pytest's own JUnit plugin, whose path may be set here."""
    config.pluginmanager.register(Hooks(config), "aprqa-hooks")
