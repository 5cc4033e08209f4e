from __future__ import annotations

import pytest

from pytest_aprqa.core import Json
from pytest_aprqa.gates.server.forks import Path, Rival, Step
from pytest_aprqa.gates.server.told import told_path


def chat(*tokens: Json) -> Json:
    return {"choices": [{"logprobs": {"content": [*tokens]}}]}


def token(text: str, logprob: float, **likeliest: float) -> Json:
    top: list[Json] = [{"token": other, "logprob": one} for other, one in {text: logprob, **likeliest}.items()]
    return {"token": text, "logprob": logprob, "top_logprobs": top}


TOLD = Path("ab", (Step(1, (Rival("x", 0.5), Rival("", 1.0, whole=False))), Step(2), Step(2)))


def test_a_chat_tells_its_tokens_and_hides_its_stop() -> None:
    body = chat(token("a", -0.5, x=-1.0, **{"\ufffd": -1.5}), token("b", -0.1, far=-9.0), token("<|im_end|>", -0.1))
    assert told_path(body, "ab") == TOLD


def test_a_raw_prompt_tells_them_in_another_shape() -> None:
    told: Json = {
        "tokens": ["a", "b", "</s>"],
        "token_logprobs": [-0.5, -0.1, -0.1],
        "top_logprobs": [{"a": -0.5, "x": -1.0, "\ufffd": -1.5}, {"b": -0.1}, {}],
    }
    assert told_path({"choices": [{"logprobs": told}]}, "ab") == TOLD


def test_tokens_of_another_text_tell_nothing() -> None:
    assert told_path(chat(token("a", -0.5)), "b") is None


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        {"choices": [{}]},
        chat(),
        chat("x"),
        chat({"token": "a"}),
        chat({"token": "a", "logprob": "much"}),
        chat({"token": "a", "logprob": 0.0, "top_logprobs": [3]}),
        {"choices": [{"logprobs": {"tokens": 3}}]},
        {"choices": [{"logprobs": {"tokens": ["a"], "token_logprobs": [], "top_logprobs": []}}]},
        {"choices": [{"logprobs": {"tokens": ["a"], "token_logprobs": [0.0], "top_logprobs": [None]}}]},
    ],
)
def test_log_probabilities_of_any_shape_are_no_traceback(body: Json) -> None:
    assert told_path(body, "a") is None
