"""The thread that follows the log for those who watch: what they get, in which order, what they lose, and when it sleeps."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import pytest

from services.feedback.access.caller import Caller
from services.feedback.recent.recent import Recent
from services.feedback.recent.subscription import Event, Subscription, Taken
from services.feedback.recent.wanted import Wanted
from services.feedback.refusals import InvalidRequest, NotAllowed, TooMany
from shared.streams import ids
from shared.streams.frames import FRAMES, decode
from shared.streams.predictions import PREDICTIONS
from shared.streams.record import NewRecord
from tests.unit.services.feedback.conftest import HOUR_S, Site

ANYBODY = Caller("local")
DEADLINE_S = 20.0


@pytest.fixture
def recent(site: Site) -> Iterator[Recent]:
    opened = Recent(site.log, timeout_s=5.0, max_streams=3)
    yield opened
    opened.close()


def predicted(site: Site, source_id: str = "door", partition: int = 0, role: str = "live") -> str:
    """The id of a new prediction of this source, on this partition."""
    frame = decode(site.send(NewRecord(FRAMES.name, source_id.encode(), b"\xff\xd8\xff pixels", partition)))
    return site.prediction(frame.ref, source_id=source_id, role=role)[0]


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), DEADLINE_S))


@asynccontextmanager
async def watching(recent: Recent, wanted: Wanted, last_event_id: str | None = None) -> AsyncIterator[Subscription]:
    subscription = (await asyncio.to_thread(recent.starting, wanted, last_event_id))()
    recent.tail.join(subscription)
    try:
        yield subscription
    finally:
        recent.tail.leave(subscription)


async def events(subscription: Subscription, count: int) -> list[Event]:
    found: list[Event] = []
    while len(found) < count:
        found += (await subscription.take(1.0)).events
    return found


def named(found: list[Event]) -> list[str]:
    return [json.loads(event.data)["prediction_id"] for event in found]


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.to_thread(lambda: None)


def everything(caller: Caller = ANYBODY) -> Wanted:
    return Wanted(caller)


def test_what_comes_after_joining_comes_in_order_and_nothing_before(site: Site, recent: Recent) -> None:
    predicted(site)

    async def test() -> None:
        async with watching(recent, everything()) as subscription:
            wanted = [predicted(site, partition=number % 2) for number in range(6)]
            found = named(await events(subscription, 6))
            assert sorted(found) == sorted(wanted)
            for partition in "01":  # in order within each partition
                assert [one for one in found if one[0] == partition] == [one for one in wanted if one[0] == partition]

    run(test)


def test_a_source_a_model_and_a_role_can_be_asked_for(site: Site, recent: Recent) -> None:
    async def test() -> None:
        wanted = Wanted(ANYBODY, frozenset(["yard"]), "packages", "live")
        async with watching(recent, wanted) as subscription:
            predicted(site, "door")
            predicted(site, "yard", role="shadow")
            expected = predicted(site, "yard", partition=1)  # not met before: it may come on any partition
            assert named(await events(subscription, 1)) == [expected]

    run(test)


def test_a_key_with_sources_gets_those_alone_whatever_a_producer_wrote_as_key(site: Site, recent: Recent) -> None:
    async def test() -> None:
        async with watching(recent, everything(Caller("porch", sources=("door*",)))) as subscription:
            predicted(site, "secret")
            frame = site.frame()
            forged = site.prediction(frame, source_id="secret")[1]
            site.send(NewRecord(PREDICTIONS.name, b"door-1", forged.to_bytes(), frame.partition))
            site.send(NewRecord(PREDICTIONS.name, b"door-1", b"no prediction", 0))
            expected = predicted(site, "door-2")
            assert named(await events(subscription, 1)) == [expected]

    run(test)


def test_nobody_watches_nobody_reads(site: Site, recent: Recent) -> None:
    async def test() -> None:
        assert not recent.tail.is_reading
        async with watching(recent, everything()):
            await until(lambda: recent.tail.is_reading)
        await until(lambda: not recent.tail.is_reading)
        async with watching(recent, everything()) as subscription:
            expected = predicted(site)
            assert named(await events(subscription, 1)) == [expected]

    run(test)


def test_after_a_break_nothing_is_missing_on_any_partition(site: Site, recent: Recent) -> None:
    async def test() -> None:
        async with watching(recent, everything()) as subscription:
            first = [predicted(site, partition=number % 2) for number in range(10)]
            got = await events(subscription, 10)
        assert sorted(named(got)) == sorted(first)
        for broke_off in (3, 7, 10):
            missed = [predicted(site, partition=number % 2) for number in range(8)]
            first += missed
            async with watching(recent, everything(), got[broke_off - 1].event_id) as subscription:
                again = named(await events(subscription, len(first) - broke_off))
            assert sorted(again) == sorted(set(first) - set(named(got[:broke_off])))

    run(test)


def test_the_id_of_an_event_of_one_partition_is_the_predictions(site: Site, recent: Recent) -> None:
    known = predicted(site, "door", partition=1)

    async def test() -> None:
        async with watching(recent, Wanted(ANYBODY, frozenset(["door"])), known) as subscription:
            expected = predicted(site, "door", partition=1)
            (event,) = await events(subscription, 1)
            assert event.event_id == expected

    run(test)


def test_who_comes_back_to_much_is_read_for_as_fast_as_it_takes_and_loses_nothing(site: Site, recent: Recent) -> None:
    first = predicted(site)
    missed = [predicted(site) for _ in range(40)]

    async def test() -> None:
        whole = (await asyncio.to_thread(recent.starting, everything(), first))()
        narrow = Subscription(whole.wanted, whole.positions, whole.behind, max_bytes=2_000)
        recent.tail.join(narrow)
        await until(lambda: narrow.is_full)
        missed.append(predicted(site))
        found: list[str] = []
        while len(found) < len(missed):
            taken = await narrow.take(1.0)
            assert taken.dropped == 0
            assert len(taken.events) < 10, "bounded in bytes"
            found += named(taken.events)
        assert found == missed
        recent.tail.leave(narrow)

    run(test)


def test_a_slow_client_loses_the_oldest_and_is_told_how_many(site: Site, recent: Recent) -> None:
    async def test() -> None:
        start = (await asyncio.to_thread(recent.starting, everything(), None))()
        slow = Subscription(start.wanted, start.positions, start.behind, max_bytes=2_000)
        recent.tail.join(slow)
        async with watching(recent, everything()) as quick:
            sent = [predicted(site, partition=1) for _ in range(30)]
            assert named(await events(quick, 30)) == sent
        taken = await slow.take(1.0)
        found = named(taken.events)
        assert 0 < len(found) < 10
        assert found == sent[-len(found) :]
        assert taken.dropped == 30 - len(found)
        assert (await slow.take(0.01)) == Taken([], 0, 0, False)
        recent.tail.leave(slow)

    run(test)


def test_who_was_away_for_longer_than_predictions_are_kept_is_told(site: Site, recent: Recent) -> None:
    first = predicted(site, partition=1)
    for _ in range(5):
        predicted(site, partition=1)
    site.later(8 * 24 * HOUR_S)
    kept = predicted(site, partition=1)

    async def test() -> None:
        async with watching(recent, Wanted(ANYBODY, frozenset(["door"])), first) as subscription:
            taken = await subscription.take(5.0)
            found = taken.events or (await subscription.take(5.0)).events
            assert named(found) == [kept]
            assert taken.expired > 0

    run(test)


@pytest.mark.parametrize(
    "token",
    ["", "x", "0-1", "0-1-2", "٣-4-deadbeef", "0-1-deadbeef;x", "0-1-deadbeef;1:-2", "0-1-deadbeef;1:" + "9" * 30],
)
def test_what_is_no_event_id_of_ours_is_refused(recent: Recent, token: str) -> None:
    with pytest.raises(InvalidRequest):
        recent.starting(everything(), token)


def test_an_id_of_a_stream_that_was_made_anew_goes_on_from_now(site: Site, recent: Recent) -> None:
    predicted(site)

    async def test() -> None:
        async with watching(recent, everything(), "0-999999999999-deadbeef;1:999999,77:3") as subscription:
            expected = [predicted(site), predicted(site, partition=1)]
            assert sorted(named(await events(subscription, 2))) == sorted(expected)

    run(test)


def test_no_more_than_so_many(site: Site, recent: Recent) -> None:
    async def test() -> None:
        async with (
            watching(recent, everything()),
            watching(recent, everything()),
            watching(recent, everything()) as third,
        ):
            with pytest.raises(TooMany):
                recent.tail.join((await asyncio.to_thread(recent.starting, everything(), None))())
            recent.tail.leave(third)
            async with watching(recent, everything()):
                pass

    run(test)


def test_the_end_ends_all_and_those_who_come_later(site: Site, recent: Recent) -> None:
    async def test() -> None:
        async with watching(recent, everything()) as subscription:
            recent.end()
            assert (await subscription.take(5.0)).ended
        await until(lambda: not recent.tail.is_reading)
        async with watching(recent, everything()) as late:
            assert (await late.take(5.0)).ended

    run(test)


def test_an_outage_of_the_log_ends_no_stream(site: Site, recent: Recent) -> None:
    """The thread goes on asking; the client sees nothing but silence."""

    async def test() -> None:
        async with watching(recent, everything()) as subscription:
            site.log.close()
            taken = await subscription.take(0.5)
            assert taken == Taken([], 0, 0, False)
            assert recent.tail.is_reading

    run(test)


def test_a_link_and_a_source_of_others_are_refused(recent: Recent) -> None:
    for wanted in (
        everything(Caller("link", prediction_id="0-1-deadbeef")),
        Wanted(Caller("porch", sources=("door*",)), frozenset(["yard"])),
    ):
        with pytest.raises(NotAllowed):
            recent.starting(wanted, None)
        with pytest.raises(NotAllowed):
            recent.page("yard", wanted, 10, None)
    with pytest.raises(NotAllowed):
        recent.sources(Caller("link", prediction_id="0-1-deadbeef"))


def test_an_id_says_where_each_partition_goes_on(site: Site, recent: Recent) -> None:
    async def test() -> None:
        async with watching(recent, everything()) as subscription:
            prediction_id = predicted(site, partition=1)
            (event,) = await events(subscription, 1)
            assert event.event_id == f"{prediction_id};0:0"
            assert ids.parse_prediction_id(event.event_id.partition(";")[0])[0] == 1

    run(test)
