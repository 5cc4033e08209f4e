"""A stand-in for the Hugging Face hub: the two endpoints that its client uses to download a snapshot."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(ThreadingHTTPServer):
    """Serves one repository; `asked` lists the paths of all requests."""

    def __init__(self, model: str, files: Mapping[str, bytes], *, refuse: tuple[int, str] | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.model = model
        self.files = files
        self.refuse = refuse
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        hub, path = self.server, self.path.partition("?")[0]
        hub.asked.append(path)
        if hub.refuse:
            self._send(hub.refuse[0], b"{}", {"X-Error-Code": hub.refuse[1], "X-Error-Message": hub.refuse[1]}, body)
        elif path.startswith(f"/api/models/{hub.model}/tree/"):
            tree = [{"type": "file", "path": name, "size": len(hub.files[name]), "oid": "0"} for name in hub.files]
            self._send(200, json.dumps(tree).encode(), {}, body)
        elif path.startswith(f"/api/models/{hub.model}"):
            facts = {"id": hub.model, "sha": COMMIT, "siblings": [{"rfilename": name} for name in hub.files]}
            self._send(200, json.dumps(facts).encode(), {}, body)
        elif (name := path.rpartition(f"/{hub.model}/resolve/{COMMIT}/")[2]) in hub.files:
            etag = hashlib.sha256(hub.files[name]).hexdigest()
            self._send(200, hub.files[name], {"X-Repo-Commit": COMMIT, "ETag": f'"{etag}"'}, body)
        else:
            self._send(404, b"{}", {"X-Error-Code": "EntryNotFound"}, body)

    def _send(self, status: int, content: bytes, headers: Mapping[str, str], body: bool) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Stays quiet."""


@contextmanager
def hub(model: str, files: Mapping[str, bytes], *, refuse: tuple[int, str] | None = None) -> Iterator[Hub]:
    """Runs a hub in a thread; `refuse` is the status and error code of every answer."""
    server = Hub(model, files, refuse=refuse)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
