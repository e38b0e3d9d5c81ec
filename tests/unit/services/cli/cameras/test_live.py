"""What a running gleaner says of its cameras: asked at its health page, trouble first, nothing when nobody answers."""

from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from services.cli.cameras import live
from services.sources.cameras.report import CameraReport
from shared.runtime.health import Health, serve
from shared.settings import Common

LIVE = CameraReport("yard", "/dev/video0", state="live", published=1200)
DOWN = CameraReport("gate\x1b[2J", "rtsp://192.0.2.1/a", state="down", hung=2, fault="hung", why="it hangs")


def test_reports_come_from_the_health_page() -> None:
    server = serve(Health(), "127.0.0.1", 0, {"/sources": lambda: [asdict(LIVE), asdict(DOWN)]})
    try:
        told = live.ask(f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()
    assert told == [asdict(LIVE), asdict(DOWN)]


def test_nobody_there_is_no_error() -> None:
    assert live.ask("http://127.0.0.1:1") is None


def test_somebody_elses_page_is_no_report() -> None:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>hello</html>")

        def log_message(self, *_: object) -> None:
            """No news."""

    server = HTTPServer(("127.0.0.1", 0), Page)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        assert live.ask(f"http://127.0.0.1:{server.server_port}") is None
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("health", "at", "address"),
    [
        ({}, None, None),
        ({"port": 81}, None, "http://127.0.0.1:81"),
        ({"host": "0.0.0.0", "port": 81}, None, "http://127.0.0.1:81"),
        ({"port": 81}, "http://sources:8081/", "http://sources:8081"),
    ],
)
def test_where_it_is_asked(health: dict[str, object], at: str | None, address: str | None) -> None:
    assert live.address(Common.model_validate({"health": health}), at) == address


def test_those_with_trouble_stand_first_and_no_name_moves_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    live.show([asdict(LIVE), asdict(DOWN)])
    shown = capsys.readouterr().out
    assert shown.index("gate") < shown.index("yard")
    assert "\x1b" not in shown
    assert ": it hangs" in shown
    assert "1,200" in shown
