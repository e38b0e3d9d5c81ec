"""A server that writes down what it is sent, so that a test sees requests which no page lives long enough to tell of."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, Queue
from typing import Any

from tests.browser.host import POLL_S

CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key",
    "Access-Control-Max-Age": "0",
}


class Recorder:
    """`address` is where it is; each body that came, with the path it was for, in order."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._came: Queue[tuple[str, dict[str, Any]]] = Queue()

    def write_down(self, path: str, body: dict[str, Any]) -> None:
        self._came.put((path, body))

    def next(self, timeout_s: float = 10.0) -> tuple[str, dict[str, Any]]:
        """Raises Empty when nothing comes."""
        return self._came.get(timeout=timeout_s)

    def came(self) -> list[tuple[str, dict[str, Any]]]:
        """All that came and was not asked for yet."""
        found = []
        while True:
            try:
                found.append(self._came.get_nowait())
            except Empty:
                return found


@contextmanager
def recording() -> Iterator[Recorder]:
    """Answers 202 to whatever is posted, to any site, until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_OPTIONS(self) -> None:
            self._answer(204, b"")

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            recorder.write_down(self.path, body)
            self._answer(202, b"{}")

        def do_GET(self) -> None:
            self._answer(200, b"elsewhere")

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            for name, value in CORS.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Tests say themselves what matters."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        recorder = Recorder(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, args=(POLL_S,))
        thread.start()
        yield recorder
        server.shutdown()
        thread.join()
