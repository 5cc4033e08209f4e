"""Download from the Hugging Face hub, into its own cache, when the user allows it.

Weights as safetensors, configuration and tokenizer only: never pickle, never code. The revision is resolved to a commit
by the hub's client, and that commit is what is recorded.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import partialmethod
from pathlib import Path
from typing import Any, Final

from pytest_aprqa.formats import holds_weights
from pytest_aprqa.weights.hub_cache import hub_cache
from pytest_aprqa.weights.places import Found, NotFound, Search, Wanted

_WANTED_FILES: Final = ("*.safetensors", "*.json", "*.jinja", "*.txt", "*.model")
_UNWANTED_FILES: Final = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.py", "*.gguf", "*/*", "consolidated*")
_TRUE: Final = frozenset({"1", "ON", "YES", "TRUE"})


def download(wanted: Wanted, search: Search) -> Found | NotFound:
    """Downloads the snapshot of the wanted revision; says why where it may not or cannot."""
    if not search.download:
        return NotFound(("the Hugging Face hub: not asked, --aprqa-download was not given",))
    if variable := _offline_variable(search.environment):
        return NotFound((f"the Hugging Face hub: not asked, {variable} is set",))
    if not wanted.on_hub:
        return NotFound((f"the Hugging Face hub: not asked, {wanted.model!r} is not like org/name",))
    endpoint = search.environment.get("HF_ENDPOINT") or "https://huggingface.co"
    try:
        folder = _snapshot(wanted, search, endpoint)
    except _hub_errors() as exc:
        return NotFound((f"{endpoint}: {_reason(exc)}",))
    if not holds_weights(folder):
        return NotFound((f"{endpoint}: {wanted.model} has no safetensors weights",))
    return Found(folder, f"downloaded from {endpoint}", folder.name)


def _snapshot(wanted: Wanted, search: Search, endpoint: str) -> Path:
    import huggingface_hub

    bars: dict[str, Any] = {} if search.progress else {"tqdm_class": _silent_bars()}
    folder = huggingface_hub.snapshot_download(
        wanted.model,
        revision=wanted.revision,
        cache_dir=hub_cache(search.environment).folder,
        endpoint=endpoint,
        token=search.environment.get("HF_TOKEN") or None,
        allow_patterns=list(_WANTED_FILES),
        ignore_patterns=list(_UNWANTED_FILES),
        **bars,
    )
    return Path(folder)


def _silent_bars() -> type[Any]:
    """The client's progress bar, switched off; its own switch is global to the process."""
    bar: Any = importlib.import_module("huggingface_hub.utils").tqdm
    return type("Silent", (bar,), {"__init__": partialmethod(bar.__init__, disable=True)})


def _hub_errors() -> tuple[type[Exception], ...]:
    """What the client lets through: its own errors are of these, its HTTP library's (httpx from 1.0 on) beside them."""
    from huggingface_hub.errors import HfHubHTTPError

    errors: tuple[type[Exception], ...] = (HfHubHTTPError, OSError, ValueError)
    try:
        return (*errors, importlib.import_module("httpx").HTTPError)
    except ImportError:
        return errors


def _reason(exc: BaseException) -> str:
    """One line that says what the hub, or the way to it, answered: the first cause of the chain."""
    while exc.__cause__ is not None:
        exc = exc.__cause__
    text = " ".join(str(exc).split())[:400]
    return f"{type(exc).__name__}: {text}" if text else type(exc).__name__


def _offline_variable(environment: Mapping[str, str]) -> str | None:
    """The variable that forbids the network, by the client's own words for true."""
    names = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
    return next((name for name in names if environment.get(name, "").upper() in _TRUE), None)
