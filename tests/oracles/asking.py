"""Questions and completions in one line, for tables."""

from __future__ import annotations

from pytest_aprqa.core import Answer, Completion, Finish, Json, Metrics
from pytest_aprqa.oracles import Question

METRICS = Metrics(duration_ms=1.0, prompt_tokens=3, generated_tokens=1, batch_size=1)


def said(*texts: str, finish: Finish = Finish.STOP) -> Completion:
    answers = tuple(Answer(text=text, token_ids=(1, 2), finish=finish, prompt_tokens=3) for text in texts)
    return Completion(request_id="r", answers=answers, metrics=METRICS)


def asked(*turns: str, expected: Json = None, declared: bool = False, category: str = "prompt") -> Question:
    return Question(turns=turns or ("Hello",), expected=expected, declared=declared, category=category)
