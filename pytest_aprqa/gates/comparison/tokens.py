"""Judges of text to ids and back, as the artefact's own engine does it; by the file where that says enough."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pytest_aprqa.core import Verdict, corroborated, falsified, inconclusive
from pytest_aprqa.gates.comparison.pair import Pair
from pytest_aprqa.gates.comparison.side import Rows, hostile_texts
from pytest_aprqa.gates.comparison.specials import control_ids, special_ids
from pytest_aprqa.gates.comparison.texts import BYTE_KINDS, KINDS, TEXTS
from pytest_aprqa.gates.measured import Unjudgeable
from pytest_aprqa.parity import compare_ids

_SHOWN: Final = 12


def judge_ids(pair: Pair) -> Verdict:
    """F-TOKEN-IDS-001; without engines, vocabularies and merges that differ are refutation enough."""
    if pair.artefact_instruments is None:
        return _judge_vocabulary(pair)
    return _judge_rows(pair, [place for place, kind in enumerate(KINDS) if kind not in BYTE_KINDS], "texts")


def judge_bytes(pair: Pair) -> Verdict:
    """F-TOKEN-BYTES-001."""
    return _judge_rows(
        pair, [place for place, kind in enumerate(KINDS) if kind in BYTE_KINDS], "texts of rare characters"
    )


def judge_specials(pair: Pair) -> Verdict:
    """F-TOKEN-SPECIAL-001: by the files, and where the engines are there, by what they make of the control strings."""
    ours, theirs = special_ids(pair.reference), special_ids(pair.artefact)
    wrong = [
        f"{role} is {ours[role]}, the file says {theirs.get(role, 'nothing')}"
        for role in ours
        if theirs.get(role) != ours[role]
    ]
    compared = len(ours)
    try:
        strings, ids, other = pair.ours.specials, pair.ours.special_ids, pair.theirs.special_ids
    except Unjudgeable:
        strings, ids, other = (), (), ()
    for difference in compare_ids(ids, other):
        wrong.append(
            f"{strings[difference.row]!r} becomes {_ids(difference.found)}, should be {_ids(difference.expected)}"
        )
    compared += len(strings)
    if wrong:
        return falsified(
            f"{len(wrong)} of {compared} special tokens differ: {wrong[0]}", compared=compared, specials=[*wrong[:5]]
        )
    return corroborated(
        f"{len(ours)} roles and {len(strings)} control strings have the ids of the ground truth", compared=compared
    )


def judge_bos(pair: Pair) -> Verdict:
    """F-TOKEN-BOS-001: as many BOS tokens in front of a prompt."""
    bos = special_ids(pair.reference).get("bos")
    ours, theirs = pair.ours.prompt_rows, pair.theirs.prompt_rows
    counts = [(_leading(row, bos), _leading(other, bos)) for row, other in zip(ours, theirs, strict=True)]
    wrong = [place for place, (wanted, found) in enumerate(counts) if wanted != found]
    if wrong:
        wanted, found = counts[wrong[0]]
        return falsified(
            f"{len(wrong)} of {len(counts)} prompts start with {found} BOS tokens instead of {wanted}",
            compared=len(counts),
            bos=bos,
        )
    each = counts[0][0] if counts else 0
    return corroborated(f"{len(counts)} prompts start with {each} BOS tokens on both sides", compared=len(counts))


def judge_round_trip(pair: Pair) -> Verdict:
    """F-CONTRACT-I5-001: decode(encode(text)) is the text, wherever the ground truth's own tokenizer loses nothing."""
    kept = [place for place, text in enumerate(pair.ours.decoded) if text == TEXTS[place]]
    theirs = pair.theirs.decoded
    lost = [place for place in kept if theirs[place] != TEXTS[place]]
    if lost:
        first = lost[0]
        return falsified(
            f"{len(lost)} of {len(kept)} texts do not come back, such as {TEXTS[first][:40]!r}, "
            f"which becomes {theirs[first][:40]!r}",
            compared=len(kept),
            texts=[TEXTS[place][:80] for place in lost[:5]],
        )
    spared = len(TEXTS) - len(kept)
    note = f"; {spared} do not in the ground truth either" if spared else ""
    return corroborated(f"{len(kept)} texts come back from their ids{note}", compared=len(kept))


def judge_injection(pair: Pair) -> Verdict:
    """F-SEC-INJECT-001: control strings within a user's text stay plain text."""
    specials = pair.ours.specials
    if not specials:
        return inconclusive("the ground truth has no control strings")
    texts, rows = hostile_texts(specials), pair.theirs.hostile_ids
    wrong = _smuggling(pair, rows)
    if wrong:
        first = wrong[0]
        return falsified(
            f"{len(wrong)} of {len(rows)} texts smuggle control tokens in: {texts[first][:60]!r} "
            f"becomes {_ids(rows[first])}",
            compared=len(rows),
            texts=[texts[place][:80] for place in wrong[:5]],
        )
    return corroborated(f"{len(rows)} texts with control strings hold no control token", compared=len(rows))


def smuggled(pair: Pair, rows: Rows) -> tuple[str, ...]:
    """The hostile texts that control tokens came of, given the ids that the artefact made of all of them."""
    texts = hostile_texts(pair.ours.specials)
    return tuple(texts[place] for place in _smuggling(pair, rows))


def _smuggling(pair: Pair, rows: Rows) -> list[int]:
    control = set(control_ids(pair.reference).values())
    return [place for place, row in enumerate(rows) if control.intersection(row)]


def _judge_vocabulary(pair: Pair) -> Verdict:
    ours, theirs = pair.reference.tokenizer, pair.artefact.tokenizer
    if ours is None:
        return inconclusive("the ground truth has no tokenizer that can be read here")
    if theirs is None:
        return falsified("the file holds no tokenizer")
    pairs = enumerate(zip(ours.vocabulary, theirs.vocabulary, strict=False))
    other = [f"{id} is {found[:40]!r}, should be {wanted[:40]!r}" for id, (wanted, found) in pairs if wanted != found]
    compared = len(ours.vocabulary) + len(ours.merges)
    if other:
        return falsified(f"{len(other)} ids stand for other texts: {other[0]}", compared=compared, ids=[*other[:5]])
    if len(theirs.vocabulary) < len(ours.vocabulary):
        lost = len(ours.vocabulary) - len(theirs.vocabulary)
        return falsified(f"{lost} of {len(ours.vocabulary)} tokens are missing", compared=compared)
    if ours.model == theirs.model and ours.merges != theirs.merges:
        return falsified(
            f"the {len(theirs.merges)} merges are not the ground truth's {len(ours.merges)}", compared=compared
        )
    return inconclusive("vocabulary and merges are the ground truth's; what ids they give, only engines can tell")


def _judge_rows(pair: Pair, places: list[int], word: str) -> Verdict:
    ours, theirs = pair.ours.ids, pair.theirs.ids
    differences = compare_ids([ours[place] for place in places], [theirs[place] for place in places])
    if not differences:
        ids = sum(len(ours[place]) for place in places)
        return corroborated(f"{len(places)} {word} become the same {ids} ids", compared=len(places))
    first = differences[0]
    text = TEXTS[places[first.row]]
    return falsified(
        f"{len(differences)} of {len(places)} {word} become other ids: {text[:40]!r} differs from id {first.first} on, "
        f"{_ids(first.found[first.first :])} instead of {_ids(first.expected[first.first :])}",
        compared=len(places),
        texts=[TEXTS[places[difference.row]][:80] for difference in differences[:5]],
        kinds=[*sorted({KINDS[places[difference.row]] for difference in differences})],
    )


def _leading(row: tuple[int, ...], token: int | None) -> int:
    return next((place for place, id in enumerate(row) if id != token), len(row))


def _ids(row: Iterable[int]) -> str:
    ids = list(row)
    return f"[{', '.join(map(str, ids[:_SHOWN]))}{', ...' if len(ids) > _SHOWN else ''}]"
