"""Names and shapes of the artefact's tensors, against the ground truth's; headers only, no value is read."""

from __future__ import annotations

import re
from typing import Final

from pytest_aprqa.core import Format, Verdict, corroborated, falsified
from pytest_aprqa.gates.comparison.pair import HEAD, Pair
from pytest_aprqa.gates.structure import excerpt

_COMPUTED: Final = re.compile(r"rope_freqs|rope_factors_(?:long|short)|inv_freq|position_ids|attn\.masked_bias")
"""Tables that a file may carry and that are computed from the configuration, not learned."""


def judge_names(pair: Pair) -> Verdict:
    """F-CONTRACT-I2-001: no tensor is lost, none is invented; a tied head may be stored or left out."""
    ours, theirs = pair.reference_names, set(pair.artefact.tensors)
    optional = {HEAD} if pair.tied else set()
    missing = sorted(ours - theirs - optional)
    extra = sorted(theirs - ours - optional)
    extra += [name for name in pair.artefact.foreign if not _COMPUTED.search(name)]
    problems = [
        *([f"{len(missing)} of {len(ours)} tensors are missing, such as {missing[0]}"] if missing else []),
        *([f"{len(extra)} tensors are not the ground truth's, such as {extra[0][:80]}"] if extra else []),
    ]
    if problems:
        return falsified(
            "; ".join(problems), compared=len(ours), missing=excerpt(missing), extra=excerpt([*map(str, extra)])
        )
    return corroborated(f"{len(ours)} tensor names are the ground truth's", compared=len(ours))


def judge_reversed(pair: Pair) -> Verdict:
    """F-ROSETTA-DIFF-001: no matrix has its two lengths exchanged."""
    shapes = [shape for shape in pair.shapes if len(set(shape.wanted)) > 1]
    wrong = [shape for shape in shapes if shape.found != shape.wanted and shape.found == shape.wanted[::-1]]
    if wrong:
        return falsified(
            f"{len(wrong)} of {len(shapes)} tensors have their dimensions reversed, such as {wrong[0].sentence}",
            compared=len(shapes),
            tensors=excerpt([shape.name for shape in wrong]),
        )
    return corroborated(
        f"none of {len(shapes)} tensors with unequal lengths has its dimensions reversed", compared=len(shapes)
    )


def judge_shapes(pair: Pair) -> Verdict:
    """F-ROSETTA-DIFF-002: shapes are equal."""
    shapes = pair.shapes
    wrong = [shape for shape in shapes if shape.found != shape.wanted]
    if wrong:
        return falsified(
            f"{len(wrong)} of {len(shapes)} tensors have another shape, such as {wrong[0].sentence}",
            compared=len(shapes),
            tensors=excerpt([shape.name for shape in wrong]),
        )
    word = "shapes, dimensions reversed in the file," if pair.format is Format.GGUF else "shapes"
    return corroborated(f"{len(shapes)} {word} are the ground truth's", compared=len(shapes))
