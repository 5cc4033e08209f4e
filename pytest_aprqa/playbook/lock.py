"""The lock of a folder of playbooks: digests of what they mean and of their bytes, so that no threshold moves unseen.

What a playbook means is everything in it that bears on the verdict, in one spelling: comments, the order of keys,
dialects, names and descriptions do not count. Of files and folders that a playbook names only the last part counts,
because where a model lies is a matter of the machine. Knows nothing of who asks, or of what follows from a difference.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from pytest_aprqa import __version__
from pytest_aprqa.core import Json, PlaybookError
from pytest_aprqa.playbook.catalog import playbook_files
from pytest_aprqa.playbook.lock_text import read_mapping
from pytest_aprqa.playbook.playbook import Playbook
from pytest_aprqa.playbook.read import read_playbook
from pytest_aprqa.playbook.source import MAX_BYTES, read_source

LOCK_NAME: Final = "playbook.lock.yaml"
"""What a folder's lock is called."""
LOCK_VERSION: Final = "1"
"""Of the file's layout and of the way in which digests are made."""
_HEAD: Final = "# Digests of playbooks, written by: apr-qa lock-playbooks\n"
_WITHOUT_BEARING: Final = frozenset({"name", "version", "description", "metadata", "kernel_profile"})
"""Fields that change no verdict; the tier, which stands in the metadata or in a name, counts by itself."""
_FIELD_DIGITS: Final = 12
"""Of the digests that only name a changed field; whether anything changed is told by whole ones."""
_FIELD_DEPTH: Final = 3
"""Deep enough for ``profile_ci.assertions.min_throughput``."""
_NO_DEFAULT: Final = re.compile(r"(?<!\$)\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class Locked:
    """What the lock holds of one playbook."""

    sha256: str
    """Of the bytes, 64 hex digits."""
    semantic_sha256: str
    """Of the meaning, 64 hex digits."""
    fields: Mapping[str, str]
    """Field that the playbook gives, such as ``test_matrix.seed``, to the first digits of its value's digest."""


@dataclass(frozen=True, slots=True)
class LockFile:
    """A lock, read or about to be written."""

    path: Path
    entries: Mapping[str, Locked]
    """By the playbook's path relative to the lock's folder, with ``/``."""
    tool: str = __version__
    """Version that wrote it."""
    unreadable: tuple[str, ...] = ()
    """Playbooks that could not be locked, one sentence each; a lock that was read has none."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which playbooks are not what their lock says."""

    playbook: str
    """Its key in the lock."""
    problem: str
    """Such as ``test_matrix.seed changed``."""
    matters: bool = True
    """False where the bytes differ and the meaning does not."""


def semantic_digest(playbook: Playbook) -> str:
    """SHA-256 of all that bears on the verdict, 64 hex digits.

    The playbook must be as it was read: what a command line changed in it changes the digest.
    """
    return _digest(_meaning(playbook))


def question_digest(playbook: Playbook) -> str:
    """As `semantic_digest`, whatever the model's files are called and wherever they lie: their own digests tell them.

    Two playbooks that were drafted for two files of one model ask the same.
    """
    meaning = _meaning(playbook)
    model = meaning["model"]
    assert isinstance(model, dict)
    files = model.get("files")
    formats: list[Json] = [*sorted(files)] if isinstance(files, dict) else []
    asked = {name: value for name, value in model.items() if name != "local_path"}
    return _digest({**meaning, "model": {**asked, "files": formats}})


def gather_lock(folder: Path, *, lock: Path, values: Mapping[str, str] | None = None) -> LockFile:
    """Reads every playbook below a folder and makes the lock that describes them, without writing it.

    Args:
        folder: where the playbooks are.
        lock: where the lock is to lie.
        values: what ``${NAME}`` stands for; one that has neither a value nor a default stays as it is written.

    Raises:
        PlaybookError: there is no such folder.
    """
    entries, unreadable = {}, []
    for path in playbook_files(folder):
        try:
            entries[_key(path, lock)] = _locked(_read(path, values or {}))
        except PlaybookError as error:
            unreadable.append(str(error))
    return LockFile(lock, dict(sorted(entries.items())), unreadable=tuple(unreadable))


def lock_playbooks(folder: Path, *, lock: Path, values: Mapping[str, str] | None = None) -> LockFile:
    """Writes the lock of a folder's playbooks; nothing is written while one of them is unreadable.

    Raises:
        PlaybookError: there is no such folder, or the lock cannot be written.
    """
    made = gather_lock(folder, lock=lock, values=values)
    if not made.unreadable:
        _write(made)
    return made


def render_lock(lock: LockFile) -> str:
    """The lock as its file holds it: sorted, without a time, so that equal playbooks give equal bytes."""
    entries = {
        key: {"sha256": one.sha256, "semantic_sha256": one.semantic_sha256, "fields": dict(one.fields)}
        for key, one in lock.entries.items()
    }
    content = {"lock_version": LOCK_VERSION, "tool": lock.tool, "entries": entries}
    return _HEAD + yaml.safe_dump(content, sort_keys=True, width=1000)


def read_lock(path: Path) -> LockFile:
    """Reads a lock.

    Raises:
        PlaybookError: there is none, or the file is no lock of this version.
    """
    content = read_mapping(read_source(path).text, path)
    version, entries, tool = content.get("lock_version"), content.get("entries"), content.get("tool", "")
    if version != LOCK_VERSION or not isinstance(entries, dict) or not isinstance(tool, str):
        raise _no_lock(path, "lock_version", LOCK_VERSION, version)
    return LockFile(path, {key: _entry(entry, key, path) for key, entry in sorted(entries.items())}, tool)


def verify(playbook: Playbook, lock: LockFile) -> tuple[str, ...]:
    """How a playbook differs from its lock, one phrase for each field that differs; none when it means the same.

    The playbook must be as it was read: what a command line changed in it counts as a difference.
    """
    key = _key(playbook.path, lock.path)
    locked = lock.entries.get(key)
    if locked is None:
        return (f"{key} is not in the lock",)
    return tuple(_changes(locked, _locked(playbook)))


def lock_problem(playbook: Playbook, lock_path: Path) -> str | None:
    """Why a playbook must not be run under a lock, as one sentence; None when it may."""
    try:
        differences = verify(playbook, read_lock(lock_path))
    except PlaybookError as error:
        return f"the lock cannot be used: {error}"
    if not differences:
        return None
    return (
        f"{playbook.path}: differs from {lock_path}: {', '.join(differences)}; "
        "if this is meant, lock it again with: apr-qa lock-playbooks"
    )


def compare_locks(recorded: LockFile, current: LockFile) -> tuple[Difference, ...]:
    """How a folder's playbooks differ from what was locked, by playbook."""
    found = []
    for key in sorted({*recorded.entries, *current.entries}):
        old, new = recorded.entries.get(key), current.entries.get(key)
        if old is None:
            found.append(Difference(key, "is not in the lock"))
        elif new is None:
            found.append(Difference(key, "is in the lock, but cannot be found or read"))
        elif changes := tuple(_changes(old, new)):
            found += [Difference(key, change) for change in changes]
        elif old.sha256 != new.sha256:
            found.append(Difference(key, "has other bytes and the same meaning", matters=False))
    return tuple(found)


def _changes(old: Locked, new: Locked) -> Iterator[str]:
    if old.semantic_sha256 == new.semantic_sha256:
        return
    named = False
    for field in sorted({*old.fields, *new.fields}):
        before, after = old.fields.get(field), new.fields.get(field)
        if before != after:
            named = True
            yield f"{field} {'was added' if before is None else 'was removed' if after is None else 'changed'}"
    if not named:
        yield "its digest is another, though every field has the digest that the lock gives it; the lock was edited"


def _meaning(playbook: Playbook) -> dict[str, Json]:
    """What bears on the verdict.

    Fields that the author did not write are left out instead of being filled in: some defaults depend on the machine
    or on other fields, and a default written down can mean more than one that is not.
    """
    declared: dict[str, Json] = playbook.declared.model_dump(mode="json", by_alias=True, exclude_unset=True)
    meaning = {name: value for name, value in declared.items() if name not in _WITHOUT_BEARING}
    meaning["tier"] = playbook.tier
    meaning["model"] = _without_places(meaning["model"])
    return meaning


def _without_places(model: Json) -> Json:
    """A model block whose files and folder have no path but their last part."""
    assert isinstance(model, dict)
    changed: dict[str, Json] = {}
    if isinstance(folder := model.get("local_path"), str):
        changed["local_path"] = Path(folder).name
    if isinstance(files := model.get("files"), dict):
        changed["files"] = {
            name: Path(file).name if isinstance(file, str) else file for name, file in sorted(files.items())
        }
    return {**model, **changed}


def _locked(playbook: Playbook) -> Locked:
    meaning = _meaning(playbook)
    fields = {name: _digest(value)[:_FIELD_DIGITS] for name, value in _fields(meaning)}
    return Locked(playbook.sha256, _digest(meaning), dict(sorted(fields.items())))


def _fields(block: Mapping[str, Json], above: str = "", depth: int = 1) -> Iterator[tuple[str, Json]]:
    """Every field by its dotted name, those of a block one by one."""
    for name, value in block.items():
        if isinstance(value, dict) and value and depth < _FIELD_DEPTH:
            yield from _fields(value, f"{above}{name}.", depth + 1)
        else:
            yield above + name, value


def _digest(value: Json) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _read(path: Path, values: Mapping[str, str]) -> Playbook:
    kept = {name: f"${{{name}}}" for name in _NO_DEFAULT.findall(read_source(path).text)}
    return read_playbook(path, {**kept, **values})


def _key(path: Path, lock: Path) -> str:
    # The folders are resolved and the file is not: a link is the playbook that it is called.
    place = path.absolute().parent.resolve() / path.name
    key = Path(os.path.relpath(place, lock.absolute().parent.resolve())).as_posix()
    try:
        key.encode()
    except UnicodeEncodeError as error:
        raise PlaybookError("the file's name is not UTF-8", path=repr(key)) from error
    return key


def _write(lock: LockFile) -> None:
    content = render_lock(lock).encode()
    if len(content) > MAX_BYTES:
        raise PlaybookError(
            f"the lock of {len(lock.entries)} playbooks would have {len(content)} bytes",
            path=lock.path,
            expected=f"at most {MAX_BYTES}",
            hint="give each of its subfolders a lock of its own",
        )
    part = lock.path.with_name(f".{lock.path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        part.replace(lock.path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise PlaybookError(f"the lock cannot be written: {error.strerror}", path=lock.path) from error


def _entry(entry: object, key: str, path: Path) -> Locked:
    if not isinstance(entry, dict):
        raise _no_lock(path, f"entries.{key}", "a mapping", entry)
    fields = entry.get("fields", {})
    if not isinstance(fields, dict) or not all(isinstance(one, str) for one in fields.values()):
        raise _no_lock(path, f"entries.{key}.fields", "a mapping of fields to digests", fields)
    sha256, semantic = (_whole_digest(entry, name, key, path) for name in ("sha256", "semantic_sha256"))
    return Locked(sha256, semantic, fields)


def _whole_digest(entry: Mapping[str, object], name: str, key: str, path: Path) -> str:
    digest = entry.get(name)
    if not isinstance(digest, str) or not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise _no_lock(path, f"entries.{key}.{name}", "64 hex digits", digest)
    return digest


def _no_lock(path: Path, field: str, expected: str, found: object) -> PlaybookError:
    return PlaybookError(
        "this is no lock file that can be used",
        path=path,
        field=field[:200],
        expected=expected,
        found="nothing" if found is None else f"{found!r:.60}",
        hint="write it anew with: apr-qa lock-playbooks",
    )
