"""The doors of this room: a playbook for a folder, for a config.json, for the user's own artefacts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pytest_aprqa.bootstrap.draft import draft
from pytest_aprqa.bootstrap.folder import model_at
from pytest_aprqa.core import AprqaError, Format, Tier
from pytest_aprqa.formats import holds_weights


def bootstrap(
    source: Path,
    tier: Tier,
    *,
    hf_repo: str = "",
    gguf: Path | None = None,
    apr: Path | None = None,
    schema: str = "",
) -> str:
    """A playbook for a model folder or a config.json; formats that the user does not have will be converted.

    Raises:
        AprqaError: the source describes no model, or a file is broken.
    """
    model = model_at(source, hf_repo=hf_repo, gguf=gguf, apr=apr)
    return draft(model, tier, command=f"apr-qa bootstrap {source.name} --tier {tier}", schema=schema)


def bootstrap_artefacts(hf: Path, *, gguf: Path | None, apr: Path | None, tier: Tier, hf_repo: str = "") -> str:
    """A playbook for artefacts that a user has, each tested as it is; nothing else is converted.

    Args:
        hf: the folder in Hugging Face layout; with safetensors weights it is the ground truth.
        gguf: the GGUF file.
        apr: the APR file.
        tier: how deep to go.
        hf_repo: ``org/name``, where the folder is not named after it.

    Raises:
        AprqaError: the folder describes no model, a file is broken, or there is nothing to test.
    """
    if not hf.is_dir():
        raise AprqaError(
            f"{hf}: expected a model folder in Hugging Face layout; found {'a file' if hf.exists() else 'nothing'}"
        )
    model = model_at(hf, hf_repo=hf_repo, gguf=gguf, apr=apr)
    original = holds_weights(hf)
    formats = tuple(it for it in Format if it in model.files or (it is Format.SAFETENSORS and original))
    if not formats:
        raise AprqaError(f"{hf}: has no safetensors weights, and neither a GGUF nor an APR file is given")
    if not original:
        model = replace(model, dequantized=True)
    return draft(replace(model, formats=formats), tier, command="apr-qa certify --hf ...")
