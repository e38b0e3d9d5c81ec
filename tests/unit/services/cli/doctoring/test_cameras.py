import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

import pytest

from services.cli.doctoring import cameras as looking
from services.cli.doctoring.cameras import cameras
from services.cli.doctoring.finding import Finding
from services.sources.cameras.report import CameraReport
from shared.runtime import health
from shared.runtime.health import Health
from shared.settings import Settings
from tests.cameras import Fault, World
from tests.cameras import cameras as simulated

PASSWORD = "canary-3f9a1c"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "LOOK_S", 0.3)
    monkeypatch.setattr(looking, "LONGEST_WAIT_S", 2.0)


def looked(world: World) -> list[Finding]:
    sources = {one.name: {"url": one.url, "user": "ana", "password": PASSWORD} for one in world}
    found = list(cameras(Settings({"sources": sources})))
    assert PASSWORD not in repr(found)
    return found


def test_no_cameras_are_fine() -> None:
    (found,) = cameras(Settings({}))
    assert found.state == "ok"


def test_all_that_answer_are_one_line() -> None:
    with simulated(n=6, kind="mjpeg", fps=10) as world:
        (found,) = looked(world)
    assert (found.state, found.found) == ("ok", "6 of 6 answer")


def test_those_that_do_not_are_named_with_what_to_do() -> None:
    """Three of twelve, each dead in its own way, and no longer than one of them alone."""
    with simulated(n=12, kind="mjpeg", fps=10) as world:
        for name, fault in (("cam-02", Fault.REFUSES), ("cam-05", Fault.NOT_FOUND), ("cam-09", Fault.NO_ANSWER)):
            world[name].fault = fault
        began_s = time.monotonic()
        summary, *named = looked(world)
    assert time.monotonic() - began_s < 20
    assert (summary.state, summary.found) == ("warning", "9 of 12 answer")
    assert {one.looked_at for one in named} == {"camera cam-02", "camera cam-05", "camera cam-09"}
    assert all(one.state == "wrong" and one.todo for one in named)
    said = {one.looked_at: one.found for one in named}
    assert "nothing listens on port" in said["camera cam-02"]
    assert "404" in said["camera cam-05"]


def test_an_address_that_is_none_is_named() -> None:
    summary, named = cameras(Settings({"sources": {"gate": "gopher://gate.example/"}}))
    assert (summary.found, named.state) == ("0 of 1 answer", "wrong")
    assert "gopher" in named.found


@contextmanager
def running(reports: list[dict[str, object]]) -> Iterator[Settings]:
    """Settings of a gleaner that runs, and says this of its cameras."""
    server = health.serve(Health(), "127.0.0.1", 0, {"/sources": lambda: reports})
    port = int(server.server_address[1])
    sources = {str(one["source_id"]): "http://127.0.0.1:9/" for one in reports}
    try:
        yield Settings({"health": {"port": port}, "sources": sources})
    finally:
        server.shutdown()
        server.server_close()


def report(name: str, state: str, why: str | None = None) -> dict[str, object]:
    return asdict(CameraReport(name, "http://127.0.0.1:9/", state, why=why))  # type: ignore[arg-type]


def test_a_gleaner_that_runs_is_asked_instead_of_its_cameras() -> None:
    with running([report("a", "live"), report("b", "down", "no answer"), report("c", "frozen")]) as settings:
        summary, *named = cameras(settings)
    assert summary.found == "1 of 3 answer; 3 are read by the gleaner that runs here"
    assert [(one.looked_at, one.state) for one in named] == [("camera b", "wrong"), ("camera c", "warning")]
    assert named[0].found == "down: no answer"


def test_a_camera_that_it_does_not_know_yet_is_opened() -> None:
    with running([report("a", "live")]) as settings, simulated(n=1, kind="mjpeg", fps=10) as world:
        more = {**settings.values["sources"], "new": world["cam-00"].url}
        (found,) = cameras(Settings({**settings.values, "sources": more}))
    assert found.found == "2 of 2 answer; 1 are read by the gleaner that runs here"
