"""Which packages, engines and servers this environment has, by their metadata alone: nothing heavy is imported."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Final

from pytest_aprqa.core import Format, Json

_PACKAGE: Final = "pytest-aprqa"
_REQUIREMENT: Final = re.compile(
    r"(?P<name>[A-Za-z0-9._-]+)\s*(\[[^\]]*\])?[^;]*?(?:;.*extra\s*==\s*['\"](?P<extra>[\w-]+)['\"].*)?\s*$"
)

EXTRAS: Final[Mapping[str, tuple[str, ...]]] = {
    "transformers": ("torch", "transformers", "accelerate"),
    "llamacpp": ("xllamacpp", "cyllama"),
    "serve": ("fastapi", "uvicorn", "openai"),
    "xdist": ("pytest-xdist",),
    "html": ("pytest-html",),
    "code": ("tree-sitter",),
}
"""Extra → distributions that tell whether it is installed, for a checkout whose metadata does not say."""


@dataclass(frozen=True, slots=True)
class Installed:
    """One extra of the package."""

    extra: str
    versions: Mapping[str, str | None]
    """Distribution → version; None for one that is not installed."""

    @property
    def complete(self) -> bool:
        """True when nothing is missing."""
        return None not in self.versions.values()

    @property
    def install(self) -> str:
        """The command that installs it."""
        return f"pip install '{_PACKAGE}[{self.extra}]'"

    def to_json(self) -> dict[str, Json]:
        """Plain JSON."""
        return {"installed": self.complete, "versions": dict(self.versions), "install": self.install}


@dataclass(frozen=True, slots=True)
class Runner:
    """An engine, or a server, and whether it can be started."""

    name: str
    formats: tuple[Format, ...]
    missing: tuple[str, ...]
    """Modules that cannot be imported."""
    install: str
    """The command that installs them."""

    @property
    def ready(self) -> bool:
        """True when it can be started."""
        return not self.missing

    @property
    def reason(self) -> str:
        """Why it cannot; empty when it can."""
        return f"{' and '.join(self.missing)} cannot be imported; {self.install}" if self.missing else ""

    def to_json(self) -> dict[str, Json]:
        """Plain JSON."""
        return {
            "name": self.name,
            "formats": [str(it) for it in self.formats],
            "ready": self.ready,
            "missing": list(self.missing),
            "install": None if self.ready else self.install,
        }


_ENGINES: Final = (
    ("transformers", (Format.SAFETENSORS,), ("torch", "transformers"), "transformers"),
    ("apr", (Format.APR,), ("torch", "transformers"), "transformers"),
    ("llama_cpp", (Format.GGUF,), ("xllamacpp", "cyllama"), "llamacpp"),
)
_SERVERS: Final = (
    ("transformers serve", (Format.SAFETENSORS, Format.APR), ("transformers", "fastapi", "uvicorn", "openai"), "serve"),
    ("llama.cpp server", (Format.GGUF,), ("xllamacpp",), "llamacpp"),
)


def extras() -> tuple[Installed, ...]:
    """Every extra, with the versions of what it brings."""
    return tuple(Installed(extra, {name: version_of(name) for name in names}) for extra, names in _declared().items())


def engines() -> tuple[Runner, ...]:
    """The engines that come with this package."""
    return tuple(_runner(*row) for row in _ENGINES)


def servers() -> tuple[Runner, ...]:
    """The servers that are started for a target."""
    return tuple(_runner(*row) for row in _SERVERS)


def version_of(distribution: str) -> str | None:
    """The installed version; None where it is not installed."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _runner(name: str, formats: tuple[Format, ...], modules: tuple[str, ...], extra: str) -> Runner:
    missing = tuple(module for module in modules if not _importable(module))
    return Runner(name, formats, missing, f"pip install '{_PACKAGE}[{extra}]'")


def _importable(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def _declared() -> Mapping[str, tuple[str, ...]]:
    """What the installed package's metadata says of its extras; the table above where it says nothing."""
    try:
        lines = requires(_PACKAGE) or []
    except PackageNotFoundError:
        return EXTRAS
    found: dict[str, list[str]] = {}
    for line in lines:
        match = _REQUIREMENT.match(line)
        if match and match["extra"] and match["extra"] != "all":
            found.setdefault(match["extra"], []).append(match["name"])
    # `transformers[serving]` is declared by the name of transformers alone, which says nothing of what it adds.
    return {**EXTRAS, **{extra: tuple(dict.fromkeys(names)) for extra, names in found.items() if extra != "serve"}}
