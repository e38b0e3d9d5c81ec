"""Two replicas of feedback on a real Kafka: whichever is asked, the accuracy is the same; a key means one verdict at both; and
what people were shown and did not object to is affirmed once, also when the replica that settles is killed.
"""

import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shared.streams.keys import silence_lease_key
from shared.streams.verdicts import Verdict, affirmed_id
from tests.chaos.feedback_client import Application, Frame
from tests.chaos.feedback_worlds import DRAWN, accuracy, drawn_and_judged, error_rate, prepared, start, url_of
from tests.e2e.world import World, cluster_world
from tests.servers import Servers

pytestmark = [pytest.mark.servers, pytest.mark.slow]

SHOWN_MORE = range(1_000, 1_006)


@pytest.fixture
def replicas(servers: Servers, tmp_path: Path) -> Iterator[tuple[World, World]]:
    """The same streams, state store and buffer; a port and a folder of its own for each."""
    one = prepared(cluster_world(tmp_path / "one", servers))
    other = replace(one, folder=tmp_path / "other", values={**one.values}, processes={})
    other.folder.mkdir()
    other.values["feedback"] = {**one.values["feedback"], "folder": str(other.folder / "feedback")}
    prepared(other)
    yield one, other
    one.close()
    other.close()


def test_two_replicas_are_one_service(replicas: tuple[World, World]) -> None:
    one, _ = replicas
    for world in replicas:
        start(world)
    ann, ben = (Application(url_of(world), "ann") for world in replicas)  # one caller, whom either may answer
    drawn_and_judged(one, ann, range(DRAWN // 2))
    drawn_and_judged(one, ben, range(DRAWN // 2, DRAWN))
    _check_one_verdict_per_key(one, ann, ben)
    told = [_told(world) for world in replicas]
    assert told[0] == told[1]
    _check_affirmed_once(replicas, ann, ben)


def _check_one_verdict_per_key(world: World, ann: Application, ben: Application) -> None:
    """The same key at both at one time."""
    frame = Frame(*next(iter(ann.predictions.items())))
    with ThreadPoolExecutor(2) as pool:
        for number in range(10):
            asked = [pool.submit(who.judge, frame, f"at-once-{number}", "confirmed") for who in (ann, ben)]
            assert len({one.result() for one in asked}) == 1
    told = [one for one in world.records("verdicts") if isinstance(one, Verdict)]
    assert {one.verdict_id for one in told} == {*ann.taken["verdict"].values(), *ben.taken["verdict"].values()}


def _told(world: World) -> dict[str, Any]:
    """Everything that is told of accuracy, once all that was judged is in it."""
    found: list[dict[str, Any]] = []

    def complete() -> bool:
        told = accuracy(url_of(world))
        rate = error_rate(told)
        if told is not None and rate is not None and (rate["verified"], rate["frames"]) == (DRAWN, DRAWN):
            found.append({name: told[name] for name in told if name != "as_of"})
        return bool(found)

    world.wait(complete, "all verdicts in the accuracy", 40)
    return found[0]


def _check_affirmed_once(replicas: tuple[World, World], ann: Application, ben: Application) -> None:
    """By whoever leads; then he is killed."""
    first, later = SHOWN_MORE[:3], SHOWN_MORE[3:]
    one, other = replicas
    people = {one.folder: ann, other.folder: ben}
    shown = _shown(ann, first) | _shown(ben, first)
    one.wait(lambda: _affirmed(one).keys() == shown, "what both told of is affirmed")
    victim, survivor = (one, other) if _has_affirmed(one) else (other, one)
    assert victim.stop("feedback", signal.SIGKILL) == -signal.SIGKILL
    with survivor.backend() as backend:  # as if the dead one's half minute were over
        backend.state.put(silence_lease_key("default"), b"", 1)
    shown |= _shown(people[survivor.folder], later)
    survivor.wait(lambda: _affirmed(survivor).keys() == shown, "the other goes on")
    assert survivor.stop("feedback") == 0


def _shown(application: Application, numbers: range) -> set[str]:
    """What their silence would be called."""
    frames = [application.publish(f"{number}") for number in numbers]
    for number, frame in zip(numbers, frames, strict=True):
        application.expose(frame, f"{number}")
    return {affirmed_id("default", frame.frame_id, "kitchen") for frame in frames}


def _has_affirmed(world: World) -> bool:
    return any("silence.affirmed" in log.read_text() for log in world.folder.glob("*.log"))


def _affirmed(world: World) -> Counter[str]:
    """How often each was written."""
    told = (one for one in world.records("verdicts") if isinstance(one, Verdict))
    found = Counter(one.verdict_id for one in told if one.kind == "affirmed")
    assert set(found.values()) <= {1}, "expected one replica to write"
    return found
