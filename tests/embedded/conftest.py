"""The embedded model, loaded once."""

from __future__ import annotations

import warnings

import pytest

from pytest_aprqa.embedded import folder
from pytest_aprqa.embedded.ask import Loaded, load


@pytest.fixture(scope="session")
def tiny() -> Loaded:
    pytest.importorskip("torch", reason="needs pip install pytest-aprqa[transformers]")
    pytest.importorskip("transformers", reason="needs pip install pytest-aprqa[transformers]")
    with warnings.catch_warnings():
        # Whatever other libraries deprecate while they are imported says nothing about this model.
        warnings.simplefilter("ignore")
        return load(folder())
