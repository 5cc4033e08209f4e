"""An OpenSSF model signature beside the weights: are the files that were tested those that were signed?

The file is a Sigstore bundle: a DSSE envelope around an in-toto statement, which lists the model's files with their
digests, either as the resources of its predicate (model-signing 1.0) or as its subjects (before). Only the digests are
compared here. Who signed, and whether the signature itself holds, is not known: `verify_command` tells that.

Format: https://github.com/ossf/model-signing-spec
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_aprqa.core import ArtefactError, Json
from pytest_aprqa.formats import read_json
from pytest_aprqa.formats.bounded_json import parse_object

SIGNATURE_NAME: Final = "model.sig"
"""What the signature of a folder is called."""
MATCHES: Final = "matches"
"""Every file that was tested was signed, with these bytes."""

_MAX_BYTES: Final = 8 << 20
"""A file takes some 130 bytes; no model has 30,000 files."""
_MAX_VALUES: Final = 500_000
_PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
_STATEMENT: Final = "https://in-toto.io/Statement/v1"
_RESOURCES: Final = "https://model_signing/signature/v1.0"
_SUBJECTS: Final = "https://model_signing/Digests/v0.1"
_SHA256: Final = "sha256"


@dataclass(frozen=True, slots=True)
class _Signed:
    """One file, or a part of one, that the statement lists."""

    name: str
    """Path relative to the model's folder."""
    algorithm: str
    digest: str
    """In lower case."""


class _Unusable(Exception):
    """The bundle is not what it should be; the message says in which way."""


def compare_signature(folder: Path, digests: Mapping[str, str]) -> str:
    """What a folder's signature says of files that were tested.

    Args:
        folder: holds the files, and the signature if there is one.
        digests: name of each file that was tested, in `folder` itself, to its SHA-256.

    Returns:
        ``""`` where there is no signature, ``matches``, ``differs: FILE, …``, or ``unverified: …`` with the reason.
    """
    path = folder / SIGNATURE_NAME
    if not path.is_file():
        return ""
    try:
        return _compared(_signed_files(path), digests)
    except (_Unusable, ArtefactError) as exc:
        # What stands in the bundle may be any text; the evidence is UTF-8.
        return f"unverified: {exc}".encode("ascii", "backslashreplace").decode()


def verify_command(folder: Path) -> str:
    """The command that tells who signed a folder, which is not known here; for a signature made with a key.

    >>> verify_command(Path("/models/tiny"))
    'model_signing verify key --signature /models/tiny/model.sig --public_key KEY.pub /models/tiny'
    """
    signature = shlex.quote(str(folder / SIGNATURE_NAME))
    return f"model_signing verify key --signature {signature} --public_key KEY.pub {shlex.quote(str(folder))}"


def _compared(signed: tuple[_Signed, ...], digests: Mapping[str, str]) -> str:
    # A part of a file is named FILE:FROM:TO.
    ours = [one for one in signed if one.name in digests or one.name.rsplit(":", 2)[0] in digests]
    if not ours:
        return "unverified: covers none of the tested files"
    if any(one.name not in digests for one in ours):
        return "unverified: the files are signed in parts, and known here as a whole"
    if others := sorted({one.algorithm for one in ours} - {_SHA256}):
        return f"unverified: the files are signed by {', '.join(others)[:80]}, and known here by sha256"
    known: dict[str, str] = {}
    for one in ours:
        if known.setdefault(one.name, one.digest) != one.digest:
            return f"unverified: {one.name} is listed twice, with two digests"
    if differing := sorted(name for name in known if known[name] != digests[name].lower()):
        return f"differs: {', '.join(differing)}"
    if unsigned := sorted(digests.keys() - known):
        return f"unverified: does not cover {', '.join(unsigned)}"
    return MATCHES


def _signed_files(path: Path) -> tuple[_Signed, ...]:
    statement = parse_object(_payload(read_json(path, max_bytes=_MAX_BYTES)), path=path, max_values=_MAX_VALUES)
    if statement.get("_type") != _STATEMENT:
        raise _Unusable(f"the signed statement is no {_STATEMENT}")
    match statement.get("predicateType"):
        case str(kind) if kind == _RESOURCES:
            return _of_resources(statement)
        case str(kind) if kind == _SUBJECTS:
            return tuple(_of_subjects(statement))
        case kind:
            raise _Unusable(f"the statement's predicate is {kind!r:.80}, expected {_RESOURCES}")


def _payload(bundle: Mapping[str, Json]) -> bytes:
    """The statement's bytes, out of the envelope."""
    envelope = _mapping(bundle.get("dsseEnvelope"), "the bundle has no DSSE envelope")
    if envelope.get("payloadType") != _PAYLOAD_TYPE:
        raise _Unusable(f"the envelope's payload is no {_PAYLOAD_TYPE}")
    if not envelope.get("signatures"):
        raise _Unusable("the envelope holds no signature")
    payload = envelope.get("payload")
    if not isinstance(payload, str):
        raise _Unusable("the envelope has no payload")
    try:
        return base64.b64decode(payload, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise _Unusable(f"the envelope's payload is not base64: {exc}") from exc


def _of_resources(statement: Mapping[str, Json]) -> tuple[_Signed, ...]:
    """The files that the predicate lists, whose digests the one subject sums up."""
    predicate = _mapping(statement.get("predicate"), "the statement has no predicate")
    signed = []
    for resource in _list(predicate.get("resources"), "the predicate lists no resources"):
        entry = _mapping(resource, "a resource is no object")
        signed.append(_Signed(_text(entry, "name"), _text(entry, "algorithm"), _digest(entry.get("digest"))))
    subjects = _list(statement.get("subject"), "the statement has no subject")
    whole = hashlib.sha256(b"".join(bytes.fromhex(one.digest) for one in signed)).hexdigest()
    if len(subjects) != 1 or _sha256_of(subjects[0]) != whole:
        raise _Unusable("the statement contradicts itself: its subject is not the digest of its resources")
    return tuple(signed)


def _of_subjects(statement: Mapping[str, Json]) -> Iterator[_Signed]:
    for subject in _list(statement.get("subject"), "the statement has no subject"):
        yield _Signed(_text(_mapping(subject, "a subject is no object"), "name"), _SHA256, _sha256_of(subject))


def _sha256_of(subject: Json) -> str:
    digest = _mapping(_mapping(subject, "a subject is no object").get("digest"), "a subject has no digest")
    return _digest(digest.get(_SHA256))


def _mapping(value: Json, problem: str) -> Mapping[str, Json]:
    if not isinstance(value, dict):
        raise _Unusable(problem)
    return value


def _list(value: Json, problem: str) -> list[Json]:
    if not isinstance(value, list) or not value:
        raise _Unusable(problem)
    return value


def _text(entry: Mapping[str, Json], name: str) -> str:
    value = entry.get(name)
    if not isinstance(value, str) or not value:
        raise _Unusable(f"a file has no {name}")
    return value


def _digest(value: Json) -> str:
    if isinstance(value, str):
        try:
            return bytes.fromhex(value).hex()
        except ValueError:
            pass
    raise _Unusable(f"{value!r:.40} is no digest")
