"""A log or a store that does not answer: each caller waits once, and what nobody waits for any more is not begun."""

import asyncio
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from services.feedback.access.caller import Caller
from services.feedback.desk import Desk
from services.feedback.exposures.exposures import Exposures
from services.feedback.exposures.request import ExposureRequest, Told
from services.feedback.lookup.known_bounds import KnownBounds
from services.feedback.lookup.lookup import Lookup
from services.feedback.lookup.presence import Presence
from services.feedback.lookup.readers import Readers
from services.feedback.recent.lanes import LANES as SCAN_LANES
from services.feedback.recent.lanes import Lanes
from services.feedback.recent.places import Places
from services.feedback.verdicts.case import Asked, Case
from services.feedback.verdicts.request import VerdictRequest
from services.feedback.verdicts.together import LANES, Together
from shared.errors import Unavailable
from shared.ports import Bounds
from shared.streams.frames import FRAMES
from shared.streams.record import Record
from shared.streams.references import Reference
from tests.unit.services.feedback.conftest import Site
from tests.unit.services.feedback.test_server import served

CALLER = Caller("local")
SOON_S = 5.0
WAIT_S = 20.0
THREADS, MANY = 40, 60


class Outage:
    """Of one question to the log: counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, *_: object) -> Mapping[int, Bounds]:
        self.asked += 1
        raise Unavailable("log", "nobody answers")


@pytest.fixture
def outage() -> Outage:
    return Outage()


def test_of_many_that_ask_together_one_waits_for_a_log_that_is_down(
    site: Site, outage: Outage, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [site.prediction() for _ in range(5)]
    with closing(Lookup(site.log, site.pixels, SOON_S)) as lookup:
        monkeypatch.setattr(site.log, "bounds", outage)
        found = lookup.predictions([prediction_id for prediction_id, _ in made])
        assert all(isinstance(one, Unavailable) for one in found)
        assert outage.asked == 1
        there = lookup.have_frames([prediction for _, prediction in made])
        assert all(isinstance(one, Unavailable) for one in there)
        assert outage.asked == 2


def test_after_an_outage_the_log_is_asked_again(site: Site, outage: Outage, monkeypatch: pytest.MonkeyPatch) -> None:
    ref = site.frame()
    bounds = KnownBounds(site.log, FRAMES.name)
    with monkeypatch.context() as down:
        down.setattr(site.log, "bounds", outage)
        with pytest.raises(Unavailable):
            bounds.around(ref.partition, ref.offset, bounds.now_s())
    found = bounds.around(ref.partition, ref.offset, bounds.now_s())
    assert found is not None
    assert found.end == ref.offset + 1


def test_of_many_frames_of_one_partition_one_waits(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the partition begins with is read for the first of them."""
    made = [site.prediction()[1] for _ in range(5)]
    asked = 0

    def down(*_: object) -> None:
        nonlocal asked
        asked += 1
        raise Unavailable("log", "nobody answers")

    with (
        closing(Readers(site.log, SOON_S)) as readers,
        closing(Presence(site.log, readers, site.pixels, SOON_S)) as presence,
    ):
        assert presence.of(made[:1]) == [True]
        monkeypatch.setattr(readers, "read", down)
        assert all(isinstance(one, Unavailable) for one in presence.of(made))
    assert asked == 1


def test_many_frames_by_reference_wait_for_the_object_store_together(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = Reference(uri="s3://cameras/a.jpg", size=3, sha256="a" * 64)
    made = [site.prediction(site.frame(reference))[1] for _ in range(5)]
    answers = threading.Event()
    monkeypatch.setattr(site.pixels, "is_there", lambda _: answers.wait(SOON_S))
    with (
        closing(Readers(site.log, 0.3)) as readers,
        closing(Presence(site.log, readers, site.pixels, 0.3)) as presence,
    ):
        begun_s = time.monotonic()
        found = presence.of(made)
        took_s = time.monotonic() - begun_s
        answers.set()
    assert [type(one) for one in found] == [Unavailable] * 5
    assert took_s < 1.0


def test_partitions_are_waited_for_together_and_given_up(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = threading.Event()
    reader_of = site.log.reader
    read: list[tuple[int, int]] = []

    def hang(_: str, partition: int, offset: int) -> None:
        read.append((partition, offset))
        answers.wait(SOON_S)

    def hanging() -> Any:
        reader = reader_of()
        monkeypatch.setattr(reader, "read", hang)
        return reader

    monkeypatch.setattr(site.log, "reader", hanging)
    with closing(Readers(site.log, 0.4)) as readers:
        begun_s = time.monotonic()
        found = readers.read_all(FRAMES.name, {0: [0], 1: [0]})
        took_s = time.monotonic() - begun_s
        for offset in (1, 2):
            assert isinstance(readers.read_all(FRAMES.name, {0: [offset]})[0][offset], Unavailable)
        answers.set()
    assert all(isinstance(one[0], Unavailable) for one in found.values())
    assert took_s < 0.7
    assert sorted(read) == [(0, 0), (1, 0)], "what was given up while it waited for its turn is not read any more"


def judgement(prediction_id: str) -> Asked:
    return Asked(CALLER, VerdictRequest(prediction_id=prediction_id, kind="confirmed"))


def test_what_nobody_waits_for_any_more_is_not_begun() -> None:
    """Else it piles up as long as the log hangs, and those who come afterwards wait behind it."""
    answers = threading.Event()
    begun: list[str] = []

    def begin(asked: Sequence[Asked]) -> list[Case]:
        begun.extend(one.request.prediction_id for one in asked)
        answers.wait(SOON_S)
        return [Case(one, refusal=Unavailable("log", "nobody answers")) for one in asked]

    async def ask(together: Together) -> None:
        first = []
        for lane in range(LANES):  # all of them hang
            first.append(asyncio.create_task(together.judge([judgement(f"0-{lane}-deadbeef")])))
            while len(begun) <= lane:
                await asyncio.sleep(0.001)
        late = [await together.judge([judgement(f"1-{n}-deadbeef")]) for n in range(3)]
        assert [type(one) for (one,) in late] == [Unavailable] * 3
        await asyncio.gather(*first)
        answers.set()
        await together.judge([judgement("2-0-deadbeef")])

    with closing(Together(begin, 0.2)) as together:
        asyncio.run(ask(together))
    assert sorted(begun) == ["0-0-deadbeef", "0-1-deadbeef", "2-0-deadbeef"]


def exposures_of(site: Site, desk: Desk) -> Exposures:
    options = desk.config.feedback.silence
    return Exposures(
        desk.lookup, desk.sending, site.state, options, salt=site.salt, collection="default", timeout_s=5.0
    )


def test_exposures_that_find_no_log_wait_for_it_once(
    site: Site, desk_for: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    exposures = exposures_of(site, desk_for())
    asked = 0

    def down(*_: object) -> None:
        nonlocal asked
        asked += 1
        raise Unavailable("log", "nobody answers")

    monkeypatch.setattr(site.log, "bounds", down)
    told = [Told(ExposureRequest(prediction_id=f"0-{n}-deadbeef", visible_ms=2_000)) for n in range(450)]
    taken = exposures.take_all(CALLER, told)
    assert [type(one) for one in taken] == [Unavailable] * 450
    assert asked == 1


def test_a_full_producer_is_waited_for_once(
    site: Site, desk_for: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = desk_for()
    made = [site.prediction()[0] for _ in range(5)]
    asked = 0

    def full(*_: object) -> None:
        nonlocal asked
        asked += 1
        raise Unavailable("log", "too many bytes are in flight")

    monkeypatch.setattr(desk.sending, "_producer", SimpleNamespace(send=full, close=lambda: None))
    cases = desk.feedback.begin([judgement(prediction_id) for prediction_id in [*made, made[0]]])
    assert [type(case.outcome(0)) for case in cases] == [Unavailable] * 6
    assert asked == 1
    exposures = exposures_of(site, desk)
    told = [Told(ExposureRequest(prediction_id=prediction_id, visible_ms=2_000)) for prediction_id in made]
    assert [type(one) for one in exposures.take_all(CALLER, told)] == [Unavailable] * 5
    assert asked == 2


def test_a_probe_that_was_given_up_is_not_asked_later(
    site: Site, desk_for: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else an outage leaves one for each probe, and the end of the service waits for all of them."""
    feedback = desk_for(timeout_s=0.05).feedback
    answers = threading.Event()
    pinged: list[int] = []

    def hang() -> None:
        pinged.append(1)
        answers.wait(SOON_S)

    monkeypatch.setattr(site.log, "ping", hang)
    for _ in range(10):
        with pytest.raises(Unavailable):
            feedback.ready()
    answers.set()
    feedback._pings.shutdown()
    assert len(pinged) <= 2


def test_a_scan_that_was_given_up_is_not_begun_later(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = threading.Event()
    scanned: list[tuple[object, ...]] = []
    reader_of = site.log.reader

    def hang(*where: object) -> list[Record]:
        scanned.append(where)
        answers.wait(SOON_S)
        return []

    def hanging() -> Any:
        reader = reader_of()
        monkeypatch.setattr(reader, "scan", hang)
        return reader

    monkeypatch.setattr(site.log, "reader", hanging)
    with closing(Lanes(site.log, 0.05)) as lanes:
        for start in range(6):
            with pytest.raises(Unavailable):
                lanes.scan(0, start, 9, lambda _: True, time.monotonic() + SOON_S)
        answers.set()
    assert len(scanned) == SCAN_LANES


def test_metrics_are_not_held_up_by_those_who_wait_for_the_log(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """More of them than a server has threads by default."""
    prediction_id, _ = site.prediction()
    answers, waiting = threading.Event(), threading.Semaphore(0)
    lookup = Lookup.predictions

    def hang(self: Lookup, prediction_ids: Sequence[str]) -> Any:
        waiting.release()
        answers.wait(WAIT_S)
        return lookup(self, prediction_ids)

    monkeypatch.setattr(Lookup, "predictions", hang)
    with served(site) as (address, _, _), ThreadPoolExecutor(MANY) as pool:

        def expose(number: int) -> int:
            body = {"prediction_id": prediction_id, "visible_ms": 2_000 + number}
            return httpx.post(f"{address}/v1/exposures", json=body, timeout=WAIT_S).status_code

        exposed = [pool.submit(expose, number) for number in range(MANY)]
        try:
            assert all(waiting.acquire(timeout=5.0) for _ in range(THREADS))
            assert httpx.get(f"{address}/metrics", timeout=5.0).status_code == 200
        finally:
            answers.set()
        assert [one.result() for one in exposed] == [202] * MANY


def test_of_many_that_look_for_sources_one_waits_for_a_log_that_is_down(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each would wait as long, one after the other, and hold a thread meanwhile."""
    begun, answers = threading.Barrier(6), threading.Event()
    asked: list[int] = []

    def down(_: str) -> None:
        asked.append(1)
        answers.wait(SOON_S)
        raise Unavailable("log", "nobody answers")

    monkeypatch.setattr(site.log, "bounds", down)
    with closing(Lanes(site.log, SOON_S)) as lanes, ThreadPoolExecutor(5) as pool:
        places = Places(site.log, lanes)

        def look() -> type[Exception] | None:
            begun.wait(SOON_S)
            try:
                places.all(time.monotonic() + SOON_S)
            except Unavailable as error:
                return type(error)
            return None

        looking = [pool.submit(look) for _ in range(5)]
        begun.wait(SOON_S)
        threading.Event().wait(0.1)
        answers.set()
        assert [one.result(SOON_S) for one in looking] == [Unavailable] * 5
    assert len(asked) == 1
