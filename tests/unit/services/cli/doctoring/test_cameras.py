import time

import pytest

from services.cli.doctoring import cameras as looking
from services.cli.doctoring.cameras import cameras
from services.cli.doctoring.finding import Finding
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
