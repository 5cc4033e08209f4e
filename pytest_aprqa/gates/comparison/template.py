"""F-CHAT-TEMPLATE-001: both chat templates render every conversation alike."""

from __future__ import annotations

from itertools import zip_longest

from pytest_aprqa.core import Verdict, corroborated, falsified, inconclusive
from pytest_aprqa.gates.comparison.pair import Pair
from pytest_aprqa.gates.comparison.texts import CONVERSATION_NAMES


def judge_template(pair: Pair) -> Verdict:
    """Texts are equal, character by character, less a BOS that a tokenizer may write instead of the template."""
    if pair.artefact_instruments is None:
        return _judge_texts(pair)
    ours = [_without(text, pair.bos) for text in pair.ours.rendered]
    theirs = [_without(text, pair.bos) for text in pair.theirs.rendered]
    if not any(ours):
        return inconclusive("the ground truth renders no conversation: it has no chat template")
    wrong = [place for place, text in enumerate(ours) if theirs[place] != text]
    if wrong:
        first = wrong[0]
        at = _first_difference(ours[first], theirs[first])
        return falsified(
            f"{len(wrong)} of {len(ours)} conversations are rendered differently: {CONVERSATION_NAMES[first]} from "
            f"character {at} on, {theirs[first][at : at + 40]!r} instead of {ours[first][at : at + 40]!r}",
            compared=len(ours),
            conversations=[CONVERSATION_NAMES[place] for place in wrong[:5]],
        )
    return corroborated(f"{len(ours)} conversations are rendered alike", compared=len(ours))


def _judge_texts(pair: Pair) -> Verdict:
    """Without engines: templates of one text render alike; what others render, only engines can tell."""
    ours, theirs = (
        view.tokenizer.chat_template if view.tokenizer else None for view in (pair.reference, pair.artefact)
    )
    if ours is None:
        return inconclusive("the ground truth has no chat template")
    if theirs is None:
        return falsified("the ground truth has a chat template, the artefact has none")
    if ours.strip() == theirs.strip():
        return corroborated("the template is the ground truth's, word for word", compared=1)
    at = _first_difference(ours, theirs)
    return inconclusive(
        f"the template is another text from character {at} on, {theirs[at : at + 40]!r} instead of "
        f"{ours[at : at + 40]!r}; whether it renders otherwise, only engines can tell"
    )


def _without(text: str | None, bos: str | None) -> str:
    if text is None:
        return ""
    return text.removeprefix(bos) if bos else text


def _first_difference(one: str, other: str) -> int:
    return next((at for at, (a, b) in enumerate(zip_longest(one, other)) if a != b), len(one))
