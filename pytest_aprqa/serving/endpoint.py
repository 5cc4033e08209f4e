"""A server that somebody else runs, known by its url: asked, never started and never ended."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

from pytest_aprqa.core import EngineRefused, EngineTimeout, Target
from pytest_aprqa.serving.ready import Probed, Prober
from pytest_aprqa.serving.server import ServeWish, Stopped

KIND = "url"
_PORTS: Mapping[str, int] = {"http": 80, "https": 443}
_LAST_ANSWER_S = 0.5
"""Of the last question, so that what it says is heard."""
_PAUSE_S = 0.25
_ANSWER_S = 5.0
_PATIENCE_S = 10.0
"""How long a server that gives no HTTP answer is tried; one that answers that it loads has the whole time."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A `Server` behind a url."""

    url: str
    model: str
    api_key: str | None = field(repr=False)
    health: str

    @property
    def kind(self) -> str:
        """``url``."""
        return KIND

    @property
    def versions(self) -> Mapping[str, str]:
        """Not known."""
        return {}

    @property
    def pid(self) -> None:
        """Not known."""
        return

    @property
    def ready_ms(self) -> None:
        """Not known."""
        return

    @property
    def alive(self) -> bool:
        """Whether it answers its health path."""
        with Prober(self.url, health=self.health, api_key=self.api_key) as prober:
            return prober.health(timeout_s=_ANSWER_S).ok

    @property
    def log_tail(self) -> str:
        """Not known."""
        return ""

    def rss_bytes(self) -> None:
        """Not known."""
        return

    def descriptors(self) -> None:
        """Not known."""
        return

    def stop(self, *, term_ms: int = 10_000) -> Stopped | None:  # noqa: ARG002 - the protocol's; it is not ours to end
        """Leaves it running."""
        return None


def open_endpoint(target: Target, wish: ServeWish) -> Endpoint:
    """The server at a url, once it answers that it can be asked.

    Raises:
        EngineRefused: nobody is there, it does not speak, or it wants another key.
        EngineTimeout: it takes connections but does not answer, or is never ready.
    """
    url = base_url(wish.url or "")
    with Prober(url, health=wish.health, api_key=wish.api_key) as prober:
        _await(prober, url, wish)
        model = wish.model or prober.first_model(timeout_s=_ANSWER_S) or target.model
    return Endpoint(url=url, model=model, api_key=wish.api_key, health=wish.health)


def base_url(url: str) -> str:
    """A url without the slash, and without the ``/v1``, at its end.

    >>> base_url("http://127.0.0.1:8000/v1/")
    'http://127.0.0.1:8000'

    Raises:
        EngineRefused: it is not the url of a server.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError as exc:
        raise EngineRefused(f"the server's url makes no sense: {url!r}: {exc}") from exc
    if parts.scheme not in _PORTS or not parts.hostname or port == 0 or parts.query or parts.fragment:
        raise EngineRefused(f"the server's url: expected such as http://127.0.0.1:8080; found {url!r}")
    path = parts.path.rstrip("/").removesuffix("/v1").rstrip("/")
    return urlunsplit((parts.scheme, parts.netloc, path, "", ""))


def address_of(url: str) -> tuple[str, int]:
    """Host and port of a `base_url`.

    >>> address_of("http://127.0.0.1:8000"), address_of("https://example.org/api")
    (('127.0.0.1', 8000), ('example.org', 443))
    """
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or _PORTS[parts.scheme]


def _await(prober: Prober, url: str, wish: ServeWish) -> None:
    began = time.monotonic()
    while True:
        left_s = began + wish.ready_timeout_ms / 1000 - time.monotonic()
        probed = prober.health(timeout_s=max(min(_ANSWER_S, left_s), _LAST_ANSWER_S))
        if probed.ok:
            return
        waited_s = time.monotonic() - began
        if probed.forbidden or waited_s > _time_for(probed, wish):
            raise _failure(probed, url, round(waited_s * 1000))
        time.sleep(_PAUSE_S)


def _time_for(probed: Probed, wish: ServeWish) -> float:
    """How long to go on asking after such an answer, in seconds from the first question."""
    whole_s = wish.ready_timeout_ms / 1000
    if probed.status is None:
        return min(_PATIENCE_S, whole_s)
    loading = probed.status in (502, 503, 504)
    return whole_s if loading else 0.0


def _failure(probed: Probed, url: str, after_ms: int) -> EngineRefused | EngineTimeout:
    tried = f"the server at {url} ({probed.said})"
    if probed.forbidden:
        return EngineRefused(f"{tried}: it wants another API key")
    if probed.status is None and not probed.late:
        return EngineRefused(f"{tried}: nobody answers; is it running there?")
    if probed.late or probed.status in (502, 503, 504):
        return NotAnswering(f"waiting for {tried}", after_ms=after_ms)
    return EngineRefused(f"{tried}: no path says that it is ready; give its health path")


class NotAnswering(EngineTimeout):
    """A server that is not ours did not answer in time; it was left as it was."""

    def __str__(self) -> str:
        return super().__str__().replace("; the engine was killed", "")
