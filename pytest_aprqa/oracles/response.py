"""Response: is the last answer about what was asked?

Relevance is the share of the prompt's content words that come back in the answer, after light stemming. It can
refute only an answer long enough to talk about something: "Paris" repeats no word of "What is the capital of
France?" and is right. Coherence means that the answer is not the prompt again.
"""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from pytest_aprqa.core import Completion, Verdict, corroborated, falsified, inconclusive
from pytest_aprqa.oracles.kind import Config
from pytest_aprqa.oracles.numerals import number_word
from pytest_aprqa.oracles.question import Question
from pytest_aprqa.oracles.settings import read_flag, read_number
from pytest_aprqa.oracles.text import counted, excerpt, window, without_echo, words_of

KEYS: Final = frozenset({"min_relevance", "check_coherence"})
MIN_CONTENT_WORDS: Final = 2
MIN_ANSWER_WORDS: Final = 5
"""Words from which an answer can be off the topic."""

_FUNCTION_WORDS: Final = frozenset({
    "a", "about", "after", "all", "also", "am", "an", "and", "any", "are", "as", "at", "be", "been", "before",
    "briefly", "but", "by", "can", "could", "define", "describe", "detail", "detailed", "did", "do", "does",
    "explain", "for", "from", "give", "had", "has", "have", "how", "i", "if", "in", "into", "is", "it", "its",
    "just", "let", "list", "make", "me", "my", "name", "no", "not", "now", "of", "on", "one", "or", "our", "please",
    "s", "say", "sentence", "sentences", "short", "should", "show", "so", "some", "t", "tell", "than", "that",
    "the", "their", "them", "then", "there", "these", "they", "this", "those", "to", "up", "us", "using", "very",
    "was", "we", "were", "what", "when", "where", "which", "who", "why", "will", "with", "word", "words", "would",
    "write", "you", "your",
})  # fmt: skip
_INSTRUCTION: Final = re.compile(
    r"^\W*(?:please )?"
    r"(?:explain|describe|define|list|name|give|tell|write|summari[sz]e|compare|discuss|translate|say|show|outline)\b"
    r"|\?\s*$|^\W*(?:what|how|why|which|who|where|when|can you|could you)\b",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Demands:
    """What a playbook may set."""

    min_relevance: float = 0.25
    """Smallest share of content words that must come back, 0.0-1.0."""
    check_coherence: bool = True
    """Refuse an answer that only repeats the prompt."""


def read_demands(config: Config) -> Demands:
    """The demands that a configuration makes; ValueError for those that make no sense."""
    return Demands(
        read_number(config, "min_relevance", 0.25, high=1.0), read_flag(config, "check_coherence", default=True)
    )


def content_words(text: str) -> AbstractSet[str]:
    """Stems of the words that carry meaning; numbers count, spelled or not.

    >>> sorted(content_words("Explain the differences between a stack and 10 queues."))
    ['10', 'between', 'differenc', 'queu', 'stack']
    """
    return {_stem(word) for word in words_of(text) if word not in _FUNCTION_WORDS and (len(word) > 1 or word.isdigit())}


def asks_response(question: Question, least: int = MIN_CONTENT_WORDS) -> bool:
    """True for a question or an instruction in prose with enough content words; false for a text to be continued."""
    prompt = question.prompt[:8000].strip()
    return bool(_INSTRUCTION.search(prompt)) and len(content_words(prompt)) >= least


def judge_response(question: Question, completion: Completion, config: Config) -> Verdict:
    """Corroborated when the answer is about the prompt; inconclusive when prompt or answer is too short to tell."""
    demands = read_demands(config)
    answer = window(completion.text)
    said = without_echo(answer, question.prompt)
    if demands.check_coherence and (not said.strip() or words_of(answer) == words_of(window(question.prompt))):
        return falsified("the answer only repeats the prompt", answer=excerpt(answer))
    wanted = content_words(window(question.prompt))
    if len(wanted) < MIN_CONTENT_WORDS:
        return inconclusive(f"{counted(len(wanted), 'content word')} in the prompt are too few to judge relevance by")
    met = wanted & content_words(said)
    relevance = len(met) / len(wanted)
    seen = f"{len(met)} of the prompt's {len(wanted)} content words come back"
    if relevance >= demands.min_relevance:
        return corroborated(f"relevance {relevance:.2f}: {seen}", compared=len(wanted), answer=excerpt(answer))
    if len(words_of(said)) < MIN_ANSWER_WORDS:
        return inconclusive(f"{counted(len(words_of(said)), 'word')} are too short an answer to judge relevance by")
    wanting = f"relevance {relevance:.2f} is below {demands.min_relevance:g}: {seen}"
    return falsified(wanting, compared=len(wanted), answer=excerpt(answer))


def _stem(word: str) -> str:
    number = number_word(word)
    if number is not None:
        return str(number)
    for ending in (
        "ational",
        "ation",
        "ions",
        "ings",
        "ies",
        "ing",
        "ion",
        "ers",
        "ed",
        "er",
        "ly",
        "es",
        "s",
        "e",
        "y",
    ):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word[: -len(ending)]
    return word[:-1] if len(word) > 3 and word.endswith("s") else word
