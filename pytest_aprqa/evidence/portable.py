"""Evidence as it may leave the machine: no absolute path of the run, of the weights or of a home folder is left in it.

What lies below the working folder is named from there; everything else by its own name behind ``…/``, and its digest
says which file it was. Prompts, answers and names of cases stay as they are. Pure: no path is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import PurePosixPath
from posixpath import normpath
from typing import Final

from pydantic import JsonValue

from pytest_aprqa.evidence.evidence import Evidence, PlaybookInfo, RunInfo, WeightsInfo
from pytest_aprqa.evidence.record import Record

_HOME: Final = r"/(?:root|(?:home|Users)/[^/\s'\"`,;:)\]}>|]+)"
_ABOVE_HOMES: Final = ("/", "/home", "/Users")
"""As a working folder none of these shortens anything: what lies below them may be somebody's home."""
_TEMPORARY: Final = "/tmp"  # noqa: S108 - a name that is looked for, not written to
_REST: Final = r"(?![\w-]|\.\w)(?:/[^\s'\"`,;:)\]}>|]*)?"
"""What may follow a known folder; a longer name that merely begins like it is another one."""


def portable(evidence: Evidence) -> Evidence:
    """The evidence with every known absolute path shortened; the score that it gives is the same."""
    shorten = _shortener(evidence)
    return evidence.model_copy(
        update={
            "run": _run(evidence.run, shorten),
            "playbook": _playbook(evidence.playbook, shorten),
            "weights": tuple(_weights(one, shorten) for one in evidence.weights),
            "records": tuple(_record(one, shorten) for one in evidence.records),
        }
    )


def portable_playbook(evidence: Evidence) -> str:
    """The playbook's file as it may leave the machine, such as ``playbooks/a.playbook.yaml``."""
    return _shortener(evidence)(evidence.playbook.path)


def _shortener(evidence: Evidence) -> Callable[[str], str]:
    folder = _folder(evidence)
    roots = sorted({root for root in _roots(evidence, folder) if root.strip("/")}, key=len, reverse=True)
    known = re.compile(f"(?<![\\w.~-])(?:{'|'.join((*map(re.escape, roots), _HOME, _TEMPORARY))}){_REST}")
    weights = [PurePosixPath(normpath(one.folder)) for one in evidence.weights if one.folder.startswith("/")]

    def shorten(found: re.Match[str]) -> str:
        return _named(PurePosixPath(normpath(found[0])), folder, weights)

    return lambda text: known.sub(shorten, text) if "/" in text else text


def _named(path: PurePosixPath, folder: str, weights: Sequence[PurePosixPath]) -> str:
    if folder and path.is_relative_to(folder):
        return path.relative_to(folder).as_posix()
    if re.fullmatch(_HOME, str(path)):
        return "~"
    holder = next((one for one in weights if path != one and path.is_relative_to(one)), None)
    return f"…/{path.name if holder is None else path.relative_to(holder.parent)}"


def _roots(evidence: Evidence, folder: str) -> Iterator[str]:
    """Every absolute path that the evidence itself names, and the folder of its playbook."""
    words = [word.rpartition("=")[2] for word in evidence.run.command]
    options = [value for value in evidence.run.options.values() if isinstance(value, str)]
    places = [evidence.playbook.path, *(one.folder for one in evidence.weights), *words, *options, folder]
    for place in places:
        if place.startswith("/"):
            yield place.partition("::")[0].rstrip("/")
    if evidence.playbook.path.startswith("/"):
        yield str(PurePosixPath(evidence.playbook.path).parent)


def _folder(evidence: Evidence) -> str:
    """The working folder; where the evidence does not say, what the command line leaves of the playbook's path."""
    if evidence.run.folder:
        return "" if evidence.run.folder in _ABOVE_HOMES else evidence.run.folder
    for word in evidence.run.command:
        typed = word.partition("::")[0].removeprefix("./")
        if typed and not typed.startswith("/") and evidence.playbook.path.endswith(f"/{typed}"):
            return evidence.playbook.path[: -len(typed) - 1]
    return ""


def _run(run: RunInfo, shorten: Callable[[str], str]) -> RunInfo:
    return run.model_copy(
        update={
            "folder": "",
            "command": tuple(map(shorten, run.command)),
            "selection_reason": shorten(run.selection_reason),
            "options": {name: _value(value, shorten) for name, value in run.options.items()},
        }
    )


def _playbook(playbook: PlaybookInfo, shorten: Callable[[str], str]) -> PlaybookInfo:
    return playbook.model_copy(
        update={"path": shorten(playbook.path), "warnings": tuple(map(shorten, playbook.warnings))}
    )


def _weights(weights: WeightsInfo, shorten: Callable[[str], str]) -> WeightsInfo:
    texts = ("folder", "source", "signature")
    return weights.model_copy(update={name: shorten(getattr(weights, name)) for name in texts})


def _record(record: Record, shorten: Callable[[str], str]) -> Record:
    changed: dict[str, object] = {"reason": shorten(record.reason)}
    if record.outcome.failed:  # of the others nothing but the reason is told
        changed["stderr_tail"] = shorten(record.stderr_tail)
        changed["notes"] = tuple(map(shorten, record.notes))
        changed["details"] = {name: _value(value, shorten) for name, value in record.details.items()}
    return record.model_copy(update=changed)


def _value(value: JsonValue, shorten: Callable[[str], str]) -> JsonValue:
    if isinstance(value, str):
        return shorten(value)
    if isinstance(value, list):
        return [_value(one, shorten) for one in value]
    if isinstance(value, dict):
        return {name: _value(one, shorten) for name, one in value.items()}
    return value
