"""Messages arrive as they were sent, and what cannot be read is a ValueError."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from pytest_aprqa.engines import EngineFacts, Limits, ModuleKind, ModuleTrace, readings
from pytest_aprqa.engines.orders import (
    Activations,
    Decode,
    Encode,
    Generate,
    Greedy,
    Load,
    Logits,
    Order,
    Pace,
    Render,
    Sample,
    Stepwise,
    Together,
    Trace,
)
from pytest_aprqa.engines.wire import (
    Answered,
    Arrays,
    Failed,
    Loaded,
    Paced,
    Reply,
    Rows,
    Texts,
    Traced,
    decode_order,
    decode_reply,
    encode_order,
    encode_reply,
)

TARGET = Target("org/name", Format.GGUF, Quantization.Q4_K_M, Backend.GPU)
WEIGHTS = Weights(Path("/m"), (Path("/m/a"), Path("/m/b")), "test", revision="abc", digests={"a": "00"})
FACTS = EngineFacts("e", {"torch": "2"}, "cpu", "float32", 2, True, 4096, 1.5, 10)
PACE = readings.Pace(1.5, (0.25, 1e-9), prompt_tokens=3, rss_bytes=4, peak_rss_bytes=5, peak_vram_bytes=None)
MODULE = ModuleTrace("model.norm", ModuleKind.NORM, (2, 3), -0.1, 0.2, 0.3, 4.0, 1, 2, 0.5, 0.0)
COMPLETION = Completion("r", (Answer("é\n\x00", (1, 2), Finish.STOP, 3),), Metrics(1.0, 2, 3, 4), ("note",))


@pytest.mark.parametrize(
    "order",
    [
        Load("m:f", TARGET, WEIGHTS, Limits(threads=3, memory_bytes=5, dtype="bfloat16")),
        Load("m:f", Target("org/name", Format.SAFETENSORS, None, Backend.CPU), WEIGHTS, Limits(threads=1)),
        Generate((Request("a", ("x", "y"), system="s", prompting=Prompting.RAW, temperature=0.5, seed=2**32 - 1),)),
        Encode(("é", "\ud800\x00", ""), special=True),
        Decode(((1, 2), ())),
        Render((({"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}), ())),
        Greedy(((1,), (2, 3)), max_tokens=4),
        Logits((1, 2), last_only=True, folder=Path("/f")),
        Activations((3,), folder=Path("/f")),
        Pace((1, 2), tokens=7),
        Stepwise((1, 2, 3), given=2, folder=Path("/f")),
        Together(((1,), (2, 3)), folder=Path("/f")),
        Sample((1,), max_tokens=2, temperature=1.5, seed=2**32 - 1),
        Trace((1, 2)),
    ],
)
def test_orders_arrive_as_they_were_sent(order: Order) -> None:
    line = encode_order(order)
    assert line.count(b"\n") == 1
    assert decode_order(line) == order


@given(st.text(st.characters(codec=None)))
def test_any_text_travels_in_one_line(text: str) -> None:
    order = Generate((Request("a", (text,)),))
    assert encode_order(order).count(b"\n") == 1
    assert decode_order(encode_order(order)) == order


@pytest.mark.parametrize(
    "reply",
    [
        Rows(((1, 2), ())),
        Texts(("é\n", "")),
        Arrays({"logits": "0.npy"}),
        Paced(PACE),
        Paced(replace(PACE, token_ms=(), peak_vram_bytes=6)),
        Traced((MODULE, replace(MODULE, kind=ModuleKind.OTHER, shape=()))),
    ],
)
def test_measurements_arrive_as_they_were_sent(reply: Reply) -> None:
    assert decode_reply(encode_reply(reply)) == reply


def test_facts_and_answers_arrive_as_they_were_sent() -> None:
    assert decode_reply(encode_reply(Loaded(FACTS))) == Loaded(FACTS)
    assert decode_reply(encode_reply(Answered((COMPLETION,)))) == Answered((COMPLETION,))


@pytest.mark.parametrize(
    "error",
    [
        EngineRefused("no"),
        EngineOutOfMemory("big"),
        EngineUnavailable("e", "x; install it with: y", install="pip install z"),
    ],
)
def test_errors_keep_their_kind_and_words(error: EngineError) -> None:
    for reply in (Failed(error), Answered((error,))):
        match decode_reply(encode_reply(reply)):
            case Failed(arrived) | Answered((EngineError() as arrived,)):
                assert type(arrived) is type(error)
                assert str(arrived) == str(error)
            case other:
                pytest.fail(f"arrived as {other}")


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\xff\n",
        b"null\n",
        b"[]\n",
        b"{}\n",
        b'{"v":3}\n',
        b'{"v":3,"kind":"loaded"}\n',
        b'{"v":3,"kind":"loaded","body":{"facts":{"name":"x"}}}\n',
        b'{"v":3,"kind":"answered","body":{"results":[{"error":{"kind":"sad"}}]}}\n',
        b'{"v":3,"kind":"answered","body":{"results":[{}]}}\n',
        b'{"v":3,"kind":"rows","body":{"rows":[[true]]}}\n',
        b'{"v":3,"kind":"rows","body":{"rows":["12"]}}\n',
        b'{"v":3,"kind":"texts","body":{"texts":[1]}}\n',
        b'{"v":3,"kind":"arrays","body":{"files":{"a":1}}}\n',
        b'{"v":3,"kind":"arrays","body":{"files":["a"]}}\n',
        b"[" * 100_000 + b"\n",
    ],
)
def test_what_cannot_be_read_is_a_value_error(line: bytes) -> None:
    with pytest.raises(ValueError, match="unreadable message"):
        decode_reply(line)


@pytest.mark.parametrize(
    ("reply", "changes"),
    [
        (Paced(PACE), {"prefill_ms": float("nan")}),
        (Paced(PACE), {"token_ms": [1.0, float("inf")]}),
        (Paced(PACE), {"token_ms": ["1"]}),
        (Paced(PACE), {"prompt_tokens": 1.5}),
        (Paced(PACE), {"rss_bytes": -1}),
        (Paced(PACE), {"peak_vram_bytes": "many"}),
        (Traced((MODULE,)), {"kind": "heart"}),
        (Traced((MODULE,)), {"name": None}),
        (Traced((MODULE,)), {"mean": float("nan")}),
        (Traced((MODULE,)), {"spread": True}),
        (Traced((MODULE,)), {"nan": -1}),
        (Traced((MODULE,)), {"shape": [2, "x"]}),
    ],
)
def test_readings_that_are_no_numbers_are_a_value_error(reply: Reply, changes: dict[str, object]) -> None:
    message = json.loads(encode_reply(reply))
    body = message["body"]
    (body["pace"] if "pace" in body else body["modules"][0]).update(changes)
    with pytest.raises(ValueError, match="unreadable message"):
        decode_reply(json.dumps(message).encode() + b"\n")
