"""What the files say of special tokens: ids by role, and the strings that steer the model."""

from __future__ import annotations

from typing import Final

from pytest_aprqa.conversion import ModelView, TokenType
from pytest_aprqa.core import Json

_ROLES: Final = ("bos", "eos", "unk", "pad")
"""Roles that config.json and the tokenizer's files both know."""
_MOST: Final = 16


def special_ids(view: ModelView) -> dict[str, int]:
    """Ids by role; a role that the file does not fill is absent."""
    facts = view.tokenizer
    found = {role: facts.special[role] for role in _ROLES if facts and role in facts.special}
    for role in _ROLES:
        id = _first(view.config.get(f"{role}_token_id"))
        if id is not None:
            found.setdefault(role, id)
    return found


def control_ids(view: ModelView) -> dict[str, int]:
    """The ids of the control tokens by their texts, such as ``<|im_start|>``, those with a role first; at most 16."""
    facts = view.tokenizer
    if facts is None:
        return {}
    control = [id for id, kind in enumerate(facts.token_types) if kind == TokenType.CONTROL]
    ids = [id for id in special_ids(view).values() if id in control]
    texts = {facts.vocabulary[id]: id for id in dict.fromkeys((*ids, *control))}
    return dict([(text, id) for text, id in texts.items() if len(text) > 1][:_MOST])


def bos_text(view: ModelView) -> str | None:
    """The text of the BOS token, which some templates write themselves."""
    facts, bos = view.tokenizer, special_ids(view).get("bos")
    return facts.vocabulary[bos] if facts and bos is not None and bos < len(facts.vocabulary) else None


def padding_ids(view: ModelView) -> frozenset[int]:
    """Ids that no answer consists of."""
    ids = special_ids(view)
    return frozenset(ids[role] for role in ("pad", "unk", "bos") if role in ids)


def _first(value: Json) -> int | None:
    one = value[0] if isinstance(value, list) and value else value
    return one if isinstance(one, int) and not isinstance(one, bool) else None
