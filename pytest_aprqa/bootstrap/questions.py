"""What instruct models are asked: hand-written, each with its answer; drawn questions come from the scenarios room."""

from __future__ import annotations

from typing import Final

from pytest_aprqa.bootstrap.asked import Asked, Bank, json_value, number, pattern, program, word
from pytest_aprqa.core import OracleSpec
from pytest_aprqa.kernels import EVERY, Topic

_A, _C, _F, _R, _L, _P = (
    Topic.ARITHMETIC,
    Topic.CARRY,
    Topic.FACTS,
    Topic.RECALL,
    Topic.LANGUAGES,
    Topic.POSITION,
)

_ARITHMETIC: Final = (
    number(_A, 0, "two_plus_two", "What is 2+2?", 4),
    number(_A, 1, "seven_times_eight", "What is 7*8?", 56),
    number(_A, 0, "three_plus_six", "What is 3+6?", 9),
    number(_A, 1, "fifteen_minus_seven", "What is 15-7?", 8),
    number(_A, 1, "hundred_by_four", "What is 100/4?", 25),
    number(_A, 2, "boxes_of_eggs", "A box holds 12 eggs. How many eggs are in 5 boxes?", 60, max_tokens=96),
    number(_A, 2, "seventeen_times_six", "What is 17*6?", 102),
    number(_A, 0, "one_plus_one", "What is 1+1?", 2),
)
_CARRY: Final = (
    number(_C, 0, "ninety_nine_plus_one", "What is 99+1?", 100),
    number(_C, 1, "nine_plus_one", "What is 9+1?", 10),
    number(_C, 1, "long_carry", "What is 999+1?", 1000),
    number(_C, 1, "tenths", "What is 0.1+0.2?", 0.3),
    number(_C, 2, "three_summands", "What is 58+67+75?", 200, max_tokens=96),
    number(_C, 2, "four_digits", "What is 4789+3256?", 8045, max_tokens=96),
    number(_C, 2, "long_borrow", "What is 1000000-999999?", 1, max_tokens=96),
)
_FACTS: Final = (
    word(_F, 0, "capital_of_japan", "What is the capital of Japan?", "Tokyo"),
    word(_F, 0, "opposite_of_hot", "What is the opposite of hot?", "cold"),
    word(_F, 1, "red_planet", "Which planet is known as the Red Planet?", "Mars"),
    word(_F, 1, "water", "What is the chemical formula of water?", "H2O", "H₂O", "H_2O"),
    word(_F, 0, "days_of_the_week", "List the days of the week.", "Wednesday", max_tokens=64),
    word(_F, 1, "romeo_and_juliet", "Who wrote Romeo and Juliet?", "Shakespeare"),
    word(_F, 2, "smallest_prime", "What is the smallest prime number?", "2", "two"),
)
_RECALL: Final = (
    word(
        _R, 0, "color_of_the_cat", "The cat is black. The dog is white. What color is the cat?", "black", max_tokens=64
    ),
    word(_R, 1, "name_over_turns", ("My name is Alice.", "What is 2+3?", "What is my name?"), "Alice"),
    word(
        _R,
        0,
        "topic_over_turns",
        ("What is the capital of France?", "Which language do people speak there?"),
        "French",
        max_tokens=64,
    ),
    word(_R, 0, "color_over_turns", ("The cat is black.", "What color is the cat?"), "black", max_tokens=64),
    word(_R, 1, "ball_of_anna", "Anna has a red ball. Tom has a blue ball. Which color is Anna's ball?", "red"),
    Asked(
        _R,
        1,
        "sum_over_turns",
        ("What is 2+3?", "Add 4 to that."),
        OracleSpec("arithmetic"),
        64,
        expected=9,
    ),
    Asked(
        _R,
        1,
        "number_over_turns",
        ("Remember the number 42.", "Name three fruits.", "Which number did I tell you?"),
        OracleSpec("regex", {"pattern": r"(?<!\d)42(?!\d)"}),
        64,
    ),
    word(
        _R,
        2,
        "key_in_prompt",
        "The red key opens the cellar, the green key opens the attic, and the blue key opens the shed. "
        "Which room does the green key open?",
        "attic",
        max_tokens=64,
    ),
    word(
        _R,
        2,
        "pets_over_turns",
        (
            "I have a cat called Luna and a dog called Max.",
            "What is 7*8?",
            "What is the capital of France?",
            "What is my dog called?",
        ),
        "Max",
    ),
)
_CODE: Final = (
    program(0, "python_add", "Write a Python function that adds two numbers.", "python"),
    program(
        1,
        "python_prime",
        "Write a Python function that checks whether a number is prime. Reply with code only.",
        "python",
    ),
    program(
        1,
        "javascript_reverse",
        "Write a JavaScript function that reverses a string. Reply with code only.",
        "javascript",
    ),
    program(
        2,
        "rust_fibonacci",
        "Write a Rust function that returns the n-th Fibonacci number. Reply with code only.",
        "rust",
    ),
    program(
        2, "go_maximum", "Write a Go function that returns the larger of two integers. Reply with code only.", "go"
    ),
    program(1, "c_factorial", "Write a C function that computes a factorial. Reply with code only.", "c"),
    program(0, "python_square", "Write a Python function that squares a number.", "python"),
)
_JSON: Final = (
    json_value(0, "json_person", 'Return a JSON object with the keys "name" and "age". Reply with JSON only.'),
    json_value(
        1,
        "json_array",
        "Return a JSON array of the numbers 1, 2 and 3. Reply with JSON only.",
        expected=[1, 2, 3],
    ),
    json_value(
        2,
        "json_extracted",
        'Paris is in France. Say so as a JSON object with the keys "city" and "country". Reply with JSON only.',
        "city",
        "country",
    ),
    json_value(
        1, "json_keys", 'Return a JSON object with the keys "id" and "color". Reply with JSON only.', "id", "color"
    ),
)
_LANGUAGES: Final = (
    number(_L, 0, "spanish_sum", "¿Cuánto es 2+2?", 4),
    word(_L, 1, "french_capital", "Quelle est la capitale de la France ?", "Paris"),
    word(_L, 1, "german_capital", "Was ist die Hauptstadt von Deutschland?", "Berlin"),
    word(_L, 1, "chinese_capital", "中国的首都是哪里？", "北京", "Beijing"),
    word(_L, 1, "japanese_capital", "日本の首都はどこですか？", "東京", "Tokyo"),
    word(_L, 2, "russian_capital", "Назови столицу России.", "Москва", "Moscow"),
    word(_L, 2, "arabic_capital", "ما هي عاصمة مصر؟", "القاهرة", "Cairo"),
    word(_L, 2, "korean_capital", "한국의 수도는 어디입니까?", "서울", "Seoul"),
)
_IN_ORDER: Final = OracleSpec("regex", {"pattern": r"\b7\b.{1,12}\b8\b.{1,12}\b9\b.{1,12}\b10\b", "flags": "s"})
"""Also where each number stands on a line of its own, behind its number."""
_POSITION: Final = (
    Asked(_P, 0, "count_to_ten", ("Count from 1 to 10.",), _IN_ORDER, 96),
    word(_P, 1, "letter_after_c", "Which letter comes after C in the alphabet?", "D"),
    pattern(
        _P,
        1,
        "count_to_twenty",
        "List the numbers from 1 to 20, separated by commas.",
        r"17, *18, *19, *20",
        max_tokens=96,
    ),
    word(_P, 1, "month_before_may", "Which month comes right before May?", "April"),
    word(_P, 2, "third_word", "What is the third word of this list: river, stone, cloud, forest?", "cloud"),
    pattern(_P, 2, "count_down", "Count down from 10 to 1.", r"4\D+3\D+2\D+1", max_tokens=96),
)

QUESTIONS: Final = Bank(
    (*_ARITHMETIC, *_CARRY, *_FACTS, *_RECALL, *_CODE, *_JSON, *_LANGUAGES, *_POSITION), topics=EVERY
)
"""For models that answer."""
