"""What a golden corpus asks: the built-in prompts, or those of a file.

The built-in ones reach different parts of a model: chat, plain continuation, code, sums, several scripts, white space,
control strings spelled out, and one text of some hundred tokens, where position-dependent faults show.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pytest_aprqa.core import ArtefactError, Json, Prompting
from pytest_aprqa.formats import read_json
from pytest_aprqa.golden.corpus import Prompt

MAX_PROMPTS: Final = 1000
MAX_TEXT: Final = 100_000
"""Characters of one prompt."""
MAX_FILE_BYTES: Final = 16 << 20
ID_PATTERN: Final = r"[a-z0-9][a-z0-9_-]{0,63}"

_LONG: Final = (
    "The harbor town had two clocks. The one on the church kept the time of the sun, and the one on the station kept "
    "the time of the railway, which was eleven minutes later. For most of the year nobody minded. Fishermen went by "
    "the tide, farmers by the light, and the baker by the smell of the bread. But in the autumn of 1887 a judge came "
    "from the city to hear a case about a boat, and he asked every witness the same question: at what hour did you "
    "see it leave? The first said nine. The second said nine as well, and the third said eleven minutes past. "
    "The judge wrote down three numbers, drew a line under them, and sent for the man who wound the clocks. "
    "He was old and exact. He said that both clocks were right, and that neither of them was wrong, since each told "
    "what it had been set to tell. The judge thought about this for a while. Then he ruled that the boat had left "
    "once, whatever the clocks had said, and that a town with two times should at least write down which one it used."
)

BUILT_IN: Final = (
    Prompt("chat-hello", "Hello! Who are you?", Prompting.TEMPLATE),
    Prompt("chat-capital", "What is the capital of France?", Prompting.TEMPLATE),
    Prompt("chat-sum", "What is 17 + 25?", Prompting.TEMPLATE),
    Prompt("chat-explain", "Explain in one sentence why the sky is blue.", Prompting.TEMPLATE),
    Prompt("chat-list", "Name three rivers:\n1.\n2.\n3.", Prompting.TEMPLATE),
    Prompt("chat-french", "Traduis en français : « Où est la gare ? »", Prompting.TEMPLATE),
    Prompt("chat-code", "Write a Python function that reverses a string.", Prompting.TEMPLATE),
    Prompt("raw-story", "Once upon a time there was a clockmaker who", Prompting.RAW),
    Prompt("raw-fact", "Water boils at a temperature of", Prompting.RAW),
    Prompt("raw-one-word", "The", Prompting.RAW),
    Prompt("raw-sum", "2 + 2 = 4\n3 + 5 = 8\n12 + 30 =", Prompting.RAW),
    Prompt("raw-digits", "3.14159265358979 1000000 0x7fff -42", Prompting.RAW),
    Prompt("code-python", 'def add(a, b):\n    """Adds two numbers."""\n    return', Prompting.RAW),
    Prompt("code-json", '{"name": "Ada", "born": 1815, "tags": ["math", ', Prompting.RAW),
    Prompt("unicode-latin", "Größe, naïve café, Ærøskøbing, Łódź", Prompting.RAW),
    Prompt("unicode-scripts", "Привет, 世界, שלום, مرحبا, नमस्ते", Prompting.RAW),
    Prompt("unicode-emoji", "👩‍🚀🚀 e\u0301 = é, \u200bzero width, 🇫🇷", Prompting.RAW),
    Prompt("white-space", "  two\n\n\tthree    \t four \n", Prompting.RAW),
    Prompt("control-strings", "A user writes </s> and <|im_end|> and <s> here.", Prompting.TEMPLATE),
    Prompt("long-text", _LONG, Prompting.RAW),
)
"""The built-in prompts."""


def read_prompts(path: Path) -> tuple[Prompt, ...]:
    """Prompts of a file.

    A ``.json`` file is an object ``{"prompts": [{"text": ..., "id": ..., "prompting": "raw"|"template"}, ...]}`` of
    which only ``text`` must be there. Any other file has one raw prompt a line; empty lines and lines that begin with
    ``#`` do not count.

    Raises:
        ArtefactError: the file cannot be read, has no prompt, too many, or two with one id.
    """
    prompts = _from_json(path) if path.suffix == ".json" else _from_lines(path)
    return require_prompts(prompts, path)


def require_prompts(prompts: Sequence[Prompt], path: Path) -> tuple[Prompt, ...]:
    """The same prompts once they can be a corpus; `path` is for errors.

    Raises:
        ArtefactError: there is none or there are too many, or an id or a text cannot be one.
    """
    if not 1 <= len(prompts) <= MAX_PROMPTS:
        raise ArtefactError("number of prompts", path=path, expected=f"1 to {MAX_PROMPTS}", found=f"{len(prompts)}")
    seen: set[str] = set()
    for prompt in prompts:
        if re.fullmatch(ID_PATTERN, prompt.id) is None:
            raise ArtefactError("id of a prompt", path=path, expected=ID_PATTERN, found=repr(prompt.id)[:80])
        if prompt.id in seen:
            raise ArtefactError(f"two prompts have the id {prompt.id!r}", path=path)
        if not 1 <= len(prompt.text) <= MAX_TEXT:
            raise ArtefactError(
                f"prompt {prompt.id!r}: length", path=path, expected=f"1 to {MAX_TEXT}", found=f"{len(prompt.text)}"
            )
        seen.add(prompt.id)
    return tuple(prompts)


def _from_lines(path: Path) -> list[Prompt]:
    try:
        with path.open("rb") as stream:
            text = stream.read(MAX_FILE_BYTES + 1)
        lines = text.decode("utf-8").splitlines()
    except OSError as exc:
        raise ArtefactError(f"cannot be read: {exc.strerror or exc}", path=path) from exc
    except UnicodeDecodeError as exc:
        raise ArtefactError("is not UTF-8", path=path, offset=exc.start) from exc
    if len(text) > MAX_FILE_BYTES:
        raise ArtefactError("is too large", path=path, expected=f"at most {MAX_FILE_BYTES} bytes")
    texts = [line for line in lines if line.strip() and not line.startswith("#")]
    return [Prompt(f"line-{number}", text, Prompting.RAW) for number, text in enumerate(texts, 1)]


def _from_json(path: Path) -> list[Prompt]:
    listed = read_json(path, max_bytes=MAX_FILE_BYTES).get("prompts")
    if not isinstance(listed, list):
        raise ArtefactError("has no list of prompts", path=path, expected='{"prompts": [...]}')
    return [_from_item(item, number, path) for number, item in enumerate(listed, 1)]


def _from_item(item: Json, number: int, path: Path) -> Prompt:
    if not isinstance(item, dict) or set(item) - {"id", "text", "prompting"}:
        raise ArtefactError(f"prompt {number} is malformed", path=path, expected="text, id, prompting")
    text, identity, how = item.get("text"), item.get("id", f"prompt-{number}"), item.get("prompting", "raw")
    if not isinstance(text, str) or not isinstance(identity, str):
        raise ArtefactError(f"prompt {number}: text and id are texts", path=path)
    if how not in tuple(Prompting):
        raise ArtefactError(f"prompt {number}: prompting", path=path, expected="raw, template", found=repr(how)[:80])
    return Prompt(identity, text, Prompting(str(how)))
