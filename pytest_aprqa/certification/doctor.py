"""What this machine can run: packages, engines, devices, memory, disks, caches, and the cells of each tier.

Looks only; nothing heavy is imported, nothing is started, and the network is asked only where the user wants it.
"""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from pytest_aprqa import __version__, embedded
from pytest_aprqa.certification.packages import Installed, Runner, engines, extras, servers, version_of
from pytest_aprqa.core import TIERS, Backend, Format, Json, Modality, Tier, TierPlan
from pytest_aprqa.evidence import read_host
from pytest_aprqa.formats import holds_weights
from pytest_aprqa.suite import unavailable_words
from pytest_aprqa.weights import digest_memory, hub_cache

_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Cache:
    """A folder that grows."""

    name: str
    path: Path
    exists: bool
    free_bytes: int | None
    """Free space of its disk; None where that cannot be told."""
    models: int
    """Models of the hub that it holds."""

    def to_json(self) -> dict[str, Json]:
        """Plain JSON."""
        return {
            "name": self.name,
            "path": str(self.path),
            "exists": self.exists,
            "free_bytes": self.free_bytes,
            "models": self.models,
        }


@dataclass(frozen=True, slots=True)
class TierOutlook:
    """How much of a tier's usual matrix can run here."""

    tier: Tier
    cells: int
    runnable: int
    skips: Mapping[str, int]
    """Reason → number of cells."""

    def to_json(self) -> dict[str, Json]:
        """Plain JSON."""
        return {"cells": self.cells, "runnable": self.runnable, "skips": dict(self.skips)}


@dataclass(frozen=True, slots=True)
class Health:
    """Everything that the doctor saw."""

    versions: Mapping[str, str | None]
    """Python, this package, pytest."""
    extras: tuple[Installed, ...]
    engines: tuple[Runner, ...]
    servers: tuple[Runner, ...]
    os: str
    cpu: str
    cores: int
    """Those that this process may use."""
    memory_bytes: int
    available_bytes: int
    gpus: tuple[str, ...]
    no_gpu: str
    """Why gpu cells are skipped; empty where they run."""
    caches: tuple[Cache, ...]
    tiers: tuple[TierOutlook, ...]
    hub: str | None
    """What the hub answered; None where it was not asked."""
    problems: tuple[str, ...]
    """Why not even the embedded model's smoke test could run; empty where it can."""

    @property
    def able(self) -> bool:
        """True when the embedded model's smoke test can run."""
        return not self.problems

    @property
    def installs(self) -> tuple[str, ...]:
        """Commands that would install what is missing, each once."""
        runners = (*self.engines, *self.servers)
        missing = [it.install for it in runners if not it.ready] + [it.install for it in self.extras if not it.complete]
        return tuple(dict.fromkeys(missing))

    def to_json(self) -> dict[str, Json]:
        """Plain JSON."""
        return {
            "able": self.able,
            "problems": list(self.problems),
            "versions": dict(self.versions),
            "extras": {it.extra: it.to_json() for it in self.extras},
            "engines": [it.to_json() for it in self.engines],
            "servers": [it.to_json() for it in self.servers],
            "install": list(self.installs),
            "os": self.os,
            "cpu": self.cpu,
            "cores": self.cores,
            "memory_bytes": self.memory_bytes,
            "available_bytes": self.available_bytes,
            "gpus": list(self.gpus),
            "no_gpu": self.no_gpu,
            "caches": [it.to_json() for it in self.caches],
            "tiers": {str(it.tier): it.to_json() for it in self.tiers},
            "hub": self.hub,
        }


def examine(environment: Mapping[str, str], *, online: bool = False) -> Health:
    """Looks around.

    Args:
        environment: of this process.
        online: whether the hub may be asked.
    """
    host, memory = read_host(), psutil.virtual_memory()
    found, offered = engines(), servers()
    words = unavailable_words(environment, no_gpu=False)
    return Health(
        versions={
            "python": platform.python_version(),
            "pytest-aprqa": __version__,
            "pytest": version_of("pytest"),
        },
        extras=extras(),
        engines=found,
        servers=offered,
        os=host.os,
        cpu=host.cpu,
        cores=len(os.sched_getaffinity(0)),
        memory_bytes=memory.total,
        available_bytes=memory.available,
        gpus=host.gpus,
        no_gpu=words.get(Backend.GPU, ""),
        caches=tuple(_caches(environment)),
        tiers=tuple(tier_outlook(plan, found, offered, words) for plan in TIERS.values()),
        hub=_ask_hub(environment) if online else None,
        problems=tuple(_problems(found)),
    )


def tier_outlook(
    plan: TierPlan, found: Sequence[Runner], offered: Sequence[Runner], unavailable: Mapping[str, str]
) -> TierOutlook:
    """Which cells of a tier could run.

    Args:
        plan: the tier.
        found: the engines.
        offered: the servers.
        unavailable: word of a cell → why it cannot run here.
    """
    skips: dict[str, int] = {}
    cells = 0
    for format in plan.formats:
        targets = max(len(plan.quantizations), 1) if format is Format.GGUF else 1
        for backend in plan.backends:
            for modality in plan.modalities:
                cells += targets
                if reason := unavailable.get(backend) or _hindrance(format, modality, found, offered):
                    skips[reason] = skips.get(reason, 0) + targets
    return TierOutlook(plan.tier, cells, cells - sum(skips.values()), skips)


def _hindrance(format: Format, modality: Modality, found: Sequence[Runner], offered: Sequence[Runner]) -> str:
    """Why a cell cannot run; empty when it can."""
    wanted = [*found, *(offered if modality is Modality.SERVE else ())]
    return next((f"{it.name}: {it.reason}" for it in wanted if format in it.formats and not it.ready), "")


def _problems(found: Sequence[Runner]) -> Iterator[str]:
    yield from (f"{it.name}: {it.reason}" for it in found if Format.SAFETENSORS in it.formats and not it.ready)
    if not holds_weights(embedded.folder()):
        yield f"{embedded.folder()}: the embedded model is missing; install the package again"


def _caches(environment: Mapping[str, str]) -> Iterator[Cache]:
    hub = hub_cache(environment)
    yield _cache(f"Hugging Face ({hub.reason})", hub.folder)
    yield _cache("conversions", digest_memory(environment).parent / "conversions")


def _cache(name: str, path: Path) -> Cache:
    there = next((folder for folder in (path, *path.parents) if folder.is_dir()), None)
    try:
        free = None if there is None else shutil.disk_usage(there).free
        models = sum(1 for folder in path.glob("models--*") if folder.is_dir())
    except OSError:
        free, models = None, 0
    return Cache(name, path, path.is_dir(), free, models)


def _ask_hub(environment: Mapping[str, str]) -> str:
    """One small request, with a deadline."""
    import httpx

    endpoint = environment.get("HF_ENDPOINT") or "https://huggingface.co"
    try:
        answer = httpx.head(endpoint, timeout=_TIMEOUT_S, follow_redirects=True)
    except (httpx.HTTPError, httpx.InvalidURL) as exc:
        return f"{endpoint}: not reached: {type(exc).__name__}: {exc}"
    return f"{endpoint}: answers ({answer.status_code})"
