"""Is a text code of a language other than Python? Judged by its tree-sitter grammar, where that is installed.

Each grammar is a small package of its own, imported when first needed; without it there is no verdict. tree-sitter
recovers from errors, so "no error node" is asked for, and, as single words are valid in many languages, a construct
too.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Final

from pytest_aprqa.oracles.parsed import Parsed

if TYPE_CHECKING:
    from tree_sitter import Node, Parser, Tree

INSTALL: Final = "pip install 'pytest-aprqa[code]'"
_MODULES: Final = {
    "c": "tree_sitter_c",
    "cpp": "tree_sitter_cpp",
    "csharp": "tree_sitter_c_sharp",
    "go": "tree_sitter_go",
    "java": "tree_sitter_java",
    "javascript": "tree_sitter_javascript",
    "kotlin": "tree_sitter_kotlin",
    "rust": "tree_sitter_rust",
    "swift": "tree_sitter_swift",
    "typescript": "tree_sitter_typescript",
}
_WRAPPED: Final = {"java": ("class Wrapped {\n", "\n}"), "csharp": ("class Wrapped {\n", "\n}")}
"""Languages whose functions live in classes: a lone method is judged inside one."""
_CONSTRUCT: Final = re.compile(
    r"function|method|class|struct|enum|interface|trait|impl_|mod_item|protocol|property_declaration|variable_declaration"
    r"|lexical_declaration|short_var_declaration|var_declaration|const_declaration|type_declaration|let_declaration"
    r"|^declaration$|import|include|package|assignment|call_expression|invocation|macro|if_|for_|while_|match_|switch_"
)
_INSIDE: Final = re.compile(
    _CONSTRUCT.pattern + r"|return|binary|unary|jump|additive|multiplicative|index|field|member|block"
)
MAX_NODES: Final = 20_000
_MAX_DROPPED: Final = 3
"""Words or signs that a token limit may leave hanging at the end of a line."""
_CLOSERS: Final = {"{": "}", "(": ")", "[": "]"}


def parse_grammar(language: str, code: str, *, cut: bool, opening: str = "") -> Parsed:
    """Judges a piece of code, with the prompt's code before it where it goes on from there.

    Args:
        language: one of the table above; any other has no parser.
        code: the answer's text.
        cut: the token limit ended it: its last line may be incomplete and its brackets open.
        opening: the prompt's own code, which counts for nothing by itself.
    """
    if language not in _MODULES:
        return Parsed(None, missing=f"there is no parser for {language}")
    parser = _parser(language)
    if parser is None:
        return Parsed(None, missing=f"the {language} grammar is not installed: {INSTALL}")
    skipped = len(opening.encode("utf-8", "replace"))
    constructs = _INSIDE if opening else _CONSTRUCT
    clean = False
    for text, shift in _variants(language, opening + code, cut):
        tree = parser.parse(text.encode("utf-8", "replace"))
        if not tree.root_node.has_error:
            clean = True
            if any(constructs.search(node.type) for node in _named(tree) if node.start_byte >= skipped + shift):
                return Parsed(None)
    return Parsed(f"valid {language}, but no construct of it" if clean else f"not valid {language}")


def installed() -> tuple[str, ...]:
    """Languages whose grammar is here."""
    return tuple(language for language in _MODULES if _parser(language) is not None)


@cache
def _parser(language: str) -> Parser | None:
    try:
        tree_sitter = importlib.import_module("tree_sitter")
        grammar = importlib.import_module(_MODULES[language])
    except ImportError:
        return None
    parser: Parser = tree_sitter.Parser(tree_sitter.Language(_pointer(grammar, language)))
    return parser


def _pointer(grammar: ModuleType, language: str) -> object:
    """The grammar itself; TypeScript's package holds two."""
    return grammar.language_typescript() if language == "typescript" else grammar.language()


def _variants(language: str, text: str, cut: bool) -> Iterator[tuple[str, int]]:
    """The text in each form in which it may be valid, with the bytes put before it."""
    texts = [text]
    if cut:
        texts += [each + _closers(each) for each in _shortened(text)]
    for each in texts:
        yield each, 0
        if language in _WRAPPED:
            before, after = _WRAPPED[language]
            yield before + each + after, len(before)


def _shortened(text: str) -> Iterator[str]:
    """The text less a few words at its end, then less its last line."""
    yield text
    for _ in range(_MAX_DROPPED):
        text = re.sub(r"\s*(?:\w+|[^\w\s])\s*\Z", "", text)
        if text.strip():
            yield text
    if "\n" in text:
        yield text.rpartition("\n")[0]


def _closers(text: str) -> str:
    """The brackets that a cut text leaves open, closed; strings and comments are passed over by a rough rule."""
    bare = re.sub(r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])'|//[^\n]*|/\*.*?(?:\*/|\Z)", "", text, flags=re.DOTALL)
    stack: list[str] = []
    for character in bare:
        if character in _CLOSERS:
            stack.append(_CLOSERS[character])
        elif stack and character == stack[-1]:
            stack.pop()
    return "\n" + "".join(reversed(stack))


def _named(tree: Tree) -> Iterator[Node]:
    """Named nodes below the root, at most `MAX_NODES`, without recursion."""
    cursor, seen = tree.walk(), 0
    descend = cursor.goto_first_child()
    while descend and seen < MAX_NODES:
        seen += 1
        if cursor.node is not None and cursor.node.is_named:
            yield cursor.node
        if cursor.goto_first_child() or cursor.goto_next_sibling():
            continue
        while descend and not cursor.goto_next_sibling():
            descend = cursor.goto_parent()
