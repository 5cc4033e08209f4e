"""Programming languages: their names, how a text names one, and what makes a prompt a request for code.

Knows no grammar; parsing is in `python_code` and `grammars`.
"""

from __future__ import annotations

import re
from typing import Final

from pytest_aprqa.oracles.question import Question

_ALIASES: Final = {
    "py": "python", "python3": "python", "python2": "python", "js": "javascript", "jsx": "javascript",
    "node": "javascript",
    "ts": "typescript", "tsx": "typescript", "rs": "rust", "golang": "go", "c++": "cpp", "cc": "cpp", "cxx": "cpp",
    "hpp": "cpp",
    "h": "c", "cs": "csharp", "c#": "csharp", "c_sharp": "csharp", "c-sharp": "csharp", "kt": "kotlin",
}  # fmt: skip
KNOWN: Final = ("python", "rust", "javascript", "go", "java", "cpp", "typescript", "c", "csharp", "swift", "kotlin")
"""Languages that an answer can be parsed as."""

_NAMES: Final = (
    ("typescript", r"\btypescript\b"),
    ("javascript", r"\bjavascript\b|\bnode\.?js\b"),
    ("csharp", r"\bc#|\bc ?sharp\b"),
    ("cpp", r"\bc\+\+|\bcpp\b"),
    ("python", r"\bpython\b"),
    ("rust", r"\brust\b"),
    ("java", r"\bjava\b"),
    ("kotlin", r"\bkotlin\b"),
    ("swift", r"\bswift\b"),
    ("go", r"\bgolang\b|\b[Gg]o (?:function|program|code|method|struct)\b|\bin Go\b"),
    ("c", r"\b(?:a|in|the) C (?:function|program|code)\b|\bin C\b(?![#+])"),
)
_OPENINGS: Final = (
    ("python", r"(?:async )?def \w+\s*\(|class \w+\s*(?:\([^)\n]*\))?:|from \w[\w.]* import |import \w[\w.]*\s*$|@\w+"),
    ("rust", r"(?:pub (?:\(\w+\) )?)?(?:async )?(?:fn|struct|enum|trait|mod) \w+|impl\b[^\n]*\{?\s*$|use \w+::"),
    ("swift", r"func \w+[^\n]*\) ?->|(?:struct|protocol|extension) \w+"),
    ("go", r"func (?:\([^)\n]*\) )?\w+\(|package \w+"),
    ("kotlin", r"(?:suspend |private |override )?fun \w*"),
    ("csharp", r"using \w[\w.]*;|namespace \w+"),
    ("typescript", r"interface \w+|type \w+ =|function \w+\([^)\n]*:\s*\w+"),
    ("javascript", r"(?:async )?function\b|(?:const|let|var) \w+\s*=|class \w+(?: extends \w+)?\s*\{|import .* from "),
    ("java", r"(?:public|private|protected) (?:static |final |abstract )*(?:class |interface |[\w<>\[\]]+ \w+\s*\()"),
    ("cpp", r"#include <\w+>|template\s*<|std::"),
    ("c", r"#include|(?:int|void|char|double|float|struct) \w+\s*[({]"),
)
_OPENING: Final = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in _OPENINGS), re.MULTILINE)
_THING: Final = r"function|program|script|method|algorithm|snippet|code|regex|subroutine"
_REQUEST: Final = re.compile(
    rf"\b(?:write|implement|create|define|generate|complete|give me)\b[^.?!\n]*\b(?:{_THING})s?\b", re.I
)
_WH_QUESTION: Final = re.compile(r"^\W*(?:what|how|why|which|when|where|who|does|do|is|are)\b", re.I)


def canonical(name: str) -> str:
    """The one name of a language.

    >>> canonical("C++"), canonical("py"), canonical("Ruby")
    ('cpp', 'python', 'ruby')
    """
    lower = name.strip().lower()
    return _ALIASES.get(lower, lower)


def opens_code(text: str) -> str | None:
    """The language that a text's first line opens, such as ``def f(n):``; None for prose.

    >>> opens_code("fn main() {"), opens_code("def fibonacci(n):"), opens_code("Define a stack")
    ('rust', 'python', None)
    """
    found = _OPENING.match(text.lstrip())
    return found.lastgroup if found else None


def named_language(prompt: str) -> str | None:
    """The one language that a prompt names, None where it names none or several."""
    found = [name for name, pattern in _NAMES if re.search(pattern, prompt, 0 if name in ("go", "c") else re.I)]
    return found[0] if len(found) == 1 else None


def asks_code(question: Question) -> bool:
    """True when the last prompt opens code or asks for some.

    >>> (
    ...     asks_code(Question(("Write a Python function that adds.",))),
    ...     asks_code(Question(("Explain what a function is.",))),
    ... )
    (True, False)
    """
    prompt = question.prompt[:8000]
    if question.category == "code" or question.language or opens_code(prompt) or "```" in prompt:
        return True
    last = [part for part in re.split(r"(?<=[.?!])\s+", prompt.strip()) if part][-1:]
    return bool(_REQUEST.search(prompt)) and not any(_WH_QUESTION.match(part) for part in last)


def asked_language(question: Question) -> str | None:
    """The language that the answer should be in, None where nothing says."""
    prompt = question.prompt[:8000]
    fenced = re.search(r"```([\w+#-]+)", prompt)
    name = question.language or named_language(prompt) or (fenced[1] if fenced else None) or opens_code(prompt)
    return canonical(name) if name else None
