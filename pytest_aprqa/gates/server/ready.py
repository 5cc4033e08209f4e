"""Judges of a server that was just started: up, taking connections, well, and naming its model."""

from __future__ import annotations

import socket
import time
from typing import Final

from pytest_aprqa.core import Backend, Verdict, corroborated, falsified
from pytest_aprqa.gates.measured import Unjudgeable, once
from pytest_aprqa.gates.server.exchanges import OK, body_of
from pytest_aprqa.gates.server.service import Service
from pytest_aprqa.serving.endpoint import address_of
from pytest_aprqa.serving.reply import Reply

HEALTH_MS: Final = 1_000
"""Longest time of a health answer, in milliseconds."""
COMPUTE_KEYS: Final = ("compute_mode", "compute", "device", "backend")
"""Where a health answer may say on what is computed."""
_GPU_WORDS: Final = ("gpu", "cuda", "rocm", "metal", "vulkan")
_CONNECT_MS: Final = 5_000


def judge_ready(service: Service) -> Verdict:
    """F-SERVE-001."""
    server = service.server()
    if not server.alive:
        return falsified(f"the server at {server.url} is not alive", log=server.log_tail[-2000:])
    if server.ready_ms is None:
        return corroborated(f"the server at {server.url} is alive", compared=1)
    return corroborated(
        f"the server was ready after {server.ready_ms:.0f} ms",
        compared=1,
        ready_ms=round(server.ready_ms, 1),
        versions={**server.versions},
    )


def judge_connection(service: Service) -> Verdict:
    """F-HTTP-001."""
    host, port = address_of(service.server().url)
    began = time.perf_counter()
    try:
        with socket.create_connection((host, port), timeout=_CONNECT_MS / 1000):
            took = (time.perf_counter() - began) * 1000
    except OSError as exc:
        return falsified(f"no connection to {host} port {port}: {exc}")
    return corroborated(f"port {port} of {host} took a connection within {took:.1f} ms", compared=1)


def judge_health(service: Service) -> Verdict:
    """F-HTTP-002."""
    reply = _health(service)
    if reply.status != OK:
        return falsified(f"GET {service.health} answers {reply.status}, should answer {OK}", body=body_of(reply))
    return corroborated(f"GET {service.health} answers {OK}", compared=1)


def judge_quick_health(service: Service) -> Verdict:
    """F-API-003: the quicker of two, for a busy machine may hold up one."""
    first = _health(service)
    times = [first.duration_ms]
    if first.duration_ms > HEALTH_MS:
        times.append(service.client().get(service.health).duration_ms)
    quickest = min(times)
    words = f"GET {service.health} took {quickest:.1f} ms, limit {HEALTH_MS} ms"
    if quickest > HEALTH_MS:
        return falsified(f"{words}, twice", compared=len(times))
    return corroborated(words, compared=len(times))


def judge_compute_mode(service: Service) -> Verdict:
    """F-HTTP-003; the API does not ask a server to tell, so that silence is no deviation."""
    reply = _health(service)
    body = reply.json
    said = (
        {key: body[key] for key in COMPUTE_KEYS if isinstance(body.get(key), str) and body[key]}
        if isinstance(body, dict)
        else {}
    )
    if not said:
        raise Unjudgeable(f"GET {service.health} does not say on what is computed, and need not")
    key, word = next(iter(said.items()))
    on_gpu = any(name in str(word).lower() for name in _GPU_WORDS)
    if on_gpu != (service.backend is Backend.GPU):
        return falsified(f"GET {service.health} says {key} {word!r}, and the target is on the {service.backend}")
    return corroborated(f"GET {service.health} says {key} {word!r}", compared=1)


def judge_models(service: Service) -> Verdict:
    """F-HTTP-021."""
    client = service.client()
    reply = client.get("/v1/models")
    if reply.status != OK:
        return falsified(f"GET /v1/models answers {reply.status}, should answer {OK}", body=body_of(reply))
    body = reply.json
    listed = body.get("data") if isinstance(body, dict) else None
    if not isinstance(listed, list):
        return falsified(f"GET /v1/models has no list under 'data': {body_of(reply)}")
    names = [one["id"] for one in listed if isinstance(one, dict) and isinstance(one.get("id"), str)]
    if client.model not in names:
        return falsified(
            f"GET /v1/models lists {', '.join(map(repr, names[:3])) or 'nothing'}, should list {client.model!r}",
            compared=max(1, len(names)),
        )
    return corroborated(f"GET /v1/models lists {client.model!r}", compared=len(names))


def _health(service: Service) -> Reply:
    """The first answer of the health path; the same one to every gate."""
    return once(service.memory, "health", lambda: service.client().get(service.health))
