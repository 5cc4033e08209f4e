"""What crosses between the supervisor and its child: one JSON object a line, with a version, made of our own values.

Knows nothing of pipes and processes. A message that cannot be read raises `ValueError`, whatever is wrong with it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar, assert_never

from pytest_aprqa.core import (
    Answer,
    Backend,
    Completion,
    EngineError,
    EngineOutOfMemory,
    EngineRefused,
    EngineUnavailable,
    Finish,
    Format,
    Metrics,
    Prompting,
    Quantization,
    Request,
    Target,
    Weights,
)
from pytest_aprqa.engines import orders, readings
from pytest_aprqa.engines.orders import Generate, Load, Order
from pytest_aprqa.engines.protocol import EngineFacts, Limits, Result

VERSION = 3
MAX_MESSAGE_BYTES = 256 * 2**20
"""A reply longer than this is a fault: 16 answers of 100,000 tokens take some 30 MB."""

T = TypeVar("T")
# JSON as it comes from the other side, before `_reading` has turned it into values of ours.
_Raw = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Loaded:
    """From the child: the model can be asked."""

    facts: EngineFacts


@dataclass(frozen=True, slots=True)
class Answered:
    """From the child: one result for each request, in order."""

    results: tuple[Result, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """From the child: rows of token ids."""

    rows: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Texts:
    """From the child: texts."""

    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Arrays:
    """From the child: what it wrote, each array's name to the name of its file in the order's folder."""

    files: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Paced:
    """From the child: when the tokens came."""

    pace: readings.Pace


@dataclass(frozen=True, slots=True)
class Traced:
    """From the child: what the modules gave, in order of computation."""

    modules: tuple[readings.ModuleTrace, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """From the child: all of what was asked failed, yet the child lives."""

    error: EngineError


Reply = Loaded | Answered | Rows | Texts | Arrays | Paced | Traced | Failed


def encode_order(order: Order) -> bytes:
    """One line."""
    return _line(type(order).__name__.lower(), _plain(order))


def encode_reply(reply: Reply) -> bytes:
    """One line."""
    match reply:
        case Loaded() | Rows() | Texts() | Arrays() | Paced() | Traced():
            body = _plain(reply)
        case Answered(results):
            body = {"results": [_result(result) for result in results]}
        case Failed(error):
            body = _error(error)
        case _:
            assert_never(reply)
    return _line(type(reply).__name__.lower(), body)


def decode_order(line: bytes) -> Order:
    """The order in `line`."""
    readers: Mapping[str, Callable[[_Raw], Order]] = {
        "load": _read_load,
        "generate": _read_generate,
        "encode": lambda body: orders.Encode(_texts(body["texts"]), bool(body["special"])),
        "decode": lambda body: orders.Decode(_rows(body["rows"])),
        "render": lambda body: orders.Render(tuple(tuple(map(dict, messages)) for messages in body["conversations"])),
        "greedy": lambda body: orders.Greedy(_rows(body["rows"]), int(body["max_tokens"])),
        "logits": lambda body: orders.Logits(_row(body["row"]), bool(body["last_only"]), Path(body["folder"])),
        "activations": lambda body: orders.Activations(_row(body["row"]), Path(body["folder"])),
        "pace": lambda body: orders.Pace(_row(body["row"]), int(body["tokens"])),
        "stepwise": lambda body: orders.Stepwise(_row(body["row"]), int(body["given"]), Path(body["folder"])),
        "together": lambda body: orders.Together(_rows(body["rows"]), Path(body["folder"])),
        "sample": lambda body: orders.Sample(**{**body, "row": _row(body["row"])}),
        "trace": lambda body: orders.Trace(_row(body["row"])),
    }
    return _reading(line, readers)


def decode_reply(line: bytes) -> Reply:
    """The reply in `line`."""
    readers: Mapping[str, Callable[[_Raw], Reply]] = {
        "loaded": _read_loaded,
        "answered": _read_answered,
        "rows": lambda body: Rows(_rows(body["rows"])),
        "texts": lambda body: Texts(_texts(body["texts"])),
        "arrays": lambda body: Arrays({_text(name): _text(file) for name, file in body["files"].items()}),
        "paced": lambda body: Paced(_read_pace(body["pace"])),
        "traced": lambda body: Traced(tuple(_read_module(raw) for raw in body["modules"])),
        "failed": _read_failed,
    }
    return _reading(line, readers)


def _line(kind: str, body: _Raw) -> bytes:
    # ASCII escapes keep lone surrogates, which no encoding of Unicode would.
    return json.dumps({"v": VERSION, "kind": kind, "body": body}, ensure_ascii=True).encode() + b"\n"


def _plain(value: Order | Loaded | Rows | Texts | Arrays | Paced | Traced) -> _Raw:
    plain: _Raw = json.loads(json.dumps(asdict(value), default=str))
    return plain


def _result(result: Result) -> _Raw:
    return {"error": _error(result)} if isinstance(result, EngineError) else {"completion": asdict(result)}


def _error(error: EngineError) -> _Raw:
    match error:
        case EngineUnavailable():
            # The error keeps no field for the problem alone, so that its own frame has to come off the message.
            frame = str(EngineUnavailable(error.engine, "\0", install=error.install)).partition("\0")
            problem = str(error).removeprefix(frame[0]).removesuffix(frame[2])
            return {"kind": "unavailable", "engine": error.engine, "message": problem, "install": error.install}
        case EngineOutOfMemory():
            return {"kind": "out_of_memory", "message": str(error)}
        case _:
            return {"kind": "refused", "message": str(error)}


def _reading(line: bytes, readers: Mapping[str, Callable[[_Raw], T]]) -> T:
    try:
        message = json.loads(line)
        if message["v"] != VERSION:
            raise ValueError(f"version {message['v']}, not {VERSION}")
        return readers[message["kind"]](message["body"])
    except (KeyError, TypeError, AttributeError, RecursionError, ValueError) as exc:
        raise ValueError(f"unreadable message ({type(exc).__name__}: {exc}): {line[:200]!r}") from exc


def _read_load(body: _Raw) -> Load:
    target, weights = body["target"], body["weights"]
    return Load(
        loader=body["loader"],
        target=Target(
            model=target["model"],
            format=Format(target["format"]),
            quantization=None if target["quantization"] is None else Quantization(target["quantization"]),
            backend=Backend(target["backend"]),
        ),
        weights=Weights(
            folder=Path(weights["folder"]),
            files=tuple(Path(file) for file in weights["files"]),
            source=weights["source"],
            revision=weights["revision"],
            digests=weights["digests"],
        ),
        limits=Limits(**body["limits"]),
    )


def _read_generate(body: _Raw) -> Generate:
    return Generate(tuple(_read_request(raw) for raw in body["requests"]))


def _read_request(raw: _Raw) -> Request:
    return Request(**{**raw, "turns": tuple(raw["turns"]), "prompting": Prompting(raw["prompting"])})


def _read_loaded(body: _Raw) -> Loaded:
    return Loaded(EngineFacts(**body["facts"]))


def _read_answered(body: _Raw) -> Answered:
    return Answered(tuple(_read_result(raw) for raw in body["results"]))


def _read_failed(body: _Raw) -> Failed:
    return Failed(_read_error(body))


def _read_result(raw: _Raw) -> Result:
    return _read_error(raw["error"]) if "error" in raw else _read_completion(raw["completion"])


def _read_pace(raw: _Raw) -> readings.Pace:
    vram = raw["peak_vram_bytes"]
    return readings.Pace(
        prefill_ms=_number(raw["prefill_ms"]),
        token_ms=tuple(map(_number, raw["token_ms"])),
        prompt_tokens=_count(raw["prompt_tokens"]),
        rss_bytes=_count(raw["rss_bytes"]),
        peak_rss_bytes=_count(raw["peak_rss_bytes"]),
        peak_vram_bytes=None if vram is None else _count(vram),
    )


def _read_module(raw: _Raw) -> readings.ModuleTrace:
    return readings.ModuleTrace(
        name=_text(raw["name"]),
        kind=readings.ModuleKind(raw["kind"]),
        shape=tuple(map(_count, raw["shape"])),
        mean=_number(raw["mean"]),
        std=_number(raw["std"]),
        rms=_number(raw["rms"]),
        max_abs=_number(raw["max_abs"]),
        nan=_count(raw["nan"]),
        inf=_count(raw["inf"]),
        zero_fraction=_number(raw["zero_fraction"]),
        spread=_number(raw["spread"]),
    )


def _number(raw: Any) -> float:  # noqa: ANN401 - JSON, not read yet
    if type(raw) not in (int, float) or not math.isfinite(raw):
        raise TypeError(f"{raw!r} is no finite number")
    return float(raw)


def _count(raw: Any) -> int:  # noqa: ANN401 - JSON, not read yet
    if type(raw) is not int or raw < 0:
        raise TypeError(f"{raw!r} counts nothing")
    return raw


def _rows(raw: Any) -> tuple[tuple[int, ...], ...]:  # noqa: ANN401 - JSON, not read yet
    return tuple(_row(row) for row in raw)


def _row(raw: Any) -> tuple[int, ...]:  # noqa: ANN401 - JSON, not read yet
    if not isinstance(raw, list) or not all(type(token) is int for token in raw):
        raise TypeError("a row is not a list of whole numbers")
    return tuple(raw)


def _texts(raw: Any) -> tuple[str, ...]:  # noqa: ANN401 - JSON, not read yet
    return tuple(_text(text) for text in raw)


def _text(raw: Any) -> str:  # noqa: ANN401 - JSON, not read yet
    if not isinstance(raw, str):
        raise TypeError(f"{raw!r} is no text")
    return raw


def _read_error(raw: _Raw) -> EngineError:
    match raw["kind"]:
        case "unavailable":
            return EngineUnavailable(raw["engine"], raw["message"], install=raw["install"])
        case "out_of_memory":
            return EngineOutOfMemory(raw["message"])
        case "refused":
            return EngineRefused(raw["message"])
        case other:
            raise ValueError(f"no error is called {other!r}")


def _read_completion(raw: _Raw) -> Completion:
    return Completion(
        request_id=raw["request_id"],
        answers=tuple(
            Answer(**{**answer, "token_ids": tuple(answer["token_ids"]), "finish": Finish(answer["finish"])})
            for answer in raw["answers"]
        ),
        metrics=Metrics(**raw["metrics"]),
        notes=tuple(raw["notes"]),
    )
