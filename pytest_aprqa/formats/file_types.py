"""What a GGUF file says that it is: ``general.file_type``, a number of llama.cpp's enum ``llama_ftype``.

The names are those of the `gguf` package. Knows nothing of the types that the file's tensors really have.
"""

from __future__ import annotations

from pytest_aprqa.core import Quantization


def file_type(code: object) -> str | None:
    """The name of a file type in lower case; None where the value is no number of one.

    >>> file_type(0), file_type(3), file_type(15), file_type(9999), file_type(True)
    ('f32', 'q4_1', 'q4_k_m', None, None)
    """
    from gguf import LlamaFileType

    if not isinstance(code, int) or isinstance(code, bool):
        return None
    try:
        name: str = LlamaFileType(code).name
    except ValueError:
        return None
    return name.lower().removeprefix("mostly_").removeprefix("all_")


def file_quantization(code: object) -> Quantization | None:
    """The same, where it is a quantization that a playbook may name.

    >>> file_quantization(15).value, file_quantization(3)
    ('q4_k_m', None)
    """
    name = file_type(code)
    return Quantization(name) if name is not None and name in tuple(Quantization) else None
