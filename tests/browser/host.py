"""Somebody else's site: pages on an origin of their own, under the strictest policy that still lets the button in."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

POLL_S = 0.02
"""How often a server looks whether it should end; the default of half a second would be a part of each test."""
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Somebody else's page</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<script type="module" src="{gleaner}/gleaner-verdict.js"></script></head>
<body><main><h1>Front door</h1>{body}</main></body></html>"""


class Host:
    """`origin` is where it is; `gleaner` the server that its pages may load the button from and speak to."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.pages: dict[str, tuple[str, str]] = {}

    def page(self, gleaner: str, body: str, also: str = "") -> str:
        """The address of a new page; `also`: another server that it may speak to."""
        path = f"/{len(self.pages)}"
        policy = f"default-src 'none'; script-src {gleaner}; connect-src {gleaner} {also}; base-uri 'none'; form-action 'none'"
        self.pages[path] = (PAGE.format(gleaner=gleaner, body=body), policy)
        return self.origin + path


def button(**attributes: str) -> str:
    """The element, its attributes escaped as a careful page does it."""
    written = "".join(f' {name.replace("_", "-")}="{escape(value)}"' for name, value in attributes.items())
    return f"<gleaner-verdict{written}></gleaner-verdict>"


@contextmanager
def hosting() -> Iterator[Host]:
    """A host that answers until the block ends, under another name than the server's: another site, not only another port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page, policy = host.pages.get(self.path, ("", ""))
            self.send_response(200 if page else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Security-Policy", policy)
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *_: object) -> None:
            """Tests say themselves what matters."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        host = Host(f"http://localhost:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, args=(POLL_S,))
        thread.start()
        yield host
        server.shutdown()
        thread.join()
