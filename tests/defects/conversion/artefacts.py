"""The healthy artefacts into which defects are planted, all made from the embedded model by the package itself."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final, NamedTuple

from pytest_aprqa import embedded
from pytest_aprqa.conversion import convert
from pytest_aprqa.core import Format, Quantization
from tests.defects.conversion.contents import edited
from tests.defects.conversion.stored import stored


class Artefact(NamedTuple):
    """What is made."""

    format: Format
    quantization: Quantization | None

    @property
    def label(self) -> str:
        """Such as ``gguf q4_k_m``."""
        return f"{self.format} {self.quantization}" if self.quantization else f"{self.format}"

    @property
    def compared(self) -> bool:
        """Whether the comparisons are about it: safetensors is what they compare with."""
        return self.format is not Format.SAFETENSORS


FOLDER: Final = Artefact(Format.SAFETENSORS, None)
GGUF_F32: Final = Artefact(Format.GGUF, Quantization.F32)
GGUF_F16: Final = Artefact(Format.GGUF, Quantization.F16)
GGUF_Q8_0: Final = Artefact(Format.GGUF, Quantization.Q8_0)
GGUF_Q4_0: Final = Artefact(Format.GGUF, Quantization.Q4_0)
GGUF_Q4_K_M: Final = Artefact(Format.GGUF, Quantization.Q4_K_M)
APR_F32: Final = Artefact(Format.APR, Quantization.F32)
APR_F16: Final = Artefact(Format.APR, Quantization.F16)
APR_BF16: Final = Artefact(Format.APR, Quantization.BF16)
APR_Q8_0: Final = Artefact(Format.APR, Quantization.Q8_0)
APR_Q4_0: Final = Artefact(Format.APR, Quantization.Q4_0)
APR_Q4_K_M: Final = Artefact(Format.APR, Quantization.Q4_K_M)

HEALTHY: Final = (
    FOLDER,
    *(Artefact(Format.GGUF, quantization) for quantization in Quantization),
    APR_F32,
    APR_F16,
    APR_BF16,
    APR_Q8_0,
    APR_Q4_0,
    APR_Q4_K_M,
)
"""Every format and quantization that raises no alarm without a defect."""

_OWN_TYPES: Final = {APR_Q8_0: "APR_Q8", APR_Q4_0: "APR_Q4"}
"""Types of APR alone: the package reads and judges them, and writes them nowhere."""
_SMALL_VALUES: Final = 1024
"""Aprender leaves smaller tensors as they are, and the embedding and the head."""


def make(artefact: Artefact, into: Path) -> Path:
    """Makes the healthy artefact in a folder that is not there yet; returns the file, or the model's folder.

    What is not made from the ground truth alone has been through GGUF: the folder of safetensors, so that it is
    converted like the others, and the blocks of Q4_K in an .apr file.
    """
    if artefact in _OWN_TYPES:
        return _quantized_by_aprender(convert(embedded.folder(), into, format=Format.APR).path, _OWN_TYPES[artefact])
    source = {FOLDER: GGUF_F16, APR_Q4_K_M: GGUF_Q4_K_M}.get(artefact)
    start = make(source, into.with_name(f"{into.name}-on-the-way")) if source else embedded.folder()
    return convert(start, into, format=artefact.format, quantization=artefact.quantization).path


def _quantized_by_aprender(path: Path, dtype: str) -> Path:
    with edited(path) as contents:
        for name, tensor in contents.tensors.items():
            if ".layers." in name and tensor.values.size >= _SMALL_VALUES:
                contents.tensors[name] = stored(tensor.values, dtype)
    return path


def copied(path: Path, into: Path) -> Path:
    """A copy to plant a defect in: of a file as a file in the folder, of a folder as the folder."""
    if path.is_dir():
        return Path(shutil.copytree(path, into))
    into.mkdir(parents=True)
    return Path(shutil.copy2(path, into / path.name))
