"""Which quantization a GGUF file is, by what it says of itself and by the types of its own tensors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_aprqa.core import Quantization
from pytest_aprqa.formats import file_quantization, read_gguf

_MAIN: Final[Mapping[str, Quantization]] = {
    "F32": Quantization.F32,
    "F16": Quantization.F16,
    "BF16": Quantization.BF16,
    "Q8_0": Quantization.Q8_0,
    "Q6_K": Quantization.Q6_K,
    "Q5_K": Quantization.Q5_K_M,
    "Q5_0": Quantization.Q5_0,
    "Q4_K": Quantization.Q4_K_M,
    "Q4_0": Quantization.Q4_0,
    "Q3_K": Quantization.Q3_K_M,
    "Q2_K": Quantization.Q2_K,
}
"""Type of most values to the quantization that stores them so."""


@dataclass(frozen=True, slots=True)
class GgufTypes:
    """What a file is."""

    quantization: Quantization | None
    """None where no word of a playbook fits."""
    remark: str
    """One sentence: what the file says, and what its matrices are."""


def gguf_types(path: Path) -> GgufTypes:
    """Looks at a file's header.

    Raises:
        ArtefactError: it is no GGUF file, or a broken one.
    """
    file = read_gguf(path)
    values: Counter[str] = Counter()
    for entry in file.tensors.values():
        if len(entry.shape) > 1:
            values[entry.dtype] += entry.values
    total = sum(values.values()) or 1
    main = values.most_common(1)[0][0] if values else ""
    shares = ", ".join(f"{kind} {100 * count / total:.0f} %" for kind, count in values.most_common(4))
    stated = file.fields.get("general.file_type")
    # Matrices whose rows do not divide into blocks are stored in a wider type, so that the file's own word goes first.
    found = file_quantization(stated) if isinstance(stated, int) else _MAIN.get(main)
    said = f"general.file_type {stated}" if isinstance(stated, int) else "no general.file_type"
    word = str(found) if found is not None else "none that a playbook can name"
    return GgufTypes(found, f"The GGUF file is {word}: {said}; its matrices are {shares or 'none'}.")
