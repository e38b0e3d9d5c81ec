import threading
import time
from collections.abc import Iterator

import pytest

from services.cli.doctoring.examine import Check, examine, within
from services.cli.doctoring.finding import Finding, ok, wrong
from shared.errors import SettingsError, Unavailable
from shared.settings import Settings

CANARY = "canary-3f9a1c-in-an-error"
NONE = Settings({})


def fine(settings: Settings) -> Iterator[Finding]:
    yield ok("fine", "all is well")


def raising(error: BaseException) -> Check:
    def look(settings: Settings) -> Iterator[Finding]:
        yield ok("first", "found before it")
        raise error

    return Check("raising", look)


def test_findings_come_in_the_order_of_the_registry() -> None:
    checks = [Check(name, lambda _, name=name: [ok(name, "")], alone=name == "b") for name in "cba"]  # type: ignore[misc]
    assert [one.looked_at for one in examine(checks, NONE)] == ["c", "b", "a"]


@pytest.mark.parametrize(
    ("error", "state", "said"),
    [
        (RuntimeError(f"boom {CANARY}"), "wrong", "RuntimeError at test_examine.py:"),
        (KeyError(CANARY), "wrong", "KeyError at test_examine.py:"),
        (PermissionError(13, "Permission denied", CANARY), "wrong", "Permission denied"),
        (ModuleNotFoundError("no module", name="onnxruntime"), "wrong", "the package onnxruntime is missing"),
        (SettingsError("backend.folder: no permission"), "wrong", "backend.folder: no permission"),
        (Unavailable("log", "no answer"), "warning", "the log does not answer"),
    ],
)
def test_an_error_is_a_line_and_its_text_is_not_shown(error: Exception, state: str, said: str) -> None:
    first, line, beside = examine([raising(error), Check("fine", fine)], NONE)
    assert (first.looked_at, beside.looked_at) == ("first", "fine")
    assert (line.looked_at, line.state) == ("raising", state)
    assert said in line.found
    assert line.todo
    assert CANARY not in repr(line)


def test_one_that_hangs_is_left_behind_and_what_it_had_found_stays() -> None:
    forever = threading.Event()

    def hangs(settings: Settings) -> Iterator[Finding]:
        yield ok("hangs", "so far")
        forever.wait(60)

    began_s = time.monotonic()
    found = examine([Check("hangs", hangs, limit_s=0.3), Check("fine", fine)], NONE)
    forever.set()
    assert time.monotonic() - began_s < 10
    assert [one.state for one in found] == ["ok", "wrong", "ok"]
    assert found[1].found == "no result within 0.3 s"


def test_those_that_wait_wait_together() -> None:
    meeting = threading.Barrier(8)

    def meets(settings: Settings) -> Iterator[Finding]:
        meeting.wait(20)
        yield ok("met", "")

    found = examine([Check(str(number), meets, limit_s=20) for number in range(8)], NONE)
    assert [one.looked_at for one in found] == ["met"] * 8


def test_within_gives_what_was_made_or_what_was_raised_or_up() -> None:
    assert within(10, lambda: 7) == 7
    with pytest.raises(Unavailable):
        within(10, lambda: (_ for _ in ()).throw(Unavailable("log", "x")))
    forever = threading.Event()
    with pytest.raises(TimeoutError, match=r"not within 0\.1 s"):
        within(0.1, lambda: forever.wait(60))
    forever.set()


def test_what_was_said_is_not_said_again() -> None:
    error = SettingsError("timezone: expected another")
    settings = Check("settings", lambda _: [wrong("settings", str(error), "mend it")])
    said, _, beside, again = examine([settings, raising(error), Check("disk", raising(error).look)], NONE)[:4]
    assert said.found == str(error)
    assert (beside.state, beside.found) == ("warning", "not looked at, for the same reason")
    assert again.looked_at == "first", "what is fine may be said twice"
