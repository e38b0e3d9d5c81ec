"""Feedback killed at any moment, told to stop in mid-request, without its servers, with its read model damaged: what was
answered with 202 is in the log, once for every reader; what was not is made once by sending it again.

Feedback runs alone here: applications publish their own frames and predictions, so nothing else is needed.
"""

import json
import random
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from services.feedback.read_model import ReadModel
from services.feedback.read_model.history import VerdictFilters
from shared.runtime.clock import SystemClock
from shared.streams import keys
from shared.streams.keys import silence_lease_key
from shared.streams.predictions import new_prediction, prediction_id
from shared.streams.verdicts import Shown, Verdict, affirmed_id
from tests.chaos.feedback_client import Application, Frame
from tests.chaos.feedback_worlds import TIMEOUT_S, accuracy, drawn_and_judged, error_rate, prepared, start, url_of
from tests.e2e.world import SALT, World, cluster_world, embedded_world
from tests.hosts import samples
from tests.servers import Servers

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

MODES = [pytest.param("cluster", marks=pytest.mark.servers), "embedded"]
SLACK_S = 3.0
"""For a machine that does other things, too."""
GRACE_S = 30.0
"""What compose gives a service to end in: the clients of a log that is frozen wait out their own limits."""
LIVES = 4
PUBLISHING = "services.feedback.frames.publishing"
EXPOSURES = "services.feedback.exposures.exposures:Exposures"
STEPS = (
    (f"{PUBLISHING}:Publishing._frame", 1),  # the frame is in the log, which nobody remembers
    (f"{PUBLISHING}:_Memory.first", 1),  # that is remembered
    (f"{PUBLISHING}:Publishing._predicted", 1),  # the prediction is there, which nobody remembers
    (f"{PUBLISHING}:_Memory.first", 2),  # all is remembered, and nobody was told
    (f"{EXPOSURES}._begun", 1),  # on its way into the log
    (f"{EXPOSURES}._ended", 1),  # durable
)


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    if request.param == "embedded":
        made = embedded_world(tmp_path / "world")
    else:
        made = cluster_world(tmp_path / "world", request.getfixturevalue("servers"))
    yield prepared(made)
    made.close()


# Kills


@pytest.mark.parametrize("world", MODES, indirect=True)
def test_killed_again_and_again_it_loses_nothing_that_it_took(world: World) -> None:
    moments = random.Random(7)
    people = [Application(url_of(world), name) for name in ("ann", "ben")]
    with ExitStack() as stack:
        for one in people:
            stack.enter_context(one.busy())
        for _ in range(LIVES):
            start(world)
            before, more = _count(people), moments.randint(1, 20)
            world.wait(lambda before=before, more=more: _count(people) >= before + more, "requests taken")  # type: ignore[misc]
            assert world.stop("feedback", signal.SIGKILL) == -signal.SIGKILL
        start(world)
    assert sum(one.unknown_ends for one in people) > 0, "expected kills in mid-request"
    check_once_each(world, people)
    _check_silence_is_affirmed_once(world, people)
    _check_read_models_agree(world, people)


@pytest.mark.parametrize("world", MODES, indirect=True)
def test_killed_after_each_step_of_a_frame_or_exposure_it_makes_one(world: World) -> None:
    application = Application(url_of(world), "ann")
    with application.busy():
        for step, nth in STEPS:
            start(world, step, nth)
            process = world.processes.pop("feedback")
            assert process.wait(40) == -signal.SIGKILL, f"{step}\n{world.said()}"
        start(world)
    check_once_each(world, [application])


def _count(people: list[Application]) -> int:
    return sum(one.count for one in people)


def check_once_each(world: World, people: list[Application]) -> None:
    """Each id of a 202 is in the log, and no other; records that share an id say the same."""
    assert _count(people) > 0
    told = [one for one in world.records("verdicts") if not (isinstance(one, Verdict) and one.kind == "affirmed")]
    verdicts = [one for one in told if isinstance(one, Verdict)]
    shown = [one for one in told if isinstance(one, Shown)]
    assert {one.verdict_id for one in verdicts} == _taken(people, "verdict")
    assert {one.exposure_id for one in shown} == _taken(people, "exposure")
    assert len({(one.verdict_id, one.kind, one.prediction_id) for one in verdicts}) == len(_taken(people, "verdict"))
    assert len({(one.exposure_id, one.frame_id) for one in shown}) == len(_taken(people, "exposure"))
    _check_frames(world, people)


def _taken(people: list[Application], kind: str) -> set[str]:
    return {found for one in people for found in one.taken[kind].values()}


def _check_frames(world: World, people: list[Application]) -> None:
    """A frame has one prediction for its readers, who know a repeated one by the frame's place."""
    assert {one.ref.frame_id for one in world.records("frames")} == _taken(people, "frame")
    places: dict[str, set[tuple[int, int]]] = {}
    named = set()
    for record, one in zip(world.raw("predictions"), world.records("predictions"), strict=True):
        places.setdefault(one.frame.frame_id, set()).add((one.frame.partition, one.frame.offset))
        named.add(prediction_id(record, one))
    assert places.keys() == _taken(people, "frame")
    assert {len(found) for found in places.values()} == {1}
    assert {found for one in people for found in one.predictions.values()} <= named


def _check_silence_is_affirmed_once(world: World, people: list[Application]) -> None:
    """Whoever was killed while it held the lease: what people were shown and did not judge is affirmed, nothing else."""
    shown = {frame for one in people for frame in one.shown - one.judged}
    expected = {affirmed_id("default", frame_id, "kitchen") for frame_id in shown}
    assert world.stop("feedback", signal.SIGKILL) == -signal.SIGKILL
    with world.backend() as backend:  # as if the dead one's half minute were over
        backend.state.put(silence_lease_key("default"), b"", 1)
    world.wait(lambda: not _lease(world), "the end of the lease", alive=False)
    start(world)
    world.wait(lambda: _affirmed(world).keys() >= expected, "all affirmations")
    assert _affirmed(world).keys() == expected


def _lease(world: World) -> bytes | None:
    with world.backend() as backend:
        return backend.state.get(silence_lease_key("default"))


def _affirmed(world: World) -> dict[str, bytes]:
    """By id. Two with one id say the same."""
    found: dict[str, bytes] = {}
    for one in world.records("verdicts"):
        if isinstance(one, Verdict) and one.kind == "affirmed":
            assert found.setdefault(one.verdict_id, one.to_bytes()) == one.to_bytes()
    return found


def _check_read_models_agree(world: World, people: list[Application]) -> None:
    """The file that went through all the kills tells what one tells that is built now: each verdict once."""
    assert world.stop("feedback") == 0
    (survivor,) = (world.folder / "feedback").glob("*read-model.sqlite3")
    told = [_verdicts_in(world, path) for path in (survivor, world.folder / "anew.sqlite3")]
    assert told[0] == told[1]
    assert sorted(told[0]) == sorted(_taken(people, "verdict") | _affirmed(world).keys())


def _verdicts_in(world: World, path: Path) -> list[str]:
    with world.backend() as backend:
        model = ReadModel(path, backend.log, SystemClock(), SALT.encode(), interval_s=0.05)
        model.start()
        try:
            assert model.caught_up(30)
            return list(_all_verdicts(model))
        finally:
            model.close()


def _all_verdicts(model: ReadModel) -> Iterator[str]:
    cursor = None
    while True:
        page = model.verdicts(VerdictFilters(), (), None, cursor, 100)
        yield from (one.verdict_id for one in page.verdicts)
        if (cursor := page.next) is None:
            return


# The end


@pytest.mark.parametrize("world", MODES, indirect=True)
def test_told_to_stop_it_answers_what_it_has_begun(world: World) -> None:
    start(world)
    ann, ben = Application(url_of(world), "ann"), Application(url_of(world), "ben")
    frame = ann.publish("1")
    body = json.dumps({"prediction_id": frame.prediction_id, "kind": "confirmed"}).encode()
    with ben.busy(), ThreadPoolExecutor(1) as pool, half_sent(url_of(world), body) as rest:
        said = bytearray()
        stream = pool.submit(_listen, url_of(world), said)
        world.wait(
            lambda: ben.count > 5 and b"event: prediction" in said, "another application, and its predictions live"
        )
        process = world.processes.pop("feedback")
        process.send_signal(signal.SIGTERM)
        world.wait(lambda: not _listens(world), "the end of listening")
        answer = rest()
        assert answer.startswith(b"HTTP/1.1 202 "), answer
        assert process.wait(TIMEOUT_S + 1 + SLACK_S) == 0, world.said()
        stream.result(5)
        ann.taken["verdict"]["half"] = json.loads(answer.partition(b"\r\n\r\n")[2])["verdict_id"]
        start(world)
    check_once_each(world, [ann, ben])


@contextmanager
def half_sent(url: str, body: bytes) -> Iterator[Callable[[], bytes]]:
    """A request that the service has begun (it has asked for the body); calling gives the other half, and the answer."""
    parts = urlsplit(url)
    head = f"POST /v1/verdicts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as connection:
        connection.sendall(f"{head}\r\nExpect: 100-continue\r\n\r\n".encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body[:10])

        def rest() -> bytes:
            connection.sendall(body[10:])
            return b"".join(iter(lambda: connection.recv(65_536), b""))

        yield rest


def _listen(url: str, said: bytearray) -> None:
    """All that a live stream says, until it ends; cut off, it would be an error."""
    with httpx.stream("GET", f"{url}/v1/predictions/stream", timeout=30) as answer:
        for chunk in answer.iter_bytes():
            said += chunk


def _listens(world: World) -> bool:
    try:
        socket.create_connection(("127.0.0.1", world.values["feedback"]["port"]), timeout=1).close()
    except OSError:
        return False
    return True


# Outages


@pytest.mark.servers
def test_without_a_server_it_says_so_in_time_and_goes_on_by_itself(own_servers: Servers, tmp_path: Path) -> None:
    world = prepared(cluster_world(tmp_path / "world", own_servers))
    try:
        start(world)
        ann = Application(url_of(world), "ann")
        drawn_and_judged(world, ann)
        frame, kept = ann.publish("1"), _kept_elsewhere(world)
        _check_without_images(own_servers, ann, frame, kept)
        _check_without_state(own_servers, ann, frame)
        _check_without_log(own_servers, ann, frame)
        _check_ends_without_any(own_servers, world, ann, frame)
        start(world)
        ann.judge(frame, "cut off")  # 503 or no answer at all: the same is sent again
        told = [one for one in world.records("verdicts") if isinstance(one, Verdict) and one.kind != "affirmed"]
        assert {one.verdict_id for one in told} == _taken([ann], "verdict")
    finally:
        world.close()


def _check_without_images(servers: Servers, ann: Application, frame: Frame, kept: str) -> None:
    """Only an image that lies nowhere else is waited for."""
    assert _image(ann, kept).status_code == 200
    servers.minio.stop()
    assert _image(ann, frame.prediction_id).status_code == 200
    _check_refused(lambda: _image(ann, kept), "image")
    ann.judge(frame, "without images")
    ann.publish("2")
    servers.minio.start()
    _wait_for(lambda: _image(ann, kept).status_code == 200)


def _check_without_state(servers: Servers, ann: Application, frame: Frame) -> None:
    """Frozen: connections stay open, and nothing is answered. What comes without a key needs no memory."""
    servers.redis.freeze()
    _check_all_refused(ann, frame, "without state", "state")
    answer = ann.judging(frame, None)
    assert answer.status_code == 202, answer.text
    ann.taken["verdict"]["none"] = answer.json()["verdict_id"]
    servers.redis.thaw()
    _judge_and_show(ann, frame, "without state")


def _check_without_log(servers: Servers, ann: Application, frame: Frame) -> None:
    servers.kafka.stop()
    _check_all_refused(ann, frame, "without log", "log")
    _check_figures_are_right(ann)
    servers.kafka.start()
    _judge_and_show(ann, frame, "without log")


def _check_figures_are_right(ann: Application) -> None:
    """Asked for the first time: what is not counted yet cannot be counted now."""
    rate = error_rate(accuracy(ann.url))
    assert rate is None or rate["frames"] == len(ann.taken["frame"]), rate


def _check_ends_without_any(servers: Servers, world: World, ann: Application, frame: Frame) -> None:
    """What waits for a frozen log is told so; then the process ends."""
    servers.kafka.freeze()
    try:
        process = world.processes.pop("feedback")
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(ann.judging, frame, "cut off")
            threading.Event().wait(0.5)
            process.send_signal(signal.SIGTERM)
            assert waiting.result(30).status_code == 503
        ended = process.wait(GRACE_S)
    finally:
        servers.kafka.thaw()
    assert ended == 0, world.said()


def _check_all_refused(ann: Application, frame: Frame, key: str, what: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        asked = (
            lambda: ann.judging(frame, key),
            lambda: ann.exposing(frame, key),
            lambda: ann.publishing(str(len(ann.taken["frame"]) + 1)),
            lambda: httpx.get(f"{ann.url}/readyz", timeout=20),
        )
        for one in [pool.submit(_check_refused, ask, what) for ask in asked]:
            one.result()
    assert httpx.get(f"{ann.url}/livez", timeout=5).status_code == 200


def _judge_and_show(ann: Application, frame: Frame, key: str) -> None:
    ann.judge(frame, key)
    ann.expose(frame, key)
    ann.publish(str(len(ann.taken["frame"]) + 1))


def _image(ann: Application, wanted: str) -> httpx.Response:
    return httpx.get(f"{ann.url}/v1/predictions/{wanted}/image", timeout=30)


def _check_refused(ask: Callable[[], httpx.Response], what: str) -> None:
    started_s = time.monotonic()
    answer = ask()
    waited_s = time.monotonic() - started_s
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["Retry-After"]) > 0
    assert what in answer.json()["error"]["where"], answer.text
    assert waited_s < TIMEOUT_S + SLACK_S


def _wait_for(done: Callable[[], bool], deadline_s: float = 30.0) -> None:
    deadline_s += time.monotonic()
    while not done():
        assert time.monotonic() < deadline_s
        threading.Event().wait(0.2)


def _kept_elsewhere(world: World) -> str:
    """The id of a prediction whose frame has left the log and whose image is in the buffer."""
    seen = samples.prediction(7)
    (record,) = world.send(new_prediction(seen))
    design = samples.design(7, seen=seen)
    assert design.image is not None
    with world.backend() as backend:
        samples.put_image(backend.images, design)
        backend.state.put(keys.kept_key("default", design.sample_id), design.image.model_dump_json().encode(), 600)
    return prediction_id(record, seen)
