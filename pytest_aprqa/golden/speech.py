"""What a golden corpus needs of an engine, and how a prompt becomes token ids."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_aprqa.core import Prompting
from pytest_aprqa.engines import Instruments
from pytest_aprqa.golden.corpus import Prompt


def encode_prompts(instruments: Instruments, prompts: Sequence[Prompt]) -> tuple[tuple[int, ...], ...]:
    """Token ids of each prompt as the model would see it in use.

    A raw prompt gets the tokenizer's own BOS. A chat prompt is rendered and encoded with its control strings, and has
    the BOS that the template writes and no other, as `transformers` does it.
    """
    chats = [prompt for prompt in prompts if prompt.prompting is Prompting.TEMPLATE]
    rendered = iter(instruments.render([_conversation(prompt) for prompt in chats]) if chats else ())
    texts = [next(rendered) if prompt.prompting is Prompting.TEMPLATE else prompt.text for prompt in prompts]
    rows = instruments.encode(texts, special=True)
    if not chats:
        return rows
    start = _start_id(instruments)
    return tuple(
        row if prompt.prompting is Prompting.RAW else _without_added_start(row, text, start, instruments)
        for prompt, text, row in zip(prompts, texts, rows, strict=True)
    )


def _conversation(prompt: Prompt) -> list[dict[str, str]]:
    return [{"role": "user", "content": prompt.text}]


def _start_id(instruments: Instruments) -> int | None:
    """The BOS that the tokenizer puts before every prompt, None when it puts none: what two texts both begin with."""
    one, two = instruments.encode(["a", "1"], special=True)
    return one[0] if one and two and one[0] == two[0] else None


def _without_added_start(
    row: tuple[int, ...], text: str, start: int | None, instruments: Instruments
) -> tuple[int, ...]:
    """The row without the BOS that the tokenizer added to what the template wrote."""
    if start is None or row[:1] != (start,):
        return row
    written = instruments.decode([[start]])[0].strip()
    own = 1 if written and text.startswith(written) else 0
    while sum(1 for _ in _leading(row, start)) > own:
        row = row[1:]
    return row


def _leading(row: Sequence[int], start: int) -> Sequence[int]:
    """The ids at the beginning that are `start`."""
    count = next((index for index, token in enumerate(row) if token != start), len(row))
    return row[:count]
