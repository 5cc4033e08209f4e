"""llama.cpp's own server as a program: ``python -m pytest_aprqa.serving.llama_cpp --model FILE --port PORT ...``.

The settings are those of ``llama-server``, except that the context is not the model's whole one, for which there may be
no memory, and that nothing adapts to the memory that happens to be free. It ends with exit code 0 on SIGTERM.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
from collections.abc import Sequence

from pytest_aprqa.engines.llama_cpp import MAX_CONTEXT_TOKENS
from pytest_aprqa.serving.llama_cpp_launch import API_KEY
from pytest_aprqa.serving.ports import LOOPBACK

_ALL_LAYERS = 999
"""More than any model has: all of them go to the GPU."""
_NO_GPU = 3
"""Exit code."""


def main(arguments: Sequence[str]) -> None:
    """Serves until SIGTERM."""
    wanted = _parser().parse_args(arguments)
    if not wanted.gpu:
        os.environ["CUDA_VISIBLE_DEVICES"] = ""  # a build with CUDA would use it for long prompts all the same
    import xllamacpp

    if wanted.gpu and not any("GPU" in str(device["type"]) for device in xllamacpp.get_device_info()):
        sys.stderr.write("this build of xllamacpp sees no GPU\n")
        sys.exit(_NO_GPU)
    server = xllamacpp.Server(_settings(wanted))
    sys.stderr.write(f"listening on {server.listening_address}\n")
    _wait_for_end()
    # Without the destructor, which waits for answers under way, and has been seen to wait for more than ten seconds.
    os._exit(0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pytest_aprqa.serving.llama_cpp", allow_abbrev=False)
    parser.add_argument("--model", required=True, help=".gguf file")
    parser.add_argument("--host", default=LOOPBACK)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True, help="threads that compute")
    parser.add_argument("--slots", type=int, default=4, help="requests that are computed side by side")
    parser.add_argument("--context", type=int, default=MAX_CONTEXT_TOKENS, help="tokens that all slots share")
    parser.add_argument("--gpu", action="store_true", help="all layers on the GPU; else none")
    return parser


def _settings(wanted: argparse.Namespace) -> object:
    import xllamacpp

    settings = xllamacpp.CommonParams()
    settings.model.path = wanted.model
    settings.hostnames = [wanted.host]
    settings.port = wanted.port
    settings.n_ctx = wanted.context
    settings.n_parallel = wanted.slots
    settings.kv_unified = True
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = wanted.threads
    settings.n_gpu_layers = _ALL_LAYERS if wanted.gpu else 0
    settings.no_kv_offload = settings.no_op_offload = not wanted.gpu
    settings.use_jinja = True
    settings.fit_params = settings.ui = False
    if key := os.environ.get(API_KEY):
        settings.api_keys = [key]
    return settings


def _wait_for_end() -> None:
    """Returns once SIGTERM or SIGINT came, whichever of the library's threads the kernel gave it to."""
    waking, woken = socket.socketpair()
    woken.setblocking(False)
    signal.set_wakeup_fd(woken.fileno())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    waking.recv(1)


if __name__ == "__main__":
    main(sys.argv[1:])
