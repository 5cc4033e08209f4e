r"""Texts of unknown origin as the page shows them: bounded, every unprintable character spelled, lines kept.

Nothing here makes HTML but `block`; all else is escaped by the template.
"""

from __future__ import annotations

import json
from itertools import islice
from shlex import quote
from typing import Final

from markupsafe import Markup, escape

from pytest_aprqa.core import Json, excerpt, visible

SHORT: Final = 300
"""Characters of a name, an id or a reason."""
LONG: Final = 4000
"""Characters of a prompt or an answer that stands in the page itself."""
_COMMAND: Final = 1000
"""Longest node id that a command is given for."""
_ESCAPED: Final = tuple((character, f"\\u{ord(character):04x}") for character in ("<", ">", "&", "\u2028", "\u2029"))
_LONGEST: Final = 10_000
"""Characters of one text inside a JSON value that is shown."""
_ITEMS: Final = 400
"""Of one list or mapping inside a JSON value that is shown."""


def shown(value: object) -> object:
    """What a template's expression becomes before it is escaped: a text is cut and made visible."""
    return value if isinstance(value, Markup) or not isinstance(value, str) else excerpt(value, limit=SHORT)


def lines(text: str, *, limit: int) -> str:
    r"""The beginning of a text with its line feeds, and its length where it was cut.

    >>> lines("a\x1b\nb", limit=9), lines("a" * 5, limit=2)
    ('a\\x1b\nb', 'aa… (5 characters)')
    """
    kept = text[:limit]
    if not kept.isprintable():
        kept = "\n".join(map(visible, kept.split("\n")))
    return kept if len(text) <= limit else f"{kept}… ({len(text):,} characters)"


def last_lines(text: str, *, limit: int) -> str:
    """The end of a text, for the last words of a dead process say why it died; cut at the front, its length named."""
    whole_text = text.rstrip()
    if len(whole_text) <= limit:
        return lines(whole_text, limit=limit)
    return f"({len(whole_text):,} characters) …{lines(whole_text[-limit:], limit=limit)}"


def block(text: str) -> Markup:
    """A text of several lines, ready for the page."""
    return escape(lines(text, limit=LONG))


def whole(text: str) -> Markup:
    """A text of our own making, or one that was bounded before, in its full length on one line."""
    return escape(visible(text))


def plain_lines(value: object) -> str:
    """A JSON value as it would be read by a person: a text as it is, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(_bounded(value), ensure_ascii=False, default=str)


def _bounded(value: object) -> object:
    """The value with long texts, lists and mappings cut, so that writing it down takes no time."""
    match value:
        case str():
            return value if len(value) <= _LONGEST else f"{value[:_LONGEST]}… ({len(value):,} characters)"
        case list():
            more = [f"… ({len(value):,} items)"] if len(value) > _ITEMS else []
            return [*map(_bounded, value[:_ITEMS]), *more]
        case dict():
            more_names = {"…": f"({len(value):,} names)"} if len(value) > _ITEMS else {}
            kept = islice(value.items(), _ITEMS)
            return {str(name)[:SHORT]: _bounded(one) for name, one in kept} | more_names
        case _:
            return value


def command(path: str, item: str | None) -> str:
    r"""What runs an item, or the whole playbook, again; empty when no playbook is known or the name cannot be typed.

    >>> command("a b.yaml", "run[x]"), command("p.yaml", None), command("", "run[x]"), command("p.yaml", "a\u202eb")
    ("pytest 'a b.yaml::run[x]'", 'pytest p.yaml', '', '')
    """
    node = f"{path}::{item}" if item else path
    return f"pytest {quote(node)}" if path and len(node) <= _COMMAND and node.isprintable() else ""


def script_json(value: Json) -> str:
    r"""Compact JSON that can stand inside a script element, whatever its texts hold.

    >>> script_json("</script><!--")
    '"\\u003c/script\\u003e\\u003c!--"'
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character, spelled in _ESCAPED:
        text = text.replace(character, spelled)
    return text
