"""The reader of event streams, against the WHATWG rules and against what an OpenAI stream must not do."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_aprqa.serving import SseParser, parse_sse
from pytest_aprqa.serving.sse import read_json

_DONE = b"data: [DONE]\n\n"


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b'data: {"a": 1}\n\n', ('{"a": 1}',)),
        (b'data:{"a": 1}\r\n\r\n', ('{"a": 1}',)),
        (b'data: {"a": 1}\r\r', ('{"a": 1}',)),
        (b'\xef\xbb\xbfdata: {"a": 1}\n\n', ('{"a": 1}',)),
        (b'data: {"a":\ndata: 1}\n\n', ('{"a":\n1}',)),
        (b': a comment\n\nid: 7\nretry: 10\nevent: x\ndata: {"a": 1}\n\n', ('{"a": 1}',)),
        (b'data:  {"a": 1}\n\n', (' {"a": 1}',)),
        (b"event: nothing\n\n", ()),
        (b"\n\n\n", ()),
        (b"", ()),
        ('data: {"a": "é你🎉"}\n\n'.encode(), ('{"a": "é你🎉"}',)),
    ],
)
def test_streams_that_keep_the_rules(stream: bytes, events: tuple[str, ...]) -> None:
    parsed = parse_sse([stream, _DONE])
    assert parsed == (events, True, ())


@pytest.mark.parametrize(
    ("stream", "events", "done", "problem"),
    [
        (b'{"a": 1}\n\n' + _DONE, (), True, "a line that is no field"),
        (b" data: {}\n\n" + _DONE, (), True, "a line that is no field"),
        (b"\xef\xbb\xbf\xef\xbb\xbfdata: {}\n\n" + _DONE, (), True, "a line that is no field"),
        (b"data: {\n\n" + _DONE, ("{",), True, "no JSON object"),
        (b"data: 1\n\n" + _DONE, ("1",), True, "it is int"),
        (b"data\n\n" + _DONE, ("",), True, "no JSON object"),
        (b'data: {"a": NaN}\n\n' + _DONE, ('{"a": NaN}',), True, "NaN"),
        (b"data: " + b"[" * 100_000 + b"\n\n" + _DONE, ("[" * 100_000,), True, "nested too deeply"),
        (b"data: {}\n\n", ("{}",), False, ""),
        (_DONE + b"data: {}\n\n", ("{}",), False, "after [DONE]"),
        (_DONE + _DONE, (), False, "after [DONE]"),
        (b"data: [DONE]\n", (), False, "without a blank line"),
        (b"data: {}\n\ndata: [DO", ("{}",), False, "without a blank line"),
        (b'data: {"a": "\xff"}\n\n' + _DONE, ('{"a": "\ufffd"}',), True, "no UTF-8"),
    ],
)
def test_streams_that_break_them(stream: bytes, events: tuple[str, ...], done: bool, problem: str) -> None:
    parsed = parse_sse([stream])
    assert (parsed.events, parsed.done) == (events, done)
    assert problem in " ".join(parsed.problems)
    assert bool(parsed.problems) == bool(problem)


def test_a_byte_order_mark_is_only_taken_from_the_beginning() -> None:
    parsed = parse_sse([b"data: {}\n\n\xef\xbb\xbfdata: {}\n\n"])
    assert parsed.events == ("{}",)
    assert parsed.problems


def test_many_problems_are_cut_short() -> None:
    parsed = parse_sse([b"nothing\n" * 10_000])
    assert len(parsed.problems) == 17
    assert parsed.problems[-1] == "and 9984 more"
    assert len(parse_sse([b"x" * 10_000 + b"\n"]).problems[0]) < 200


@settings(deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(
                [b"data: ", b"data", b":", b"\n", b"\r", b"\r\n", b"\n\n", b"\xef\xbb\xbf", b"[DONE]", b"{}"]
            ),
            st.text(max_size=4).map(lambda text: json.dumps({"t": text}, ensure_ascii=False).encode(errors="replace")),
            st.binary(max_size=4),
        ),
        max_size=20,
    ).map(b"".join),
    st.lists(st.integers(min_value=0, max_value=60), max_size=12),
)
def test_any_split_of_a_stream_gives_the_same_events(stream: bytes, places: list[int]) -> None:
    cuts = [0, *sorted(min(place, len(stream)) for place in places), len(stream)]
    chunks = [stream[start:end] for start, end in pairwise(cuts)]
    assert b"".join(chunks) == stream
    assert parse_sse(chunks) == parse_sse([stream])
    assert parse_sse(stream[place : place + 1] for place in range(len(stream))) == parse_sse([stream])


@settings(deadline=None)
@given(st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=20), max_size=3), max_size=5))
def test_what_a_server_sends_is_what_comes_out(values: list[dict[str, str]]) -> None:
    stream = b"".join(f"data: {json.dumps(value)}\n\n".encode() for value in values) + _DONE
    parsed = parse_sse([stream])
    assert [json.loads(data) for data in parsed.events] == values
    assert (parsed.done, parsed.problems) == (True, ())


def test_events_come_as_soon_as_they_are_complete() -> None:
    parser = SseParser()
    assert parser.feed(b"data: {}\n") == ()
    assert parser.feed(b"\r") == ("{}",)  # a line feed may follow, and belongs to it then
    assert parser.feed(b"\ndata: 2\n\n") == ("2",)


@pytest.mark.parametrize("text", ["", "{", "NaN", "[" * 100_000, "1" * 5000])
def test_what_is_no_json_is_one_kind_of_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_json(text)
