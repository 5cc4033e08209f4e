"""Bundles are laid out as model-signing 1.1.1 writes them, and as versions before 1.0 did."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_aprqa.weights import compare_signature, verify_command

FILES = {"config.json": b"{}\n", "model.safetensors": b"weights", "sub/a.txt": b"x\n"}
SHA256 = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}
TESTED = {name: SHA256[name] for name in ("config.json", "model.safetensors")}
# As signed by model-signing 1.1.1 for exactly these files.
ROOT = "c270579c656a37576b80432b5f03b0410741de7fc483596ed45d8562c6b34cae"
STATEMENT = "https://in-toto.io/Statement/v1"


def resources(digests: dict[str, str], algorithm: str = "sha256") -> dict[str, Any]:
    """A statement of model-signing 1.0."""
    root = hashlib.sha256(b"".join(bytes.fromhex(digest) for digest in digests.values())).hexdigest()
    return {
        "_type": STATEMENT,
        "subject": [{"name": "m", "digest": {"sha256": root}}],
        "predicateType": "https://model_signing/signature/v1.0",
        "predicate": {
            "serialization": {"method": "files", "hash_type": algorithm, "allow_symlinks": False, "ignore_paths": []},
            "resources": [{"digest": digest, "name": name, "algorithm": algorithm} for name, digest in digests.items()],
        },
    }


def subjects(digests: dict[str, str]) -> dict[str, Any]:
    """A statement of model-signing 0.2."""
    return {
        "_type": STATEMENT,
        "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in digests.items()],
        "predicateType": "https://model_signing/Digests/v0.1",
        "predicate": {"unused": "Unused, just passed due to API requirements"},
    }


def bundle(statement: object) -> dict[str, Any]:
    payload = statement if isinstance(statement, bytes) else json.dumps(statement).encode()
    return {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"publicKey": {"hint": "fbab31"}, "tlogEntries": []},
        "dsseEnvelope": {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": "application/vnd.in-toto+json",
            "signatures": [{"sig": "MEUCIBMOgnIS3", "keyid": ""}],
        },
    }


def compared(folder: Path, content: object, tested: dict[str, str] | None = None) -> str:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    (folder / "model.sig").write_bytes(data)
    return compare_signature(folder, TESTED if tested is None else tested)


def test_the_layout_is_that_of_a_real_signature() -> None:
    assert resources(SHA256)["subject"][0]["digest"]["sha256"] == ROOT


def test_without_a_signature_nothing_is_said(tmp_path: Path) -> None:
    assert compare_signature(tmp_path, TESTED) == ""
    (tmp_path / "model.sig").mkdir()
    assert compare_signature(tmp_path, TESTED) == ""


@pytest.mark.parametrize("layout", [resources, subjects])
def test_the_files_that_were_signed_match(tmp_path: Path, layout: Callable[[dict[str, str]], dict[str, Any]]) -> None:
    assert compared(tmp_path, bundle(layout(SHA256))) == "matches"
    assert compared(tmp_path, bundle(layout({name: it.upper() for name, it in SHA256.items()}))) == "matches"


@pytest.mark.parametrize("layout", [resources, subjects])
def test_other_bytes_are_named(tmp_path: Path, layout: Callable[[dict[str, str]], dict[str, Any]]) -> None:
    changed = {**TESTED, "model.safetensors": "0" * 64}
    assert compared(tmp_path, bundle(layout(SHA256)), changed) == "differs: model.safetensors"
    changed["config.json"] = "1" * 64
    assert compared(tmp_path, bundle(layout(SHA256)), changed) == "differs: config.json, model.safetensors"


@pytest.mark.parametrize("layout", [resources, subjects])
def test_a_signature_of_something_else_verifies_nothing(
    tmp_path: Path, layout: Callable[[dict[str, str]], dict[str, Any]]
) -> None:
    assert compared(tmp_path, bundle(layout(SHA256)), {"model.gguf": "0" * 64}) == (
        "unverified: covers none of the tested files"
    )
    assert compared(tmp_path, bundle(layout(SHA256)), {}) == "unverified: covers none of the tested files"
    # A file of the same name in a subfolder is another file.
    assert compared(tmp_path, bundle(layout(SHA256)), {"a.txt": SHA256["sub/a.txt"]}) == (
        "unverified: covers none of the tested files"
    )


def test_one_file_that_was_not_signed_is_no_match(tmp_path: Path) -> None:
    tested = {**TESTED, "tokenizer.json": "0" * 64}
    assert compared(tmp_path, bundle(resources(SHA256)), tested) == "unverified: does not cover tokenizer.json"


def test_digests_of_another_kind_are_not_compared(tmp_path: Path) -> None:
    blake = {name: hashlib.blake2b(content).hexdigest() for name, content in FILES.items()}
    assert compared(tmp_path, bundle(resources(blake, "blake2b"))) == (
        "unverified: the files are signed by blake2b, and known here by sha256"
    )


@pytest.mark.parametrize("algorithm", ["sha256-sharded-4", "sha256"])
def test_digests_of_parts_are_not_compared(tmp_path: Path, algorithm: str) -> None:
    parts = {"config.json:0:3": "00" * 32, "model.safetensors:0:4": "11" * 32}
    assert compared(tmp_path, bundle(resources(parts, algorithm))) == (
        "unverified: the files are signed in parts, and known here as a whole"
    )


def test_two_digests_of_one_file_verify_nothing(tmp_path: Path) -> None:
    made = subjects(SHA256)
    made["subject"].append({"name": "config.json", "digest": {"sha256": "0" * 64}})
    assert compared(tmp_path, bundle(made)) == "unverified: config.json is listed twice, with two digests"


def test_resources_that_the_subject_does_not_sum_up_verify_nothing(tmp_path: Path) -> None:
    made = resources(SHA256)
    made["predicate"]["resources"][1]["digest"] = "0" * 64
    assert "contradicts itself" in compared(tmp_path, bundle(made))


def without(*path: str | int) -> dict[str, Any]:
    made = bundle(resources(SHA256))
    at: Any = made
    for step in path[:-1]:
        at = at[step]
    del at[path[-1]]
    return made


HOSTILE: dict[str, tuple[object, str]] = {
    "empty": (b"", "broken"),
    "no JSON": (b"\x00\xff", "broken"),
    "a list": ([], "no object"),
    "deep": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "too deep"),
    "long": (b'{"a":"' + b"x" * (9 << 20) + b'"}', "too large"),
    "twice": (b'{"dsseEnvelope":1,"dsseEnvelope":2}', "twice"),
    "no envelope": (without("dsseEnvelope"), "no DSSE envelope"),
    "no signature": (without("dsseEnvelope", "signatures"), "no signature"),
    "no payload": (without("dsseEnvelope", "payload"), "no payload"),
    "other payload": (without("dsseEnvelope", "payloadType"), "payload is no application"),
    "no base64": ({"dsseEnvelope": {**bundle({})["dsseEnvelope"], "payload": "?"}}, "not base64"),
    "broken statement": (bundle(b"{"), "broken"),
    "deep statement": (bundle(b'{"a":' * 100_000), "too deep"),
    "many values": (bundle(b'{"a":[' + b"0," * 600_000 + b"0]}"), "too many values"),
    "other statement": (bundle({}), "no https://in-toto.io/Statement/v1"),
    "other predicate": (bundle({"_type": STATEMENT, "predicateType": ["\ud800"]}), "predicate is"),
    "no predicate": (bundle({**resources(SHA256), "predicate": 3}), "no predicate"),
    "no resources": (bundle({**resources(SHA256), "predicate": {"resources": []}}), "lists no resources"),
    "resource": (bundle({**resources(SHA256), "predicate": {"resources": [3]}}), "no object"),
    "nameless": (bundle({**resources(SHA256), "predicate": {"resources": [{}]}}), "no name"),
    "no subject": (bundle({**subjects(SHA256), "subject": {}}), "no subject"),
    "subject": (bundle({**subjects(SHA256), "subject": [{"name": "a"}]}), "no digest"),
    "no digest": (bundle({**subjects(SHA256), "subject": [{"name": "a", "digest": {"sha256": "x\ud800"}}]}), "digest"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_bundle_verifies_nothing_within_a_second(tmp_path: Path, name: str) -> None:
    content, problem = HOSTILE[name]
    start_s = time.process_time()
    said = compared(tmp_path, content)
    assert said.startswith("unverified: ")
    assert problem in said
    assert said.isascii()
    assert len(said) < 500
    assert time.process_time() - start_s < 2


def test_the_command_that_tells_who_signed_is_quoted() -> None:
    assert verify_command(Path("/a b/$(x)")).endswith("--public_key KEY.pub '/a b/$(x)'")
