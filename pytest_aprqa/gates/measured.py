"""Properties that are measured once: the value is remembered, and so is the error where there was none.

An engine that crashed on a question is not asked it again by the next gate.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar, cast, overload

from pytest_aprqa.core import AprqaError

T = TypeVar("T")


class Unjudgeable(Exception):
    """Nothing can be said of the artefact, through no fault of its own; the message is the verdict's reason."""


class Remembering(Protocol):
    """Something with measured properties."""

    @property
    def memory(self) -> dict[str, object]:
        """Values and errors, by the property's name."""
        ...


class measured(Generic[T]):
    """A read-only property that is computed on first use and remembered in its holder's `memory`."""

    def __init__(self, measure: Callable[[Any], T]) -> None:
        self._measure = measure
        self._name = measure.__name__
        self.__doc__ = measure.__doc__

    @overload
    def __get__(self, holder: None, owner: type) -> measured[T]: ...

    @overload
    def __get__(self, holder: Remembering, owner: type) -> T: ...

    def __get__(self, holder: Remembering | None, owner: type) -> measured[T] | T:
        if holder is None:
            return self
        return once(holder.memory, self._name, lambda: self._measure(holder))


def once(memory: dict[str, object], name: str, measure: Callable[[], T]) -> T:
    """The remembered value under a name; measures it if there is none, and raises a remembered error again."""
    if name not in memory:
        try:
            memory[name] = measure()
        except (AprqaError, Unjudgeable) as exc:
            memory[name] = exc
    value = memory[name]
    if isinstance(value, (AprqaError, Unjudgeable)):
        raise value
    return cast("T", value)
