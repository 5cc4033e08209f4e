"""What a model folder or a config.json tells; nothing is run, and no weight is read beyond its header."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from pytest_aprqa.bootstrap.defaults import NONE, defaults_of
from pytest_aprqa.bootstrap.gguf_types import gguf_types
from pytest_aprqa.bootstrap.model import Kind, ModelFacts, codes, talks, thinks
from pytest_aprqa.core import AprqaError, ArtefactError, Format, Json, Quantization
from pytest_aprqa.formats import holds_weights, open_checkpoint, read_json
from pytest_aprqa.kernels import EXPECTED, Facts, KernelProfile, Unknown, Verified, profile_of, verify

_MAX_CONFIG_BYTES: Final = 16 << 20
_REPO: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*/[A-Za-z0-9_][A-Za-z0-9_.-]*")
_TEMPLATES: Final = ("chat_template.jinja", "chat_template.json")


def expected_of(facts: Facts) -> dict[str, int]:
    """The ``expected_...`` fields that are known."""
    return {key: value for key, word in EXPECTED.items() if (value := getattr(facts, word)) is not None}


def model_at(source: Path, *, hf_repo: str = "", gguf: Path | None = None, apr: Path | None = None) -> ModelFacts:
    """What a folder in Hugging Face layout, or a config.json alone, tells of a model.

    Args:
        source: the folder or the file.
        hf_repo: ``org/name``, where the folder is not named after it.
        gguf: the user's GGUF file, to be tested as it is.
        apr: the user's APR file, to be tested as it is.

    Raises:
        AprqaError: nothing is there, or it is no description of a language model.
    """
    config_path, folder = _config_at(source)
    config = read_json(config_path, max_bytes=_MAX_CONFIG_BYTES)
    repo = hf_repo or _repo_of(config, config_path.parent)
    if not _REPO.fullmatch(repo):
        raise AprqaError(f"--hf-repo: expected org/name, found {repo[:80]!r}")
    profile, remarks = _profile(config, config_path)
    model = ModelFacts(
        repo=repo,
        kind=_kind(config_path.parent, repo),
        thinks=thinks(repo),
        codes=codes(repo),
        parameters=profile.facts.parameters,
        architecture=_plain_word(profile.model_type),
        profile=profile,
        expected=expected_of(profile.facts),
        source="config.json",
        remarks=remarks,
    )
    return _with_weights(model, folder, gguf, apr) if folder is not None else _with_files(model, gguf, apr)


def _config_at(source: Path) -> tuple[Path, Path | None]:
    """The config.json, and the folder whose weights are meant; None where only the file was named."""
    if source.is_dir():
        return source / "config.json", source
    if not source.exists():
        raise AprqaError(f"{source}: expected a model folder or its config.json, found nothing")
    return source, None


def _profile(config: Mapping[str, Json], path: Path) -> tuple[KernelProfile, tuple[str, ...]]:
    plain = profile_of(config)
    if not plain.model_type and plain.facts == Facts():
        raise ArtefactError(
            "describes no language model", path=path, expected="model_type, hidden_size, num_hidden_layers ...",
            found=", ".join(list(config)[:5])[:120] or "nothing",
        )  # fmt: skip
    defaults = defaults_of(plain.model_type) if plain.unknown else NONE
    profile = profile_of(config, defaults=defaults.values, defaults_from=defaults.source)
    # Sizes are what the file itself says: a default is no fact about this model.
    return replace(profile, facts=plain.facts), tuple(_gap(each) for each in profile.unknown)


def _gap(unknown: Unknown) -> str:
    return f"config.json leaves open: {unknown.aspect} ({unknown.why})."


def _with_weights(model: ModelFacts, folder: Path, gguf: Path | None, apr: Path | None) -> ModelFacts:
    model = replace(_with_files(model, gguf, apr), folder=folder.absolute())
    if not holds_weights(folder):
        return model
    checkpoint = open_checkpoint(folder)
    assert model.profile is not None
    verified = verify(model.profile, {name: entry.shape for name, entry in checkpoint.tensors.items()})
    gaps = tuple(_gap(each) for each in verified.profile.unknown)
    remarks = (*(it for it in model.remarks if not it.startswith("config.json leaves open")), *gaps, *_seen(verified))
    parameters = sum(entry.values for entry in checkpoint.tensors.values())
    return replace(model, profile=verified.profile, parameters=parameters, remarks=remarks)


def _seen(verified: Verified) -> tuple[str, ...]:
    if verified.disagreements:
        return tuple(f"The tensors disagree: {each}." for each in verified.disagreements)
    return (f"The tensors agree with config.json in {verified.compared} facts.",) if verified.compared else ()


def _with_files(model: ModelFacts, gguf: Path | None, apr: Path | None) -> ModelFacts:
    """The model with the user's own artefacts."""
    files = {fmt: path.absolute() for fmt, path in ((Format.GGUF, gguf), (Format.APR, apr)) if path is not None}
    for path in files.values():
        if not path.is_file():
            raise ArtefactError("there is no such file", path=path)
    if gguf is None:
        return replace(model, files=files)
    types = gguf_types(gguf)
    quantizations: tuple[Quantization, ...] = () if types.quantization is None else (types.quantization,)
    return replace(model, files=files, quantizations=quantizations, remarks=(types.remark, *model.remarks))


def _repo_of(config: Mapping[str, Json], folder: Path) -> str:
    """``org/name`` as the hub's cache, the configuration or the folders say it."""
    folder = folder.absolute()
    if folder.parent.name == "snapshots" and folder.parent.parent.name.startswith("models--"):
        organization, _, name = folder.parent.parent.name.removeprefix("models--").partition("--")
        return f"{organization}/{name}"
    stated = config.get("_name_or_path")
    if isinstance(stated, str) and _REPO.fullmatch(stated):
        return stated
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", folder.name).strip("-.") or "model"
    return f"local/{name}"


def _kind(folder: Path, repo: str) -> Kind:
    """By the chat template, where the tokenizer is at hand; else by the name."""
    if any((folder / name).is_file() for name in _TEMPLATES):
        return Kind.INSTRUCT
    settings = folder / "tokenizer_config.json"
    if not settings.is_file():
        # A name proves that a model answers, its silence proves nothing: without a template it is sent raw prompts.
        return Kind.INSTRUCT
    template = read_json(settings).get("chat_template")
    return Kind.INSTRUCT if template or talks(repo) else Kind.BASE


def _plain_word(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", text)[:60]
