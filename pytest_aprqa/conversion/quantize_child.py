"""The process that quantizes a GGUF file: ``quantize_child.py SOURCE TARGET TYPE THREADS``.

Run as a file by `quantize`, never imported; it needs nothing of this package. Exit code 3: the quantizer said no.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(words: Sequence[str]) -> int:
    """Quantizes; what llama.cpp prints goes where our output goes."""
    from cyllama.llama import llama_cpp

    source, target, code, threads = words
    parameters = llama_cpp.LlamaModelQuantizeParams()
    parameters.ftype = int(code)
    parameters.nthread = int(threads)
    try:
        llama_cpp.model_quantize(source, target, parameters)
    except RuntimeError as exc:
        sys.stderr.write(f"{exc}\n")
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
