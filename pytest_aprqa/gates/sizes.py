"""The numbers of a model, as config.json gives them under its many names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from pytest_aprqa.core import Json
from pytest_aprqa.kernels import KEYS


@dataclass(frozen=True, slots=True)
class Sizes:
    """What config.json says; None where it says nothing."""

    hidden: int | None
    layers: int | None
    heads: int | None
    kv_heads: int | None
    """As many as heads where it is not given."""
    head: int | None
    """Width of one head: hidden / heads where it is not given."""
    inner: int | None
    """Width of the feed-forward layer."""
    vocab: int | None

    def axis(self, word: str) -> int | None:
        """The length of an axis of a weight, by the words of `architecture`."""
        query, key = _product(self.heads, self.head), _product(self.kv_heads, self.head)
        lengths = {
            "hidden": self.hidden,
            "inner": self.inner,
            "twice_inner": _product(2, self.inner),
            "vocab": self.vocab,
            "head": self.head,
            "query": query,
            "key": key,
            "query_key_value": None if query is None or key is None else query + 2 * key,
        }
        return lengths[word]

    def named(self, word: str) -> int | None:
        """A size by its own name, as `EXPECTED` of the kernels has it."""
        value: int | None = getattr(self, word)
        return value


def sizes_of(config: Mapping[str, Json]) -> Sizes:
    """Reads the sizes; a number that is no positive integer counts as not given."""
    given = {each.name: _first(config, KEYS[each.name]) for each in fields(Sizes)}
    hidden, heads = given["hidden"], given["heads"]
    if given["head"] is None and hidden is not None and heads is not None:
        given["head"] = hidden // heads
    if given["kv_heads"] is None:
        given["kv_heads"] = heads
    return Sizes(**given)


def language_config(config: Mapping[str, Json]) -> Mapping[str, Json]:
    """The part that describes the language model: multimodal models keep it under ``text_config``."""
    nested = config.get("text_config")
    if not isinstance(nested, dict):
        return config
    # The class that is named outside is that of the whole, not of the language model.
    return {**config, "architectures": None, **nested}


def written_name(config: Mapping[str, Json], word: str) -> str:
    """The key under which config.json has a size, or its usual name."""
    return next((name for name in KEYS[word] if name in config), KEYS[word][0])


def _first(config: Mapping[str, Json], names: tuple[str, ...]) -> int | None:
    for name in names:
        value = config.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    return None


def _product(a: int | None, b: int | None) -> int | None:
    return None if a is None or b is None else a * b
