"""How text is split before merging: llama.cpp's names for it, and the structure that tokenizer.json has.

GGUF and APR keep the name alone, tokenizer.json the rule alone. Several names mean one rule; the first is written,
unless the family has a name of its own. A rule or name that is not in the table is refused, never guessed.

Facts from llama.cpp's llama-vocab.cpp and from the tokenizer.json files of the models.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pytest_aprqa.core import Json

Step = tuple[str, ...]
"""One step of a pre-tokenizer in short: its type, and what of its settings matters."""

_CL100K: Final = (
    r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
)
_CONTRACTIONS: Final = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_UPPER: Final = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
_LOWER: Final = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_CASED: Final = rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+", rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*"
_TAIL: Final = r"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"

_BYTES: Final[Step] = ("ByteLevel", "plain")
_BYTES_BY_RULE: Final[Step] = ("ByteLevel", "regex")
_DIGITS: Final[Step] = ("Digits", "individual")


@dataclass(frozen=True, slots=True)
class PreTokenizer:
    """One rule."""

    names: tuple[str, ...]
    """llama.cpp's names for it; the first is written by default."""
    steps: tuple[Step, ...]
    ignore_merges: bool = False
    """Whether a piece that is a token is taken whole, without merging; llama.cpp ties this to the name."""
    normalizer: str | None = None
    """What tokenizer.json does to the text before; llama.cpp does nothing."""


PRE_TOKENIZERS: Final[tuple[PreTokenizer, ...]] = (
    PreTokenizer(("gpt-2", "phi-2", "mpt", "olmo", "jais"), (_BYTES_BY_RULE,)),
    PreTokenizer(("smollm", "starcoder", "refact", "command-r", "codeshell"), (_DIGITS, _BYTES_BY_RULE)),
    PreTokenizer(
        ("llama-bpe", "llama3", "llama-v3", "falcon3", "pixtral"),
        (("Split", f"{_CONTRACTIONS}|{_CL100K[0]}"), _BYTES),
        ignore_merges=True,
    ),
    PreTokenizer(("dbrx", "smaug-bpe"), (("Split", f"{_CONTRACTIONS}|{_CL100K[0]}"), _BYTES)),
    PreTokenizer(
        ("qwen2", "stablelm2", "deepseek-r1-qwen", "megrez"),
        (("Split", f"{_CONTRACTIONS}|{_CL100K[1]}"), _BYTES),
        normalizer="NFC",
    ),
    PreTokenizer(("tekken",), (("Split", rf"{_CASED[0]}|{_CASED[1]}|\p{{N}}{_TAIL}"), _BYTES), ignore_merges=True),
    PreTokenizer(
        ("gpt-4o",),
        (
            (
                "Split",
                rf"{_CASED[0]}{_CONTRACTIONS}?|{_CASED[1]}{_CONTRACTIONS}?|\p{{N}}{{1,3}}{_TAIL}",
            ),
            _BYTES,
        ),
    ),
    PreTokenizer(
        ("default",),
        (
            ("Split", r"[\p{P}\$\+<=>\^~\|]+"),
            ("Split", r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)"),
            ("Split", r"\p{N}+"),
            ("Split", r"[0-9][0-9][0-9]"),
            _BYTES,
        ),
    ),
)

_FAMILY_NAMES: Final[Mapping[str, str]] = {"starcoder2": "starcoder", "granite": "refact", "stablelm": "stablelm2"}
"""The name that published files of a family have, where it is not the first of its rule."""


def named(name: str) -> PreTokenizer | None:
    """The rule of a name."""
    return next((rule for rule in PRE_TOKENIZERS if name in rule.names), None)


def name_of(structure: Json, *, ignore_merges: bool, model_type: str) -> str | None:
    """llama.cpp's name for a pre-tokenizer of tokenizer.json; None where it has none that we know.

    >>> name_of({"type": "ByteLevel", "add_prefix_space": False}, ignore_merges=False, model_type="llama")
    'gpt-2'
    """
    steps = _steps(structure)
    for rule in PRE_TOKENIZERS:
        if rule.steps == steps and rule.ignore_merges == ignore_merges:
            own = _FAMILY_NAMES.get(model_type)
            return own if own in rule.names else rule.names[0]
    return None


def equal_names(one: str | None, other: str | None) -> bool:
    """True when two names mean one rule.

    >>> equal_names("smollm", "starcoder"), equal_names("smollm", "gpt-2")
    (True, False)
    """
    if one == other or one is None or other is None:
        return one == other
    return named(one) is not None and named(one) is named(other)


def structure_of(rule: PreTokenizer) -> Json:
    """The rule as tokenizer.json has it."""
    steps: list[Json] = [_structure(step) for step in rule.steps]
    return steps[0] if len(steps) == 1 else {"type": "Sequence", "pretokenizers": steps}


def _structure(step: Step) -> dict[str, Json]:
    match step:
        case ("Digits", *_):
            return {"type": "Digits", "individual_digits": True}
        case ("Split", pattern):
            return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
        case _:
            use_regex = step == _BYTES_BY_RULE
            return {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": use_regex}


def _steps(structure: Json) -> tuple[Step, ...]:
    """The steps in short; one that is not known keeps its whole text, and so equals none of the table."""
    if not isinstance(structure, dict):
        return ()
    if structure.get("type") == "Sequence":
        parts = structure.get("pretokenizers")
        return tuple(step for part in parts for step in _steps(part)) if isinstance(parts, list) else ()
    return (_step(structure),)


def _step(structure: Mapping[str, Json]) -> Step:
    match structure:
        case {"type": "Digits", "individual_digits": True}:
            return _DIGITS
        case {"type": "Split", "pattern": {"Regex": str(pattern)}, "behavior": "Isolated"}:
            if not structure.get("invert"):
                return ("Split", _one_way(pattern))
        case {"type": "ByteLevel"}:
            if not structure.get("add_prefix_space"):
                return _BYTES_BY_RULE if structure.get("use_regex", True) else _BYTES
        case _:
            pass
    return ("unknown", repr(structure))


def _one_way(pattern: str) -> str:
    """One spelling for the contractions, which are written in two."""
    spelled = "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
    return pattern.replace(spelled, _CONTRACTIONS)
