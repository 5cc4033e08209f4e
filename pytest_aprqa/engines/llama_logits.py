"""The raw logits of a GGUF file, through cyllama: of a row, of its steps over the cache, of rows together.

llama.cpp's server gives probabilities as text, far too slowly for whole vocabularies; this gives the logits themselves.
Knows nothing of text and of the server.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_aprqa.core import EngineRefused, EngineUnavailable
from pytest_aprqa.engines.llama_file import load_model

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ALL_LAYERS = 999
_PIECE_TOKENS = 512
"""llama.cpp's own default for what is computed in one go."""
_PIECE_BYTES = 128 * 2**20
"""Most bytes of logits at a time, float32."""
_SMALLEST_CONTEXT = 512
_MOST_SEQUENCES = 256
"""llama.cpp's LLAMA_MAX_SEQ."""


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
        self._model = load_model(file, n_gpu_layers=_ALL_LAYERS if gpu else 0)
        self._vocabulary: int = self._model.get_vocab().n_vocab
        self._room = 0
        self._context: Any = None
        self._batch: Any = lib.LlamaBatch(n_tokens=_PIECE_TOKENS, embd=0, n_seq_max=1)

    def row(self, ids: Sequence[int], *, last_only: bool) -> NDArray[np.float32]:
        """Logits after each token, float32 (tokens, vocabulary); (1, vocabulary) where `last_only`."""
        import numpy as np

        self._make_room(len(ids))
        if last_only:
            self._extend(ids, 0)
            return self._gathered([-1])
        piece = max(1, min(_PIECE_TOKENS, _PIECE_BYTES // (4 * self._vocabulary)))
        logits = np.empty((len(ids), self._vocabulary), np.float32)
        for start in range(0, len(ids), piece):
            part = list(ids[start : start + piece])
            self._batch.set_batch(part, start, True)
            self._decode(self._context, self._batch, len(ids))
            logits[start : start + len(part)] = self._gathered(range(len(part)))
        return logits

    def steps(self, ids: Sequence[int], *, given: int) -> NDArray[np.float32]:
        """Logits after each token from position `given` on, each computed alone over the cache of those before.

        Returns:
            float32 (len(ids) - given, vocabulary).
        """
        import numpy as np

        self._make_room(len(ids))
        self._extend(ids[:given], 0)
        logits = np.empty((len(ids) - given, self._vocabulary), np.float32)
        for place, token in enumerate(ids[given:]):
            self._extend([token], given + place)
            logits[place] = self._gathered([-1])[0]
        return logits

    def batch(self, rows: Sequence[Sequence[int]]) -> tuple[NDArray[np.float32], ...]:
        """Logits after the last token of each row, float32 (1, vocabulary) each, as sequences of one batch.

        They share one cache, as the slots of llama.cpp's server do.

        Raises:
            EngineRefused: there are more rows than llama.cpp takes.
        """
        if len(rows) > _MOST_SEQUENCES:
            raise EngineRefused(f"{len(rows)} rows together; llama.cpp takes {_MOST_SEQUENCES} sequences at most")
        tokens = sum(map(len, rows))
        context = self._new_context(_room(tokens), n_batch=_room(tokens), n_seq_max=len(rows), kv_unified=True)
        batch = self._lib.LlamaBatch(n_tokens=tokens, embd=0, n_seq_max=1)
        last: list[int] = []
        for sequence, row in enumerate(rows):
            for position, token in enumerate(row):
                batch.add(token, position, [sequence], position == len(row) - 1)
            last.append((last[-1] if last else -1) + len(row))
        self._decode(context, batch, tokens)
        logits = self._gathered(last, context)
        return tuple(logits[place : place + 1] for place in range(len(rows)))

    def _extend(self, ids: Sequence[int], start: int) -> None:
        """Adds `ids` to the cache at the position `start`, in pieces; only the last has logits."""
        for first in range(0, len(ids), _PIECE_TOKENS):
            self._batch.set_batch(list(ids[first : first + _PIECE_TOKENS]), start + first, False)
            self._decode(self._context, self._batch, start + len(ids))

    def _decode(self, context: Any, batch: Any, tokens: int) -> None:  # noqa: ANN401 - of a library without types
        try:
            status: object = context.decode(batch)
        except (ValueError, RuntimeError) as exc:
            status = exc
        if status != 0:
            raise EngineRefused(f"llama.cpp could not compute a row of {tokens} tokens (status {status})")

    def _gathered(self, places: Sequence[int], context: Any = None) -> NDArray[np.float32]:  # noqa: ANN401 - no types
        """The logits at these places of the last batch, float32 (places, vocabulary)."""
        import numpy as np

        held = self._context if context is None else context
        return np.array([held.get_logits_ith(place) for place in places], np.float32)

    def _make_room(self, tokens: int) -> None:
        """A fresh state with room for `tokens`; memory is taken for the longest row so far, not for all contexts."""
        if tokens <= self._room:
            self._context.kv_cache_clear()
            return
        room = _room(tokens)
        self._context = None
        self._context = self._new_context(room, n_batch=_PIECE_TOKENS)
        self._room = room

    def _new_context(self, room: int, **others: int) -> Any:  # noqa: ANN401 - of a library without types
        settings = self._lib.LlamaContextParams()
        settings.n_ctx = room
        settings.n_threads = settings.n_threads_batch = self._threads
        for name, value in others.items():
            setattr(settings, name, value)
        return self._lib.LlamaContext(self._model, settings)


def _room(tokens: int) -> int:
    room = _SMALLEST_CONTEXT
    while room < tokens:
        room *= 2
    return room
