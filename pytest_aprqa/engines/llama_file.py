"""A GGUF file as llama.cpp sees it, through cyllama: what it says of itself, its vocabulary, and raw logits.

llama.cpp's server gives probabilities as text, far too slowly for whole vocabularies; this gives the logits themselves.
Knows nothing of text and of the server.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_aprqa.core import EngineRefused, EngineUnavailable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ALL_LAYERS = 999
_PIECE_TOKENS = 512
"""llama.cpp's own default for what is computed in one go."""
_PIECE_BYTES = 128 * 2**20
"""Most bytes of logits at a time, float32."""
_SMALLEST_CONTEXT = 512
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
        self._model = _load(file, no_alloc=True, use_mmap=False)
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
        from gguf import LlamaFileType

        try:
            return (
                LlamaFileType(int(self._metadata("general.file_type")))
                .name.removeprefix("MOSTLY_")
                .removeprefix("ALL_")
            )
        except ValueError:
            return "unknown"

    def _metadata(self, key: str) -> str:
        try:
            return str(self._model.meta_val_str(key))
        except ValueError:
            return ""


class LlamaLogits:
    """The weights of a GGUF file, for raw logits, in llama.cpp's default settings as a user would run them.

    Args:
        file: a .gguf file.
        threads: threads that compute.
        gpu: whether all layers go to the GPU.
    """

    def __init__(self, file: Path, *, threads: int, gpu: bool) -> None:
        from cyllama.llama import llama_cpp as lib

        self._lib: Any = lib
        self._threads = threads
        if gpu and not any(
            lib.ggml_backend_dev_info()[i]["type"] == "GPU" for i in range(lib.ggml_backend_dev_count())
        ):
            raise EngineUnavailable(
                "llama_cpp",
                "cyllama has no GPU device, which logits need",
                install="pip install cyllama built for your GPU",
            )
        self._model = _load(file, n_gpu_layers=_ALL_LAYERS if gpu else 0)
        self._vocabulary: int = self._model.get_vocab().n_vocab
        self._room = 0
        self._context: Any = None
        self._batch: Any = lib.LlamaBatch(n_tokens=_PIECE_TOKENS, embd=0, n_seq_max=1)

    def row(self, ids: Sequence[int], *, last_only: bool) -> NDArray[np.float32]:
        """Logits after each token, float32 (tokens, vocabulary); (1, vocabulary) where `last_only`."""
        import numpy as np

        self._make_room(len(ids))
        piece = _PIECE_TOKENS if last_only else max(1, min(_PIECE_TOKENS, _PIECE_BYTES // (4 * self._vocabulary)))
        logits = np.empty((1 if last_only else len(ids), self._vocabulary), np.float32)
        for start in range(0, len(ids), piece):
            part = list(ids[start : start + piece])
            self._batch.set_batch(part, start, not last_only)
            if (status := self._context.decode(self._batch)) != 0:
                raise EngineRefused(f"llama.cpp could not compute a row of {len(ids)} tokens (status {status})")
            if not last_only:
                for place in range(len(part)):
                    logits[start + place] = self._context.get_logits_ith(place)
        if last_only:
            logits[0] = self._context.get_logits_ith(-1)
        return logits

    def _make_room(self, tokens: int) -> None:
        """A fresh state with room for `tokens`; memory is taken for the longest row so far, not for all contexts."""
        if tokens <= self._room:
            self._context.kv_cache_clear()
            return
        room = _SMALLEST_CONTEXT
        while room < tokens:
            room *= 2
        settings = self._lib.LlamaContextParams()
        settings.n_ctx = room
        settings.n_batch = _PIECE_TOKENS
        settings.n_threads = settings.n_threads_batch = self._threads
        self._context = None
        self._context = self._lib.LlamaContext(self._model, settings)
        self._room = room


def _load(file: Path, **settings: object) -> Any:  # noqa: ANN401 - a class made here, over a library without types
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
