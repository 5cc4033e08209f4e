"""What llama.cpp's own graph gives for one row, tensor by tensor, by its evaluation callback.

Neither of its Python packages hands the callback out, but xllamacpp's library exports llama.cpp's C interface
(https://github.com/ggml-org/llama.cpp, include/llama.h and ggml/include/ggml.h), and that is called here. The layouts
of its structures change from release to release: the fields written here are first found by the defaults that the
library itself fills in, and where those are not as expected nothing is called. Knows nothing of text.
"""

from __future__ import annotations

import ctypes
import math
import re
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from pytest_aprqa.core import EngineRefused, EngineUnavailable
from pytest_aprqa.engines.readings import ModuleKind, ModuleTrace
from pytest_aprqa.engines.trace_statistics import describe

_KINDS = (
    (re.compile(r"(inp_)?embd"), ModuleKind.EMBEDDING),
    (re.compile(r"[a-z_]+_norm(_\d+)?-\d+|result_norm"), ModuleKind.NORM),
    (re.compile(r"([a-z_]*attn_out|kqv_out)-\d+"), ModuleKind.ATTENTION),
    (re.compile(r"ffn(_moe)?_out-\d+"), ModuleKind.MLP),
    (re.compile(r"l_out-\d+"), ModuleKind.LAYER),
    (re.compile(r"result_output"), ModuleKind.HEAD),
)
"""How llama.cpp names the tensors that are told of; the number is the layer's."""
_SMALLEST_CONTEXT = 512
_CONTEXT_HEAD = struct.pack("<4I", 512, 2048, 512, 1)
"""How the default llama_context_params begins: n_ctx, n_batch, n_ubatch, n_seq_max."""
_BEFORE_CALLBACK = struct.pack("<4fIf", -1.0, -1.0, -1.0, -1.0, 0, -1.0)
"""The four yarn factors, yarn_orig_ctx and defrag_thold; cb_eval and its data, both null, come next."""
_AFTER_CALLBACK = struct.pack("<2Q2i", 0, 0, 1, 1)
"""cb_eval and its data, and the cache's two types, float16."""
_GPU_LAYERS_AT = 16
"""After two pointers, in llama_model_params."""
_ALL_LAYERS = (-1, 999)
_BATCH_FLAGS = 6
"""Which word of llama_batch is the pointer to the flags for logits; the words are n_tokens and six pointers."""
_SHAPE_AT = 16
"""In ggml_tensor: after the type and the buffer; four 64-bit numbers, fastest axis first."""
_FLOAT32 = 0
"""GGML_TYPE_F32."""

_Pointer = ctypes.c_void_p
_Callback = ctypes.CFUNCTYPE(ctypes.c_bool, _Pointer, ctypes.c_bool, _Pointer)


class _Structure(ctypes.Structure):
    """A structure of llama.cpp's with room to spare: passed by value, what is beyond its end is never looked at."""

    _fields_ = (("words", ctypes.c_uint64 * 128),)


def trace_file(file: Path, row: Sequence[int], *, threads: int, gpu: bool) -> tuple[ModuleTrace, ...]:
    """Statistics of the tensors that llama.cpp names in its graph for `row`, in order of computation.

    The file is loaded for it, in llama.cpp's default settings, and freed afterwards.

    Args:
        file: a .gguf file.
        row: ids, at least one.
        threads: threads that compute.
        gpu: whether all layers go to the GPU; else none does.

    Raises:
        EngineUnavailable: this build of the library is not laid out as expected.
        EngineRefused: llama.cpp does not load the file or compute the row.
    """
    library = _Library()
    watch = _Watch(library)
    callback = _Callback(watch)
    with library.model(file, gpu=gpu) as model, library.context(model, len(row), callback) as context:
        library.compute(context, row, threads=threads)
    if not any(traced.kind is ModuleKind.HEAD for traced in watch.traced):
        raise EngineRefused(f"llama.cpp did not show what it computes of {file}")
    return tuple(watch.traced)


class _Watch:
    """The callback: asked first whether a tensor is wanted, then given it."""

    def __init__(self, library: _Library) -> None:
        self._library = library
        self.traced: list[ModuleTrace] = []

    def __call__(self, tensor: int, asking: bool, _data: int | None) -> bool:
        name = self._library.name(tensor)
        kind = next((kind for pattern, kind in _KINDS if pattern.fullmatch(name)), None)
        if kind is not None and not asking and (values := self._library.values(tensor)) is not None:
            self.traced.append(describe(name, kind, values))
        return kind is not None or not asking


class _Library:
    """The functions of llama.cpp that a trace takes."""

    def __init__(self) -> None:
        import xllamacpp

        try:
            self._library = ctypes.CDLL(str(next(Path(xllamacpp.__file__).parent.glob("xllamacpp*.so"))))
        except (StopIteration, OSError) as exc:
            raise _unlike("its library cannot be opened") from exc

    def name(self, tensor: int) -> str:
        """What a tensor is called."""
        found: bytes = self._function("ggml_get_name", ctypes.c_char_p, _Pointer)(tensor)
        return found.decode("utf-8", errors="replace")

    def values(self, tensor: int) -> np.ndarray[Any, np.dtype[np.float32]] | None:
        """The values, tokens first; None for other types than float32 and for views that leave gaps."""
        (kind,) = struct.unpack("<i", ctypes.string_at(tensor, 4))
        shape = struct.unpack("<4q", ctypes.string_at(tensor + _SHAPE_AT, 32))[::-1]
        count: int = self._function("ggml_nelements", ctypes.c_int64, _Pointer)(tensor)
        whole: bool = self._function("ggml_is_contiguous", ctypes.c_bool, _Pointer)(tensor)
        if kind != _FLOAT32 or not whole or math.prod(shape) != count:
            return None
        values = np.empty(shape, np.float32)
        copy = self._function("ggml_backend_tensor_get", None, _Pointer, _Pointer, ctypes.c_size_t, ctypes.c_size_t)
        copy(tensor, values.ctypes.data, 0, values.nbytes)
        while values.ndim > 2 and len(values) == 1:
            values = values[0]
        return values

    @contextmanager
    def model(self, file: Path, *, gpu: bool) -> Iterator[int]:
        """The file's weights."""
        settings = bytearray(self._function("llama_model_default_params", _Structure)())
        (layers,) = struct.unpack_from("<i", settings, _GPU_LAYERS_AT)
        if layers not in _ALL_LAYERS:
            raise _unlike(f"by default it takes {layers} layers to the GPU, which is not all of them")
        if not gpu:
            struct.pack_into("<i", settings, _GPU_LAYERS_AT, 0)
        load = self._function("llama_model_load_from_file", _Pointer, ctypes.c_char_p, _Structure)
        model = load(str(file).encode(), _Structure.from_buffer(settings))
        if not model:
            raise EngineRefused(f"llama.cpp does not load {file} for a trace")
        try:
            yield model
        finally:
            self._function("llama_model_free", None, _Pointer)(model)

    @contextmanager
    def context(self, model: int, tokens: int, callback: object) -> Iterator[int]:
        """A fresh state with room for a row in one go, which shows `callback` what it computes."""
        settings = bytearray(self._function("llama_context_default_params", _Structure)())
        callback_at = _find_callback(bytes(settings))
        room = max(_SMALLEST_CONTEXT, tokens)
        struct.pack_into("<3I", settings, 0, room, room, room)
        address = ctypes.cast(callback, _Pointer).value  # type: ignore[arg-type]  # any function made by ctypes
        struct.pack_into("<Q", settings, callback_at, address)
        context = self._function("llama_init_from_model", _Pointer, _Pointer, _Structure)(
            model, _Structure.from_buffer(settings)
        )
        if not context:
            raise EngineRefused(f"llama.cpp has no room to trace a row of {tokens} tokens")
        try:
            yield context
        finally:
            self._function("llama_free", None, _Pointer)(context)

    def compute(self, context: int, row: Sequence[int], *, threads: int) -> None:
        """Computes the logits of all tokens."""
        self._function("llama_set_n_threads", None, _Pointer, ctypes.c_int32, ctypes.c_int32)(context, threads, threads)
        ids = (ctypes.c_int32 * len(row))(*row)
        flags = (ctypes.c_int8 * len(row))(*[1] * len(row))
        batch = self._function("llama_batch_get_one", _Structure, _Pointer, ctypes.c_int32)(ids, len(row))
        n_tokens, *pointers = batch.words[: _BATCH_FLAGS + 1]
        if n_tokens & 0xFFFFFFFF != len(row) or pointers != [ctypes.addressof(ids), *[0] * (_BATCH_FLAGS - 1)]:
            raise _unlike("a batch is not laid out as expected")
        batch.words[_BATCH_FLAGS] = ctypes.addressof(flags)
        if (status := self._function("llama_decode", ctypes.c_int32, _Pointer, _Structure)(context, batch)) != 0:
            raise EngineRefused(f"llama.cpp could not compute a row of {len(row)} tokens (status {status})")

    def _function(self, name: str, result: type | None, *arguments: type) -> Any:  # noqa: ANN401 - of any signature
        try:
            function = self._library[name]
        except AttributeError as exc:
            raise _unlike(f"it does not export {name}") from exc
        function.restype = result
        function.argtypes = arguments
        return function


def _find_callback(settings: bytes) -> int:
    """Where cb_eval is in llama_context_params, of which these are the defaults."""
    found = [match.end() for match in re.finditer(re.escape(_BEFORE_CALLBACK), settings)]
    padded = [at + -at % 8 for at in found]
    head_is_known = settings.startswith(_CONTEXT_HEAD)
    if len(padded) != 1 or not head_is_known or not settings.startswith(_AFTER_CALLBACK, padded[0]):
        raise _unlike("the evaluation callback is not where it was")
    return padded[0]


def _unlike(how: str) -> EngineUnavailable:
    return EngineUnavailable(
        "llama_cpp",
        f"this build of xllamacpp does not let its evaluation callback be set: {how}",
        install="pip install xllamacpp==2026.10.11549, with which it works on Linux",
    )
