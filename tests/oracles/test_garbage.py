from __future__ import annotations

import pytest

from pytest_aprqa.core import Finish, Outcome
from pytest_aprqa.oracles import Limits, find_garbage
from pytest_aprqa.oracles.garbage import judge_garbage
from tests.oracles.asking import asked, said

ACCEPTED = (
    "4",
    "Paris",
    "7",
    "The answer is 4.",
    "I would like some more tea.",
    "This is a longer plain answer of nine words.",
    "information",
    "Inference is how a model infers information.",
    "In JavaScript, 0/0 is NaN.",
    "Ha ha ha ha",
    "no no no",
    "東京は日本の首都です。",
    "巴黎是法国的首都。",
    "باريس هي عاصمة فرنسا.",
    "पेरिस फ्रांस की राजधानी है।",
    "Париж — столица Франции.",
    "파리는 프랑스의 수도입니다. Python은 언어입니다.",
    "使用Python编程很有趣，尤其是NumPy库。",
    "Hello: Привет (Russian), 你好 (Chinese), مرحبا (Arabic), שלום (Hebrew)",
    "Δx is about 3 μm, and αβ = λ.",
    "Stół i półka są w szkole, a wół w stodole.",
    "🎉🎉🎉🎉🎉🎉",
    "👍",
    "```python\nprint('hi')\n```",
    "def add(a, b):\n    return a + b\n",
    '{"name": "Ada", "born": 1815}',
    "1. Apple\n2. Banana\n3. Cherry",
    "2, 4, 6, 8, 10, 12, 14, 16, 18, 20",
    "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |",
    "Title\n=====================\n\nSome text.",
    "+------------------+-----+\n| name             | age |\n+------------------+-----+\n| Ada              | 36  |\n",
    "\x1b[1;32mParis\x1b[0m is the capital.",
    "The answer is 4.<|im_end|>",
    "4</s>",
    "x <- f <| g |> h",
    "Error: the denominator is zero, so there is no answer.",
)
REFUSED = {
    "": "empty answer",
    " \n\t ": "empty answer",
    "</s>": "empty answer",
    "A2" * 16: "'A2' repeated 16 times",
    "NING?" * 20: "repeated",
    "a" * 23: "repeated",
    "7" * 512: "repeated",
    "the the the the the the": "repeated",
    "Monday " * 30: "repeated",
    "no\nno no\nno\n\nno no no": "nothing but the word 'no'",
    "H" + " " * 31: "' ' repeated",
    "gap gap gap gap gap gap gapicleicleicleicleicleicleicle menos menos menos menos menos": "repeat",
    "I am a very helpful assistant and I am glad to help you today. " * 5: "comes 5 times",
    "one fish two fish red fish blue fish old fish new fish big fish": "the word 'fish'",
    "abcabdabcacbabcbabcbacbabcbacbbacbca": "different characters",
    "\x7f" * 32: "control character U+007F 32 times",
    "\x00\x01\x02\x03\x04": "control character",
    "Paris\ufffd is": "U+FFFD",
    "Paris \ue000 is": "U+E000",
    "Paris \ud800 is": "U+D800",
    "!@#$%^&*()_+": "12 symbols",
    ")) ))))>.>.])(( and ((,**),)-****-))**)**,))****,-=--=": "symbols among",
    "nan nan nan": "NaN",
    "NaN -inf nan": "NaN",
    "4<|im_end|>\n<|im_start|>user": "leaked special token '<|im_end|>'",
    "<pad>4": "leaked special token '<pad>'",
    "4 [/INST] and more": "leaked special token '[/INST]'",
    "<s>4": "leaked special token '<s>'",
    "one<|endoftext|>two": "leaked special token",
    "<start_of_turn>model\n4": "leaked special token",
    "<0x0A>4": "leaked special token",
    "⚃ <unk> ℏ <unk>": "leaked special token '<unk>'",
    "ÑģÐ¾ÐµÐ´ height": "bytes that were not decoded",
    "ĠtheĠcatĠsat": "word mark",
    "[Error: Failed to create GGUF model: Invalid shape]": "error message",
    " Traceback (most recent call last):\n  File": "error message",
    "RuntimeError: CUDA out of memory": "error message",
    "thread 'main' panicked at src/main.rs": "error message",
    "RestClient מסמRestClient פעםLikes妓מסמ appendChild妓פעם Nortezept": "change from one script to another",
    "the кот 猫 قطة house дом 房 بيت": "scripts change",
    "bindезультатylim dependencyезультат mindset都 dependency寅ов": "change from one script to another",
}


@pytest.mark.parametrize("text", ACCEPTED)
def test_answers_that_people_could_write_pass(text: str) -> None:
    assert find_garbage(text) is None


@pytest.mark.parametrize(("text", "named"), REFUSED.items())
def test_garbage_is_refused_and_named(text: str, named: str) -> None:
    found = find_garbage(text)
    assert found is not None
    assert named in found


def test_text_cut_inside_a_character_by_the_token_limit_passes() -> None:
    assert find_garbage("日本\ufffd", finish=Finish.LENGTH) is None
    assert find_garbage("日本\ufffd", finish=Finish.STOP) is not None
    assert find_garbage("日\ufffd本", finish=Finish.LENGTH) is not None


def test_prompt_may_be_quoted_back_with_its_special_tokens() -> None:
    assert find_garbage("The token <pad> fills.", prompt="What is <pad>?") is None


def test_echo_of_the_prompt_does_not_hide_what_follows() -> None:
    prompt = "Given x=5 and y=3, what is x*y? Then what is the result plus 10?"
    assert find_garbage(prompt + "R" * 32, prompt=prompt) is not None


def test_limits_have_an_effect() -> None:
    matrix = "[[1, 0, 0], [0, 1, 0], [0, 0, 1]]"
    assert find_garbage(matrix) is not None
    assert find_garbage(matrix, Limits(min_unique_chars=4)) is None
    fish = "one fish two fish red fish blue fish old fish new fish big fish"
    assert find_garbage(fish, Limits(max_repetition_ratio=0.6)) is None


def test_loop_at_the_end_of_a_long_answer_is_seen_within_the_window() -> None:
    prose = "".join(f"Sentence number {index} tells of thing {index * 7}. " for index in range(300))
    assert find_garbage(prose * 3) is None
    assert find_garbage(prose[:5000] + "loop " * 200_000) is not None


def test_verdict_names_the_turn() -> None:
    verdict = judge_garbage(asked("Hi", "And?"), said("Hello!", "\x7f" * 32), {})
    assert verdict.outcome is Outcome.FALSIFIED
    assert verdict.reason.startswith("garbage in turn 2: control character")


def test_pass_says_how_much_was_looked_at() -> None:
    verdict = judge_garbage(asked("Hi"), said("Hello there!"), {})
    assert verdict.reason == "not garbage: 12 characters, 2 words in 1 answer"
    assert verdict.compared == 1
