"""The APR engine: the tensors of an .apr file, loaded into the architecture of Hugging Face transformers that it names.

`open_engine` runs in pytest's process and imports neither torch nor transformers; `load` runs in the child. What a file
lacks is never made up, and what it has too much is refused: what runs is the file.
"""

from __future__ import annotations

import importlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_aprqa.core import ArtefactError, EngineRefused, EngineUnavailable, Json, Target, Weights
from pytest_aprqa.engines.memory import is_out_of_memory
from pytest_aprqa.engines.packages import require_packages
from pytest_aprqa.engines.protocol import Engine, Limits
from pytest_aprqa.engines.session import supervise
from pytest_aprqa.engines.transformers import INSTALL, TransformersModel, first_line, pick_device, pick_dtype

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from pytest_aprqa.conversion import ModelView

NAME = "apr"
_HEAD = "lm_head.weight"
_EMBEDDING = "model.embed_tokens.weight"
_SHOWN = 3
"""How many names an error shows."""


def open_engine(target: Target, weights: Weights, limits: Limits) -> Engine:
    """Opens the model in a supervised child.

    Raises:
        EngineUnavailable: torch or transformers is missing, or there is no CUDA device for a GPU target.
        EngineRefused: the file is broken, or is not the whole of the architecture that it names.
        EngineTimeout: loading passed its deadline.
        EngineCrashed: the process died while loading.
        EngineOutOfMemory: the model does not fit.
    """
    require_packages(NAME, ("torch", "transformers"), install=INSTALL)
    return supervise("pytest_aprqa.engines.apr:load", target, weights, limits)


def load(target: Target, weights: Weights, limits: Limits) -> TransformersModel:
    """Loads the model; runs in the child."""
    try:
        import torch
        import transformers  # noqa: F401 - found out now, with the way to get it
    except ImportError as exc:
        raise EngineUnavailable(NAME, str(exc), install=INSTALL) from exc
    from pytest_aprqa.conversion import open_model

    torch.set_num_threads(limits.threads)
    device = pick_device(target.backend)
    dtype = pick_dtype("float32" if limits.dtype == "auto" else limits.dtype, device)
    if not weights.files:
        raise EngineRefused(f"no .apr file in {weights.folder}")
    try:
        view = _with_one_head(open_model(weights.files[0]))
        model, tokenizer = _empty_model(view, dtype)
        _fill(model, view)
    except ArtefactError as exc:
        raise EngineRefused(f"cannot load {weights.files[0]}: {exc}") from exc
    placed: Any = model
    return TransformersModel(placed.to(device).eval(), tokenizer, threads=limits.threads, name=NAME)


def _with_one_head(view: ModelView) -> ModelView:
    """A stored head that equals the embedding is tied to it; one that differs is the head, whatever the file says."""
    import numpy as np

    if not view.config.get("tie_word_embeddings") or _HEAD not in view.tensors or _EMBEDDING not in view.tensors:
        return view
    if np.array_equal(view.tensors[_HEAD].values(), view.tensors[_EMBEDDING].values()):
        return replace(view, tensors={name: tensor for name, tensor in view.tensors.items() if name != _HEAD})
    return replace(view, config={**view.config, "tie_word_embeddings": False})


def _empty_model(view: ModelView, dtype: torch.dtype | str) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The architecture with no weights that mean anything, and the tokenizer."""
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, GenerationConfig

    with tempfile.TemporaryDirectory(prefix="aprqa-apr-") as temporary:
        folder = Path(temporary)
        for name, value in _side_files(view).items():
            (folder / name).write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
        try:
            config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            build: Any = AutoModelForCausalLM.from_config
            with _no_random_weights():
                model = build(config, dtype=dtype)
            model.tie_weights()
            model.generation_config = GenerationConfig.from_pretrained(folder, local_files_only=True)
        except Exception as exc:
            if is_out_of_memory(exc):
                raise
            raise EngineRefused(f"cannot load {view.path}: {first_line(exc)}") from exc
    return model, tokenizer


def _no_random_weights() -> AbstractContextManager[None]:
    """Saves the library the seconds in which it would draw what is overwritten next."""
    try:
        library = importlib.import_module("transformers.initialization")
    except ImportError:  # where the library has it before version 5
        library = importlib.import_module("transformers.modeling_utils")
    context: AbstractContextManager[None] = library.no_init_weights()
    return context


def _side_files(view: ModelView) -> Mapping[str, Mapping[str, Json]]:
    from pytest_aprqa.conversion.tokenizer_write import generation_config, tokenizer_config, tokenizer_json

    if view.tokenizer is None:
        raise ArtefactError("the file holds no tokenizer, without which nothing can be asked of it", path=view.path)
    return {
        "config.json": view.config,
        "generation_config.json": generation_config(view.tokenizer),
        "tokenizer.json": tokenizer_json(view.tokenizer, path=view.path),
        "tokenizer_config.json": tokenizer_config(view.tokenizer, view.config.get("max_position_embeddings")),
    }


def _fill(model: PreTrainedModel, view: ModelView) -> None:
    """Copies every tensor to its place, one at a time."""
    import torch

    places = dict(_places(model))
    _refuse_names("is missing", places.keys() - view.tensors.keys(), view.path)
    _refuse_names(
        "has no place in the architecture", {*(view.tensors.keys() - places.keys()), *view.foreign}, view.path
    )
    misshapen = {
        f"{name} {list(view.tensors[name].shape)}, not {list(place.shape)}"
        for name, place in places.items()
        if tuple(place.shape) != tuple(view.tensors[name].shape)
    }
    _refuse_names("has another shape", misshapen, view.path)
    with torch.no_grad():
        for name, place in places.items():
            place.copy_(torch.from_numpy(view.tensors[name].values()))


def _places(model: PreTrainedModel) -> Iterator[tuple[str, Any]]:
    """Name and tensor of all that a file has to bring: parameters, each once, and buffers that are saved."""
    yield from model.named_parameters()
    parameters = {name for name, _ in model.named_parameters(remove_duplicate=False)}
    yield from ((name, value) for name, value in model.state_dict().items() if name not in parameters)


def _refuse_names(what: str, names: set[str], path: Path) -> None:
    if names:
        shown = ", ".join(sorted(names)[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
        raise EngineRefused(f"cannot load {path}: tensor {what}: {shown}")
