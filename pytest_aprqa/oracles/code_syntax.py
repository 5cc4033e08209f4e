"""Code syntax: does the last answer hold code that parses?

Fenced blocks are judged where there are any (those in the asked language, or without a tag); else the whole answer,
the answer as a continuation of the prompt's own code, and the lines of the answer that look like code. Says nothing
of what the code does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pytest_aprqa.core import Completion, Finish, Verdict, corroborated, falsified, inconclusive
from pytest_aprqa.oracles.blocks import MAX_CODE, Block, fenced_blocks, looks_like_code, plain_block
from pytest_aprqa.oracles.grammars import parse_grammar
from pytest_aprqa.oracles.kind import Config
from pytest_aprqa.oracles.languages import KNOWN, asked_language, canonical, opens_code
from pytest_aprqa.oracles.parsed import Parsed
from pytest_aprqa.oracles.python_code import parse_continuation, parse_python
from pytest_aprqa.oracles.question import Question
from pytest_aprqa.oracles.settings import read_texts
from pytest_aprqa.oracles.text import counted, excerpt, without_echo

KEYS: Final = frozenset({"languages"})
MAX_GUESS: Final = 600
"""Characters that are parsed as each of several languages in turn."""


@dataclass(frozen=True, slots=True)
class _Judged:
    """What the parsers said of one piece, language by language."""

    language: str
    parsed: Parsed


def read_languages(config: Config) -> tuple[str, ...]:
    """The languages that an answer may be in; none means any known."""
    return tuple(canonical(name) for name in read_texts(config, "languages"))


def judge_code_syntax(question: Question, completion: Completion, config: Config) -> Verdict:
    """Corroborated when the code parses; inconclusive when no parser for it is here; falsified without code."""
    languages = read_languages(config)
    asked = asked_language(question)
    allowed = (asked,) if asked else languages or KNOWN
    answer = completion.answers[-1]
    text, cut = without_echo(answer.text, question.prompt), answer.finish is Finish.LENGTH
    fenced = fenced_blocks(text[: 4 * MAX_CODE])
    if fenced:
        return _judge_fenced(fenced, allowed, cut)
    judged = _judge_plain(question.prompt, text, allowed, cut)
    return _verdict([judged], text, code_seen=looks_like_code(text))


def _judge_fenced(blocks: Sequence[Block], allowed: tuple[str, ...], cut: bool) -> Verdict:
    """Each block in an allowed language must parse; blocks of another known language are no answer, others no code."""
    tagged = [block for block in blocks if block.language in allowed]
    chosen = tagged or [block for block in blocks if block.language not in KNOWN]
    if not chosen:
        return falsified(
            f"asked for {_either(allowed)}, answered in {blocks[0].language}", answer=excerpt(blocks[0].code)
        )
    judged = []
    for block in chosen:
        names = (block.language,) if block.language in allowed and block.language else allowed
        judged.append(_first([_judge(name, block.code, block.cut or (cut and block.last)) for name in names]))
    if not tagged:  # one of the blocks without a tag is the code, the others may be its output
        judged = [_first(judged)]
    return _verdict(judged, "\n".join(block.code for block in chosen), code_seen=True)


def _judge_plain(prompt: str, text: str, allowed: tuple[str, ...], cut: bool) -> _Judged:
    """The first reading of the text as code that holds: after the prompt's code, as a whole, its lines of code."""
    block, whole = plain_block(text), text[:MAX_CODE]
    cut = cut or len(text) > MAX_CODE
    # Where the language is settled, a last `{` or `:` tells an opening that no first line gives away.
    opening = prompt if opens_code(prompt) or (len(allowed) == 1 and prompt.rstrip().endswith(("{", ":"))) else ""
    judged: list[_Judged] = []
    for name in allowed if opening or block else allowed[:1]:  # where nothing looks like code, one parser says so
        if opening:
            judged.append(_Judged(name, _continue(name, opening, whole, cut)))
        if len(allowed) == 1 or block is None:
            judged.append(_judge(name, whole, cut))
        if block:
            # To guess the language the beginning is enough.
            code = block.code if len(allowed) == 1 else block.code[:MAX_GUESS]
            judged.append(_judge(name, code, (cut and block.last) or len(code) < len(block.code)))
        if judged[-1].parsed.holds:
            break
    return _first(judged)


def _judge(language: str, code: str, cut: bool) -> _Judged:
    parsed = parse_python(code, cut=cut) if language == "python" else parse_grammar(language, code, cut=cut)
    return _Judged(language, parsed)


def _continue(language: str, opening: str, answer: str, cut: bool) -> Parsed:
    if language == "python":
        return parse_continuation(opening, answer, cut=cut)
    return parse_grammar(language, answer, cut=cut, opening=opening)


def _first(judged: Sequence[_Judged]) -> _Judged:
    """The best: one that holds, else one whose parser is missing, else the first problem."""
    holding = [each for each in judged if each.parsed.holds]
    missing = [each for each in judged if each.parsed.missing]
    return (holding or missing or list(judged))[0]


def _verdict(judged: Sequence[_Judged], text: str, *, code_seen: bool) -> Verdict:
    problems = [each for each in judged if each.parsed.problem]
    missing = [each for each in judged if each.parsed.missing]
    if not code_seen and not all(each.parsed.holds for each in judged):
        return falsified("no code in the answer", answer=excerpt(text))
    if problems:
        problem = f"the code is not {problems[0].language}: {problems[0].parsed.problem}"
        return falsified(problem, compared=len(judged), answer=excerpt(text))
    if missing:
        return inconclusive(f"the code cannot be parsed here: {missing[0].parsed.missing}", answer=excerpt(text))
    names = _either(sorted({each.language for each in judged}))
    return corroborated(
        f"{counted(len(judged), 'piece')} of code parses as {names}", compared=len(judged), answer=excerpt(text)
    )


def _either(names: Sequence[str]) -> str:
    return " or ".join(names) if len(names) <= 3 else f"one of {len(names)} languages"
