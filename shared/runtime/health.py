"""Health: is the loop alive, is it ready, what does it measure?

Promises: /livez looks at the loop's own ticks alone, never at another system, so that an outage of the broker does not
restart the fleet; /readyz says what is waited for; /metrics is Prometheus text; /settings says which settings are in force,
where a loop takes them up. Whoever serves it may add pages of its own.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

MAX_TICK_AGE_S = 150.0
SETTINGS_PAGE = "/settings"
DEAD_LETTERS = "dead letters"
"""What a loop waits for that stopped reading: somebody who looks."""


class Health:
    """What a loop says about itself. Thread-safe: single assignments of immutable values."""

    def __init__(self) -> None:
        self._tick_s = time.monotonic()
        self._waiting_for: str | None = None
        self.settings: Callable[[], object] | None = None
        """What is said of the settings in force, where they can change while it runs."""

    def tick(self) -> None:
        self._tick_s = time.monotonic()

    def waiting_for(self, dependency: str | None) -> None:
        self._waiting_for = dependency

    @property
    def alive(self) -> bool:
        return time.monotonic() - self._tick_s < MAX_TICK_AGE_S

    @property
    def blocked_by(self) -> str | None:
        return self._waiting_for


class AllHealthy:
    """Several loops in one process: alive when all are, blocked by whatever blocks one of them."""

    def __init__(self, loops: Sequence[Health]) -> None:
        self._loops = loops

    @property
    def alive(self) -> bool:
        return all(loop.alive for loop in self._loops)

    @property
    def blocked_by(self) -> str | None:
        return ", ".join(sorted({loop.blocked_by for loop in self._loops if loop.blocked_by})) or None

    @property
    def settings(self) -> Callable[[], object] | None:
        """Of the one loop that takes them up."""
        return next((loop.settings for loop in self._loops if loop.settings), None)


Pages = Mapping[str, Callable[[], object]]
"""Path → what it shows, as JSON can hold it."""


def serve(health: Health | AllHealthy, host: str, port: int, pages: Pages | None = None) -> ThreadingHTTPServer:
    """Answers on a daemon thread until `shutdown()`."""
    more = {SETTINGS_PAGE: lambda: health.settings and health.settings(), **(pages or {})}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._answer(200, generate_latest(), CONTENT_TYPE_LATEST)
            elif self.path == "/livez":
                self._answer_json(health.alive, {"alive": health.alive})
            elif self.path == "/readyz":
                self._answer_json(health.blocked_by is None, {"waiting_for": health.blocked_by})
            elif self.path in more:
                self._answer_json(True, more[self.path]())
            else:
                known = ", ".join(["/livez", "/readyz", "/metrics", *more])
                self._answer(404, f"see {known}\n".encode(), "text/plain")

        def _answer_json(self, fine: bool, body: object) -> None:
            self._answer(200 if fine else 503, json.dumps(body).encode(), "application/json")

        def _answer(self, status: int, body: bytes, content_type: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Probes come every few seconds; they are no news."""

    server = ThreadingHTTPServer((host, port), Handler)
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server
