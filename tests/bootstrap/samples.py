"""Models to write playbooks for, made without weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from pytest_aprqa.bootstrap import Kind, ModelFacts
from pytest_aprqa.formats import GgufTensor, write_gguf
from pytest_aprqa.kernels import profile_of
from pytest_aprqa.playbook import Playbook, read_playbook
from tests.kernels.samples import Config


def facts(config: Config | None = None, *, parameters: int | None = 7 * 10**9, **more: object) -> ModelFacts:
    """A model of a configuration."""
    profile = None if config is None else profile_of(config)
    settings = {"repo": "org/Some-7B-Instruct", "kind": Kind.INSTRUCT, **more}
    return ModelFacts(profile=profile, parameters=parameters, **settings)  # type: ignore[arg-type]


def config_file(folder: Path, config: object) -> Path:
    """A config.json."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "config.json"
    path.write_text(config if isinstance(config, str) else json.dumps(config))
    return path


def gguf_file(path: Path, *, file_type: int | None, dtype: str = "F16") -> Path:
    """A GGUF file of one matrix and one vector."""
    matrix = GgufTensor("blk.0.ffn_up.weight", dtype, (4, 64), lambda: np.zeros((4, 64), np.float16))
    vector = GgufTensor("output_norm.weight", "F32", (64,), lambda: np.zeros(64, np.float32))
    fields = {"general.architecture": "llama"} | ({} if file_type is None else {"general.file_type": file_type})
    write_gguf(path, fields, [matrix, vector])
    return path


def read(text: str, folder: Path, name: str = "some-mvp") -> Playbook:
    """The playbook that a text is."""
    path = folder / f"{name}.playbook.yaml"
    path.write_text(text)
    return read_playbook(path, {}, strict=True)
