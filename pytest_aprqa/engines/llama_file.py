"""A GGUF file as llama.cpp sees it, through cyllama: what it says of itself, and its vocabulary.

Knows nothing of text and of the server.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

from pytest_aprqa.core import EngineRefused
from pytest_aprqa.formats import file_type

_ERROR_LEVEL = 4
"""GGML_LOG_LEVEL_ERROR."""


class LlamaFile:
    """The head of a GGUF file: metadata and vocabulary, checked by llama.cpp's loader, without the weights in memory.

    Args:
        file: a .gguf file.

    Raises:
        EngineRefused: llama.cpp does not load it, with its own words.
    """

    def __init__(self, file: Path) -> None:
        self.path = file
        self._model = load_model(file, no_alloc=True, use_mmap=False)
        vocabulary = self._model.get_vocab()
        self.vocabulary: int = vocabulary.n_vocab
        """How many tokens."""
        self.stop_ids = frozenset(token for token in range(self.vocabulary) if vocabulary.is_eog(token))
        """Ids that llama.cpp ends an answer at."""
        self.control_ids = frozenset(token for token in range(self.vocabulary) if vocabulary.is_control(token))
        """Ids that are no text."""
        bos: int = vocabulary.token_bos()
        self.bos_id = bos if 0 <= bos < self.vocabulary else None
        self.adds_bos: bool = vocabulary.get_add_bos()
        """Whether a prompt begins with BOS."""

    @property
    def context_tokens(self) -> int:
        """The context that the model was trained with."""
        return int(self._model.n_ctx_train)

    @property
    def parameters(self) -> int:
        """How many weights."""
        return int(self._model.n_params)

    @property
    def has_template(self) -> bool:
        """Whether the file brings a chat template; llama.cpp falls back on one of its own where it does not."""
        return bool(self._metadata("tokenizer.chat_template"))

    @property
    def file_type(self) -> str:
        """Such as ``Q4_K_M``, by what the file says of itself; ``unknown`` where it does not."""
        stated = self._metadata("general.file_type")
        name = file_type(int(stated)) if stated.isdecimal() else None
        return "unknown" if name is None else name.upper()

    @cached_property
    def broken_ids(self) -> frozenset[int]:
        """Ids whose text is no UTF-8 by itself: bytes of a character, which only together are one."""
        vocabulary = self._model.get_vocab()
        return frozenset(
            token for token in range(self.vocabulary) if "\ufffd" in vocabulary.token_to_piece(token, 0, True)
        )

    def _metadata(self, key: str) -> str:
        try:
            return str(self._model.meta_val_str(key))
        except ValueError:
            return ""


def load_model(file: Path, **settings: object) -> Any:  # noqa: ANN401 - a class made here, over a library without types
    """The model by cyllama; the library's own words are kept where it fails."""
    from cyllama.llama import llama_cpp as lib

    class Model(lib.LlamaModel):  # type: ignore[misc]  # the library has no types
        """With what `LlamaContext` wants of a model to give logits."""

        @property
        def n_vocab(self) -> int:
            return int(self.get_vocab().n_vocab)

    errors: list[str] = []
    lib.set_log_callback(lambda level, text: errors.append(text.strip()) if level == _ERROR_LEVEL else None)
    lib.ggml_backend_load_all()
    parameters = lib.LlamaModelParams()
    for name, value in settings.items():
        setattr(parameters, name, value)
    try:
        return Model(str(file), parameters)
    except (ValueError, RuntimeError, OSError, MemoryError) as exc:
        # The first line is the cause; those after it say that loading failed.
        raise EngineRefused(f"cannot load {file}: {errors[0] if errors else str(exc).splitlines()[0]}") from exc
    finally:
        lib.disable_logging()
