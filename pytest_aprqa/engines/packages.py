"""Says which Python packages an engine lacks, before anything heavy is imported or started."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

from pytest_aprqa.core import EngineUnavailable


def require_packages(engine: str, packages: Sequence[str], *, install: str) -> None:
    """Raises `EngineUnavailable` that names those of `packages` which cannot be imported.

    >>> require_packages("transformers", ["json"], install="pip install torch")
    """
    if missing := [package for package in packages if importlib.util.find_spec(package) is None]:
        raise EngineUnavailable(engine, f"{' and '.join(missing)} cannot be imported", install=install)
