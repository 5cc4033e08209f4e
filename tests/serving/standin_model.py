"""What the stand-in server serves: a deterministic "model" that knows a few answers, and its tokenizer.

Pure: the same conversation always gives the same tokens, so that tests know ids, counts and texts beforehand.
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pytest_aprqa.core import Finish, Json
from pytest_aprqa.engines.fake import compute

STOP = "<|end|>"
STOP_ID = 0
CONTEXT_TOKENS = 2048
_VOCABULARY = 50_000
_TOKEN = re.compile(r"<\|\w+\|>| ?\w{1,12}| ?[^\w\s]|\s")
_CAPITALS = {"france": "Paris", "germany": "Berlin", "italy": "Rome", "spain": "Madrid", "japan": "Tokyo"}
_CAPITAL = re.compile(r"capital of (\w+)", re.IGNORECASE)
_ECHO = re.compile(r"(?:repeat|echo|say)(?: [\w ]{1,40})?:\s*(.*)", re.IGNORECASE | re.DOTALL)
_COUNT = re.compile(r"\bcount\b(?:.*?\bto (\d+))?", re.IGNORECASE | re.DOTALL)
_FACT = re.compile(r"\b(?:my|the) ([\w ]{1,40}?) is ([\w-]+)", re.IGNORECASE)
_ASKED = re.compile(r"what (?:is|was) (my|the) ([\w ]{1,40})", re.IGNORECASE)
_ORDERED_WORD = re.compile(r"(?:answer|reply|respond|say|word|write)\b.*?\b([A-Z]{3,})\b", re.DOTALL)
_LONG = re.compile(r"\b(?:explain|describe|story|essay|write)\b", re.IGNORECASE)


def pieces(text: str) -> list[str]:
    """The text cut into tokens; joined they are the text."""
    return _TOKEN.findall(text)


def count(text: str) -> int:
    """How many tokens a plain text has."""
    return len(pieces(text))


def encode(text: str) -> tuple[int, ...]:
    """The model's own ids of a plain text."""
    return tuple(token_id(piece) for piece in pieces(text))


def token_id(piece: str) -> int:
    """Id of one token."""
    return STOP_ID if piece == STOP else 1 + zlib.crc32(piece.encode()) % (_VOCABULARY - 1)


def render(messages: Iterable[Mapping[str, str]]) -> str:
    """The chat template."""
    turns = "".join(f"<|{one['role']}|>\n{one['content']}\n" for one in messages)
    return f"{turns}<|assistant|>\n"


@dataclass(frozen=True, slots=True)
class Utterance:
    """What the model generates."""

    tokens: tuple[str, ...]
    """Without the stop token."""
    finish: Finish
    prompt_tokens: int
    by_stop_text: bool = False
    """Whether a stop sequence ended it, and no stop token."""

    @property
    def text(self) -> str:
        return "".join(self.tokens)

    @property
    def ids(self) -> tuple[int, ...]:
        """The stop token included."""
        ended = self.finish is Finish.STOP and not self.by_stop_text
        return tuple(token_id(token) for token in self.tokens) + ((STOP_ID,) if ended else ())

    @property
    def generated_tokens(self) -> int:
        return len(self.ids)


def chat(messages: Sequence[Mapping[str, str]], *, max_tokens: int = 64, stop: Sequence[str] = ()) -> Utterance:
    """The next message of a conversation."""
    room = CONTEXT_TOKENS - count(render(messages))
    return utter(answer(messages), count(render(messages)), max_tokens=min(max_tokens, room), stop=stop)


def complete(prompt: str, *, max_tokens: int = 64, stop: Sequence[str] = ()) -> Utterance:
    """The continuation of a raw prompt."""
    room = CONTEXT_TOKENS - count(prompt)
    return utter(continuation(prompt), count(prompt), max_tokens=min(max_tokens, room), stop=stop)


def utter(text: str, prompt_tokens: int, *, max_tokens: int, stop: Sequence[str] = ()) -> Utterance:
    """A text as far as the limits let it."""
    cut = min((place for word in stop if word and (place := text.find(word)) >= 0), default=None)
    tokens = pieces(text if cut is None else text[:cut])
    if max_tokens < len(tokens) or (max_tokens == len(tokens) and cut is None):
        return Utterance(tuple(tokens[:max_tokens]), Finish.LENGTH, prompt_tokens)
    return Utterance(tuple(tokens), Finish.STOP, prompt_tokens, by_stop_text=cut is not None)


def answer(messages: Sequence[Mapping[str, str]]) -> str:
    """What is said to the last message, in full."""
    question = messages[-1]["content"].strip()
    system = " ".join(one["content"] for one in messages if one["role"] == "system")
    if (ordered := _ORDERED_WORD.search(system)) is not None:
        return ordered[1]
    known = _reply(question, [one["content"] for one in messages[:-1] if one["role"] != "assistant"])
    return f"Arr! {known}" if "pirate" in system.lower() else known


def continuation(prompt: str) -> str:
    """What continues a raw text."""
    if (found := _CAPITAL.search(prompt)) is not None and prompt.rstrip().endswith(" is"):
        return f" {_CAPITALS.get(found[1].lower(), 'unknown')}."
    if prompt.rstrip().endswith("="):
        return compute(prompt) or "?"
    return f" {_reply(prompt.strip(), [])}"


def logprobs(token: str, top: int) -> list[tuple[str, float]]:
    """The likeliest tokens with their log-probabilities, the generated one first."""
    share = 0.6 + zlib.crc32(token.encode()) % 350 / 1000
    others = [f" other{place}" for place in range(1, max(top, 1))]
    return [(token, math.log(share)), *((name, math.log((1 - share) / (len(others) + 1))) for name in others)]


def chat_logprobs(tokens: Sequence[str], top: int) -> dict[str, Json]:
    """In the shape of chat completions."""

    def row(token: str, logprob: float) -> dict[str, Json]:
        return {"token": token, "logprob": logprob, "bytes": list(token.encode())}

    content: list[Json] = []
    for token in tokens:
        likeliest = logprobs(token, top)
        content.append(row(*likeliest[0]) | {"top_logprobs": [row(*one) for one in likeliest[:top]]})
    return {"content": content}


def text_logprobs(tokens: Sequence[str], top: int) -> dict[str, Json]:
    """In the shape of completions."""
    rows = [logprobs(token, top) for token in tokens]
    offsets = [len("".join(tokens[:place])) for place in range(len(tokens))]
    return {
        "tokens": list(tokens),
        "token_logprobs": [row[0][1] for row in rows],
        "top_logprobs": [dict(row[:top]) for row in rows],
        "text_offset": list(offsets),
    }


def _reply(question: str, earlier: Sequence[str]) -> str:
    if (echo := _ECHO.fullmatch(question)) is not None:
        return echo[1]
    if (value := compute(question)) is not None:
        return value
    if (capital := _CAPITAL.search(question)) is not None:
        return f"{_CAPITALS.get(capital[1].lower(), 'Nowhere')}."
    if re.search(r"\b(?:hello|hi)\b", question, re.IGNORECASE) or not question:
        return "Hello!"
    if (asked := _ASKED.search(question)) is not None:
        return _recall(asked[1].lower(), asked[2].strip().lower(), earlier)
    if (counting := _COUNT.search(question)) is not None:
        return ", ".join(str(number) for number in range(1, min(int(counting[1] or 200), 5000) + 1)) + "."
    if _LONG.search(question):
        return f"About {question} " + " ".join(f"point {number};" for number in range(1, 121))
    return f"You said: {question}"


def _recall(whose: str, what: str, earlier: Sequence[str]) -> str:
    for text in reversed(earlier):
        for found in _FACT.finditer(text):
            if found[1].strip().lower() == what:
                return f"{'Your' if whose == 'my' else 'The'} {what} is {found[2]}."
    return f"I do not know {'your' if whose == 'my' else 'the'} {what}."
