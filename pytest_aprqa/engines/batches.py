"""Which requests are computed together, and what cannot be asked at all. Pure.

Together go requests that take the same number of steps: as many turns, as many tokens. Sampled requests go alone, so
that what they draw cannot depend on their neighbours.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from pytest_aprqa.core import EngineRefused, Prompting, Request


def plan(requests: Mapping[int, Request], *, max_batch: int) -> tuple[tuple[int, ...], ...]:
    """Groups the keys of `requests` into batches; every key once.

    Within a group the requests are ordered by length, since a batch computes as many columns as its longest prompt has.

    >>> from pytest_aprqa.core import Request
    >>> prompts = ["one", "a longer one", "two"]
    >>> plan({i: Request(id=str(i), turns=(p,)) for i, p in enumerate(prompts)}, max_batch=2)
    ((0, 2), (1,))
    """
    groups: dict[tuple[int, int, int], list[int]] = defaultdict(list)
    for key, request in requests.items():
        alone = key if request.temperature > 0 else -1
        groups[len(request.turns), request.max_tokens, alone].append(key)
    batches: list[tuple[int, ...]] = []
    for members in groups.values():
        members.sort(key=lambda key: (_length(requests[key]), key))
        batches += chunks(members, max(1, max_batch))
    return tuple(batches)


def has_lone_surrogate(text: str) -> bool:
    """Whether some character is half of a pair, which UTF-8 cannot write."""
    return any("\ud800" <= char <= "\udfff" for char in text)


def chunks(keys: Sequence[int], size: int) -> list[tuple[int, ...]]:
    """Cuts `keys` into runs of at most `size`."""
    return [tuple(keys[start : start + size]) for start in range(0, len(keys), size)]


def refusal(request: Request) -> EngineRefused | None:
    """Why no engine can take this request; None when one can."""
    texts = (*request.turns, request.system or "")
    if not request.turns:
        return EngineRefused("the request has no turns; it needs at least one")
    if request.max_tokens < 1:
        return EngineRefused(f"max_tokens is {request.max_tokens}; at least 1 is needed to compare anything")
    if request.timeout_ms < 1:
        return EngineRefused(f"timeout_ms is {request.timeout_ms}; at least 1 is needed")
    if not 0 <= request.temperature < float("inf"):
        return EngineRefused(f"temperature is {request.temperature}; expected a number from 0.0")
    if request.system is not None and request.prompting is Prompting.RAW:
        return EngineRefused("a raw prompt has no place for a system prompt; use prompting: template")
    if request.prompting is Prompting.RAW and len(request.turns) > 1:
        return EngineRefused("a raw prompt is one turn; a conversation needs prompting: template")
    if any(has_lone_surrogate(text) for text in texts):
        return EngineRefused("the prompt holds a lone surrogate, which no tokenizer can encode")
    return None


def refuse_strange_ids(rows: Sequence[Sequence[int]], *, vocabulary: int, context_tokens: int | None) -> None:
    """Raises `EngineRefused` for rows that no model of that size can compute."""
    for row in rows:
        if (strange := next((token for token in row if not 0 <= token < vocabulary), None)) is not None:
            raise EngineRefused(f"token id {strange} is outside the vocabulary of {vocabulary}")
        if context_tokens is not None and len(row) > context_tokens:
            raise EngineRefused(f"a row of {len(row)} tokens exceeds the context of {context_tokens}")


def _length(request: Request) -> int:
    return sum(map(len, request.turns)) + len(request.system or "")
