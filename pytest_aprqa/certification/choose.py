"""Which models of the registry a command line means. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

from pytest_aprqa.certification.errors import CertificationError

if TYPE_CHECKING:
    from pytest_aprqa.registry import Registry, Row


def choose(
    registry: Registry, names: Sequence[str], *, family: str | None = None, every: bool = False
) -> tuple[Row, ...]:
    """The rows that are meant, in the registry's order, each once.

    Args:
        registry: the known models.
        names: ids such as ``org/name``, in any case, or what stands after the slash where that is unambiguous.
        family: all models of a family, by its exact word.
        every: all models.

    Raises:
        CertificationError: nothing, or something unknown, is meant.
    """
    asked = [bool(names), family is not None, every]
    if sum(asked) != 1:
        raise CertificationError(
            "expected one of: names of models, --family NAME, --all; "
            f"found {'more than one of them' if any(asked) else 'none of them'}"
        )
    if not registry.rows:
        raise CertificationError(
            f"{registry.path}: expected models, found none; add rows, or name another file with --registry"
        )
    if every:
        return registry.rows
    if family is not None:
        return _of_family(registry, family)
    wanted = {_named(registry, name).model_id for name in names}
    return tuple(row for row in registry.rows if row.model_id in wanted)


def _of_family(registry: Registry, family: str) -> tuple[Row, ...]:
    rows = tuple(row for row in registry.rows if row.family == family)
    if rows:
        return rows
    families = sorted({row.family for row in registry.rows})
    raise CertificationError(
        f"{registry.path}: no model has the family {family[:80]!r}; {_hint(family, families)}"
        f"expected one of {', '.join(families[:60])}"
    )


def _named(registry: Registry, name: str) -> Row:
    low = name.lower()
    exact = [row for row in registry.rows if row.model_id.lower() == low]
    found = exact or [row for row in registry.rows if row.model_id.rpartition("/")[2].lower() == low]
    if len(found) == 1:
        return found[0]
    if found:
        several = ", ".join(row.model_id for row in found)
        raise CertificationError(f"{registry.path}: {name[:80]!r} may be any of {several}; write it with its owner")
    raise CertificationError(
        f"{registry.path}: no model has the id {name[:80]!r}; {_hint(name, [row.model_id for row in registry.rows])}"
        "`apr-qa list` names all; to test files that are not in the registry: apr-qa certify --hf DIR --gguf FILE"
    )


def _hint(word: str, known: Sequence[str]) -> str:
    """By the whole id first, then by what stands after the slash."""
    lower = {it.lower(): it for it in known} | {it.rpartition("/")[2].lower(): it for it in known}
    close = dict.fromkeys(lower[it] for it in get_close_matches(word.lower(), lower, n=3, cutoff=0.55))
    return f"did you mean {' or '.join(repr(it) for it in close)}? " if close else ""
