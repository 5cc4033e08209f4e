"""Rules that explain differences of names, metadata, tokenizer and template, and errors of reading. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from pytest_aprqa.core import Json
from pytest_aprqa.parity.finding import Diagnosis, Family
from pytest_aprqa.parity.layout import Layout
from pytest_aprqa.parity.symptoms import IdMismatch, Symptoms

_METADATA: tuple[tuple[Family, frozenset[str]], ...] = (
    (Family.HEAD_COUNT, frozenset({"num_attention_heads", "num_key_value_heads", "head_dim"})),
    (
        Family.ROPE_PARAMETERS,
        frozenset({"rope_theta", "rope_scaling", "rope_type", "rope_parameters", "partial_rotary_factor",
                   "rope_local_base_freq"}),
    ),
    (Family.NORM_EPSILON, frozenset({"rms_norm_eps", "layer_norm_eps", "layer_norm_epsilon", "norm_eps",
                                     "norm_epsilon"})),
    (Family.TIED_HEAD, frozenset({"tie_word_embeddings"})),
)  # fmt: skip
"""Words of config.json and the defect that a difference is; all other words are a configuration mismatch."""

_ERRORS: tuple[tuple[Family, float, tuple[str, ...]], ...] = (
    (
        Family.TRUNCATED_FILE,
        0.95,
        ("truncat", "exceeds file size", "exceeds the file", "past the end", "beyond the end", "end of file",
         "too short", "ends before", "ends inside", "bytes can hold",
         "unexpected eof", "outside the file", "not within file bounds", "incomplete"),
    ),
    (
        Family.DTYPE_MISREAD,
        0.85,
        ("unknown dtype", "unknown type", "unknown tensor type", "unsupported dtype", "invalid ggml type", "type byte",
         "unknown ggml"),
    ),
    (Family.MISSING_TENSOR, 0.85, ("missing tensor", "tensor not found", "unexpected tensor",
                                   "wrong number of tensors")),
    (Family.NOT_FINITE, 0.8, (" nan", "not finite", "infinit")),
    (Family.CORRUPTED_BLOCK, 0.7, ("checksum does not match",)),
    (Family.TOKENIZER_MERGES, 0.85, ("merges", "missing embedded tokenizer")),
    (Family.TOKENIZER_VOCABULARY, 0.7, ("vocab", "tokenizer")),
    (Family.CONFIG_MISMATCH, 0.7, ("wrong shape", "shape mismatch", "size mismatch", "has shape")),
)  # fmt: skip
"""Words of error messages, most telling first; the first family that fits a message has it."""

_HEAD = "lm_head.weight"
ANOTHER = 0.5
"""Normalized error of a head from which it is another than the embedding; zeros have 1, unrelated values 2."""
FEW = 4
"""Ids that stand for each other, up to which a vocabulary counts as having entries exchanged."""


def error_rule(symptoms: Symptoms) -> Iterator[Diagnosis]:
    """Errors of reading or loading."""
    for message in symptoms.errors:
        low = f" {message.lower()}"
        for family, confidence, words in _ERRORS:
            if any(word in low for word in words):
                yield Diagnosis(family, confidence, f"reading failed: {message}", {"error": message})
                break


def names_rule(symptoms: Symptoms) -> Iterator[Diagnosis]:
    """Tensors that are missing, or are there under other names."""
    missing = [name for name in symptoms.missing if name != _HEAD]
    if missing:
        renamed = 0 < len(symptoms.extra) == len(missing)
        names = ", ".join(missing[:3])
        hint = f", while {', '.join(symptoms.extra[:3])} is unknown: probably renamed" if renamed else ""
        yield Diagnosis(
            Family.MISSING_TENSOR,
            0.97,
            f"{len(missing)} tensors are missing ({names}{hint})",
            {"missing": len(missing), "extra": len(symptoms.extra), "first": missing[0]},
        )
    strange = [name for name in symptoms.extra if name != _HEAD]
    if strange and not missing:
        yield Diagnosis(
            Family.CONFIG_MISMATCH,
            0.7,
            f"{len(strange)} tensors are none of the reference's ({', '.join(strange[:3])})",
            {"extra": len(strange)},
        )


def head_rule(symptoms: Symptoms) -> Iterator[Diagnosis]:
    """An output head that is stored where it should be tied, or is not there, or is empty, or no copy."""
    numbers: dict[str, Json] = {"missing": _HEAD in symptoms.missing, "extra": _HEAD in symptoms.extra}
    if _HEAD in symptoms.missing:
        yield Diagnosis(Family.TIED_HEAD, 0.95, "the output head is missing, so the embedding is used instead", numbers)
    elif _HEAD in symptoms.extra:
        yield Diagnosis(Family.TIED_HEAD, 0.9, "an output head is stored where the reference ties it", numbers)
    hit = [tensor for tensor in symptoms.tensors if tensor.name == _HEAD]
    if hit and (hit[0].layout in (Layout.ZEROED, Layout.UNRELATED) or "embed" in (hit[0].resembles or "")):
        state = f"looks like {hit[0].resembles}" if hit[0].resembles else f"is {hit[0].layout or 'different'}"
        confidence = 0.98 if hit[0].resembles else 0.6
        yield Diagnosis(Family.TIED_HEAD, confidence, f"the output head {state}", numbers | {"nmse": hit[0].nmse})
    if symptoms.tied_copy_error is not None:
        # A copy that is near had the same fault as other tensors, which says more of it.
        confidence = 0.6 if symptoms.tied_copy_error < ANOTHER else 0.95
        text = f"the stored copy of the tied head is not the embedding (error {symptoms.tied_copy_error:.3g})"
        yield Diagnosis(Family.TIED_HEAD, confidence, text, numbers | {"nmse": symptoms.tied_copy_error})


def metadata_rule(symptoms: Symptoms) -> Iterator[Diagnosis]:
    """Words of the configuration that differ."""
    left = dict(symptoms.metadata)
    for family, words in _METADATA:
        hit = {word: left.pop(word) for word in sorted(words & left.keys())}
        if hit:
            yield _differs(family, 0.96, hit)
    if left:
        yield _differs(Family.CONFIG_MISMATCH, 0.93, left)


def vocabulary_rule(symptoms: Symptoms) -> Iterator[Diagnosis]:
    """What the embedded tokenizers themselves say: token strings, special ids, types of tokens, merges."""
    if symptoms.vocabulary_differences:
        ids = list(symptoms.vocabulary_differences)
        shown = ", ".join(str(token) for token in ids[:5])
        yield Diagnosis(
            Family.TOKENIZER_VOCABULARY,
            0.95,
            f"{len(ids)} ids stand for other token strings ({shown})",
            {"ids": len(ids), "first": ids[0]},
        )
    if symptoms.special_ids:
        yield _differs(Family.TOKENIZER_VOCABULARY, 0.9, symptoms.special_ids)
    if symptoms.smuggled:
        yield Diagnosis(
            Family.TOKENIZER_VOCABULARY,
            0.9,
            f"{len(symptoms.smuggled)} plain texts become control tokens, such as {symptoms.smuggled[0][:40]!r}: "
            "types of special tokens",
            {"texts": len(symptoms.smuggled)},
        )
    expected, merges = symptoms.merges_expected, symptoms.merges_found
    if symptoms.merges_differ or (expected and merges is not None and merges != expected):
        count = f"{merges} merges where {expected} are expected" if merges != expected else "the merges differ"
        yield Diagnosis(Family.TOKENIZER_MERGES, 0.96, count, {"expected": expected, "found": merges})


def ids_rule(symptoms: Symptoms) -> Iterator[Diagnosis]:
    """What the token ids of texts say, where the tokenizers could not be looked into; the first explanation wins."""
    if not symptoms.ids:
        return
    numbers: dict[str, Json] = {"texts": len(symptoms.ids), "texts_compared": symptoms.texts_compared}
    for explain in (_shifted, _starts, _exchanged, _control, _split):
        finding = explain(symptoms.ids, numbers)
        if finding is not None:
            yield finding
            return
    yield Diagnosis(
        Family.TOKENIZER_MERGES, 0.4, f"{len(symptoms.ids)} texts become other token ids in no regular way", numbers
    )


def template_rule(symptoms: Symptoms) -> Iterator[Diagnosis]:
    """Chat templates."""
    numbers: dict[str, Json] = {"different": symptoms.templates_different, "compared": symptoms.templates_compared}
    if symptoms.template_missing:
        yield Diagnosis(Family.CHAT_TEMPLATE, 0.95, "the chat template is missing", numbers)
    elif symptoms.templates_different:
        text = f"{symptoms.templates_different} of {symptoms.templates_compared} conversations are rendered differently"
        yield Diagnosis(Family.CHAT_TEMPLATE, 0.95, text, numbers)


def _differs(family: Family, confidence: float, hit: Mapping[str, tuple[Json, Json]]) -> Diagnosis:
    text = ", ".join(f"{word} is {found} where {expected} is expected" for word, (expected, found) in hit.items())
    return Diagnosis(family, confidence, text, {word: [expected, found] for word, (expected, found) in hit.items()})


def _shifted(rows: Sequence[IdMismatch], numbers: dict[str, Json]) -> Diagnosis | None:
    """Ids that are off by one constant; ids below some number may be untouched."""
    if any(len(row.expected) != len(row.found) for row in rows):
        return None
    steps = {(b - a, a) for row in rows for a, b in zip(row.expected, row.found, strict=True)}
    moved = {step for step, _ in steps if step}
    if len(moved) != 1:
        return None
    step = next(iter(moved))
    first = min(token for change, token in steps if change)
    still = [token for change, token in steps if not change and token >= first]
    touched = sum(1 for change, _ in steps if change)
    if still or touched < FEW:
        return None
    return Diagnosis(
        Family.TOKEN_IDS_SHIFTED,
        0.95,
        f"all ids from {first} on are off by {step:+d} in {len(rows)} texts",
        numbers | {"shift": step, "from": first},
    )


def _starts(rows: Sequence[IdMismatch], numbers: dict[str, Json]) -> Diagnosis | None:
    """Rows that are equal but for tokens added or missing at the start or the end."""
    longer = all(row.found[1:] == row.expected or row.found[:-1] == row.expected for row in rows)
    shorter = all(row.expected[1:] == row.found or row.expected[:-1] == row.found for row in rows)
    if longer == shorter:
        return None
    text = "one more special token" if longer else "one special token less"
    return Diagnosis(
        Family.CONFIG_MISMATCH,
        0.85,
        f"{len(rows)} texts have {text} at the start or end (BOS or EOS setting)",
        numbers | {"tokens": 1 if longer else -1},
    )


def _exchanged(rows: Sequence[IdMismatch], numbers: dict[str, Json]) -> Diagnosis | None:
    """A few ids that always stand for each other: entries of the vocabulary were exchanged."""
    if any(len(row.expected) != len(row.found) for row in rows):
        return None
    pairs = {(a, b) for row in rows for a, b in zip(row.expected, row.found, strict=True) if a != b}
    if len(pairs) > FEW or len({a for a, _ in pairs}) < len(pairs):
        return None
    text = ", ".join(f"{a} became {b}" for a, b in sorted(pairs))
    return Diagnosis(Family.TOKENIZER_VOCABULARY, 0.85, f"single ids differ: {text}", numbers | {"pairs": len(pairs)})


def _control(rows: Sequence[IdMismatch], numbers: dict[str, Json]) -> Diagnosis | None:
    if {row.kind for row in rows} != {"control_strings"}:
        return None
    text = f"only texts that hold control strings differ ({len(rows)}): types of special tokens"
    return Diagnosis(Family.TOKENIZER_VOCABULARY, 0.7, text, numbers)


def _split(rows: Sequence[IdMismatch], numbers: dict[str, Json]) -> Diagnosis | None:
    """Texts in more or fewer pieces: merges are missing, or text is split at other places before them."""
    expected, found = sum(len(row.expected) for row in rows), sum(len(row.found) for row in rows)
    kinds = Counter(row.kind for row in rows)
    ratio = found / expected if expected else float(found)
    if ratio < 1.05 and len(kinds) > 3:
        return None
    most = ", ".join(kind for kind, _ in kinds.most_common(3))
    return Diagnosis(
        Family.TOKENIZER_MERGES,
        0.8 if ratio >= 1.5 else 0.6,
        f"{len(rows)} texts ({most}) become {found} tokens instead of {expected}: merges, or the splitting before them",
        numbers | {"tokens_expected": expected, "tokens_found": found},
    )
