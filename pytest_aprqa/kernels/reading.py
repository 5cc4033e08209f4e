"""Keys of a config.json under their many names, each value with the words that say where it stands.

Values are of unknown origin: one of the wrong type counts as not given. Knows nothing of what a key means.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from pytest_aprqa.core import Json

_T = TypeVar("_T")
_LARGEST: Final = 1 << 40
"""Above any size that a model has; a larger number is no size."""
_SHOWN: Final = 60


@dataclass(frozen=True, slots=True)
class Stated(Generic[_T]):
    """A value, and the fact that it stands on."""

    value: _T
    fact: str
    """Key and value as the configuration has them, such as ``num_key_value_heads 2``."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A configuration, and behind it the defaults of whoever reads it."""

    config: Mapping[str, Json]
    defaults: Mapping[str, Json] = field(default_factory=dict)
    """Asked where the configuration does not have the key at all; a null there says no less than a value."""
    defaults_from: str = ""
    """Whose defaults those are."""
    whole_file: bool = True
    """False for an extract, whose absent keys say nothing."""

    @property
    def model_type(self) -> str:
        """``model_type``; empty where there is none."""
        value = self.config.get("model_type")
        return value if isinstance(value, str) else ""

    def any(self, *names: str) -> Stated[Json] | None:
        """The first of several keys that has a value."""
        for name in names:
            if (value := self.config.get(name)) is not None:
                return Stated(value, _said(name, value))
        if not any(name in self.config for name in names):
            for name in names:
                if (value := self.defaults.get(name)) is not None:
                    return Stated(value, f"{_said(name, value)} ({self.defaults_from})")
        return None

    def whole(self, *names: str) -> Stated[int] | None:
        """The first of several keys, where it is a natural number above 0."""
        found = self.any(*names)
        if found is None or isinstance(found.value, bool) or not isinstance(found.value, int):
            return None
        return Stated(found.value, found.fact) if 0 < found.value < _LARGEST else None

    def number(self, *names: str) -> Stated[float] | None:
        """The first of several keys, where it is a number."""
        found = self.any(*names)
        if found is None or isinstance(found.value, bool) or not isinstance(found.value, int | float):
            return None
        return Stated(float(found.value), found.fact) if abs(found.value) < _LARGEST else None

    def switch(self, *names: str) -> Stated[bool] | None:
        """The first of several keys, where it is true or false."""
        found = self.any(*names)
        return Stated(found.value, found.fact) if found and isinstance(found.value, bool) else None

    def word(self, *names: str) -> Stated[str] | None:
        """The first of several keys, where it is a text."""
        found = self.any(*names)
        return Stated(found.value, found.fact) if found and isinstance(found.value, str) else None

    def block(self, *names: str) -> Mapping[str, Json]:
        """The first of several keys, where it is a mapping; else an empty one."""
        found = self.any(*names)
        return found.value if found and isinstance(found.value, dict) else {}

    def words(self, *names: str) -> tuple[str, ...]:
        """The texts of the first of several keys that is a list."""
        found = self.any(*names)
        items = found.value if found and isinstance(found.value, list) else []
        return tuple(item for item in items if isinstance(item, str))


def language_part(config: Mapping[str, Json]) -> Mapping[str, Json]:
    """What describes the language model: models that also see or hear keep it under ``text_config``."""
    nested = config.get("text_config")
    if not isinstance(nested, dict):
        return config
    inherited = {key: value for key, value in config.items() if key in ("architectures", "quantization_config")}
    return {**inherited, "model_type": config.get("model_type"), **nested}


def _said(name: str, value: Json) -> str:
    shown = {True: "true", False: "false"}.get(value, "") if isinstance(value, bool) else ""
    text = shown or (value if isinstance(value, str) else repr(value))
    plain = "".join(character if character.isprintable() else "?" for character in text[: _SHOWN + 1])
    return f"{name} {plain[:_SHOWN]}{'...' if len(text) > _SHOWN else ''}"
