"""A server of the standard library alone that starts, listens and ends in one way or another; run as a script."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import FrameType

KEY = "sesame"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        fault = self.server.fault  # type: ignore[attr-defined]  # set below
        if fault == "trickles":
            with contextlib.suppress(OSError):
                while True:
                    self.wfile.write(b"H")
                    time.sleep(0.05)
            return
        if fault == "wants_key" and self.headers["authorization"] != f"Bearer {KEY}":
            self._say(401)
        elif fault == "never_ready" and self.path == "/health":
            self._say(503)
        elif self.path == "/health" and fault != "no_health":
            self._say(200)
        elif self.path == "/v1/models":
            self._say(200, {"data": [{"id": "a word"}, {"id": "another"}]})
        elif self.path == "/environment":
            self._say(200, dict(os.environ))
        else:
            self._say(404)

    def _say(self, status: int, body: object = None) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


class RogueServer(ThreadingHTTPServer):
    daemon_threads = True
    fault = ""


def leave_child() -> None:
    """A process that keeps the port and takes no notice of SIGTERM."""
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.close(1)
        time.sleep(1000)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--fault", default="")
    parser.add_argument("--starts", type=Path, help="a file that tells how often it was started")
    wanted = parser.parse_args()
    if wanted.starts:
        with wanted.starts.open("a") as starts:
            starts.write("x")
    sys.stderr.write("famous last words\n")
    if wanted.fault == "exits":
        sys.exit(3)
    server = RogueServer(("127.0.0.1", wanted.port), Handler)
    server.fault = wanted.fault
    if wanted.fault == "leaves_child":
        leave_child()
    if wanted.fault == "chatty":
        sys.stdout.write("x" * 4_000_000 + "the end\n")
        sys.stdout.flush()

    def end(_number: int, _frame: FrameType | None) -> None:
        os._exit(0)

    signal.signal(signal.SIGTERM, signal.SIG_IGN if wanted.fault == "ignores_sigterm" else end)
    server.serve_forever()


if __name__ == "__main__":
    main()
