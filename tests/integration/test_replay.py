"""A replay on both backends, against a sampler that really ran: decisions reproduced, a frame explained, nothing written."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from services.cli.kept import records_of
from services.cli.replaying.report import report
from services.sampler.config import SamplerConfig
from services.sampler.replay.explaining import Explainer
from services.sampler.replay.finding import Named, find
from services.sampler.replay.replaying import Asked, replay
from services.sampler.replay.span import Span
from services.sampler.service import SamplerService
from shared.bootstrap import OpenBackend, run_until
from shared.runtime.lifecycle import Stop
from shared.settings import Settings
from shared.streams import SAMPLES, STREAMS, frames, keys
from shared.streams.frames import new_frame
from shared.streams.predictions import new_prediction
from shared.streams.record import NewRecord
from shared.streams.samples import Design
from tests.e2e.world import World, cluster_world, embedded_world
from tests.servers import Servers
from tests.unit.services.sampler.making import jpeg
from tests.unit.services.sampler.replay.living import ALIKE, everything, predicted

MANY, PARTITIONS = 90, 3
STRATEGIES: dict[str, Any] = {
    "strategies": [
        {"type": "random", "budget": "12000/hour"},
        {"type": "uncertain", "probability": 0.8, "gamma": 1},
        {"type": "temporal", "budget": "40000/hour"},
    ],
    "limits": [{"most": 3, "per": "day", "each": "source"}],
    "sampler": {"declared_fps": 30},
}


@pytest.fixture(params=["embedded", pytest.param("cluster", marks=[pytest.mark.servers, pytest.mark.slow])])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    if request.param == "embedded":
        world = embedded_world(tmp_path)
    else:
        servers: Servers = request.getfixturevalue("servers")
        world = cluster_world(tmp_path, servers, PARTITIONS)
    world.values.update(STRATEGIES)
    yield world
    world.close()


def test_what_a_sampler_decided_is_reproduced_and_nothing_is_written(world: World) -> None:
    with world.backend() as backend:
        since_ms = _published(backend, min(PARTITIONS, backend.log.partitions("frames")))
        with _sampling(backend):
            _until(lambda: _is_through(backend), "all predictions decided")
        span = Span(since_ms, round(time.time() * 1000) + 1000)
        before = _everything(backend, world)
        same = replay(backend, Asked(span))
        other = {**world.values, "strategies": [{"type": "random", "fraction": 1.0}], "limits": []}
        changed = report(replay(backend, Asked(span, Settings(other))))
        _explained(backend, span)
        assert _everything(backend, world) == before
    assert same.checked.differences == ()
    assert same.checked.reproduced == same.checked.decisions > 20
    assert same.checked.refused > 0
    assert same.old.frames == MANY
    assert changed.new is not None
    assert changed.new.kept.low == MANY


def _explained(backend: OpenBackend, span: Span) -> None:
    """By their names: what was kept, and why."""
    designs = [
        one for record in records_of(backend.log, "samples") if isinstance(one := SAMPLES.decode(record), Design)
    ]
    for design in designs[:3]:
        with closing(Explainer(backend)) as explainer:
            told = explainer.explain(find(backend.log, Named(design.sample_id), span))
        (prediction,) = told.predictions
        (collection,) = prediction.collections
        assert prediction.prediction_id == design.prediction_id
        assert collection.design == design
        drawn_now = {look.strategy for look in collection.strategies if look.drew}
        assert drawn_now >= {reason.strategy for reason in design.reasons}


def _published(backend: OpenBackend, partitions: int) -> int:
    """Frames of several sources, and predictions of them. Returns a log time before the first."""
    producer = backend.log.producer()
    times = []
    for number in range(MANY):
        source = f"door-{number % 4}"
        new = new_frame(source, jpeg(number // ALIKE), producer_frame_id=f"frame-{number}", frame_index=number)
        at = NewRecord(new.stream, new.key, new.value, number % 4 % partitions, new.headers)
        ref = frames.decode(producer.send(at).result(30)).ref
        times.append(producer.send(new_prediction(predicted(number, ref, source))).result(30).time_ms)
    producer.close()
    return min(times)


@contextmanager
def _sampling(backend: OpenBackend) -> Iterator[None]:
    """A sampler in its own loop, until the block ends."""
    stop = Stop()
    service = SamplerService(backend.settings.read(SamplerConfig), backend)
    thread = threading.Thread(target=run_until, args=(stop, service, backend))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(60)
    assert not thread.is_alive()


def _is_through(backend: OpenBackend) -> bool:
    committed = backend.log.committed("sampler", "predictions")
    bounds = backend.log.bounds("predictions")
    return all(committed.get(number, 0) >= one.end for number, one in bounds.items() if one.end)


def _until(done: Any, what: str, deadline_s: float = 90.0) -> None:
    started_s = time.monotonic()
    while not done():
        assert time.monotonic() - started_s < deadline_s, f"{what}: not within {deadline_s} s"
        threading.Event().wait(0.1)


def _everything(backend: OpenBackend, world: World) -> dict[str, Any]:
    """All that log, state store and buffer hold, as far as they can be asked."""
    held: dict[str, Any] = {stream: list(records_of(backend.log, stream)) for stream in STREAMS}
    held["images"] = [(one.key, one.size, backend.images.get(one.key)) for one in backend.images.list()]
    held["committed"] = dict(backend.log.committed("sampler", "predictions"))
    if world.embedded:
        return {**held, "files": everything(world.folder / "data")}
    return {**held, "state": _redis(world)}


def _redis(world: World) -> dict[bytes, bytes | None]:
    """Every key of this world, as Redis would dump it."""
    import redis

    prefix = world.values["prefix"]
    with closing(redis.Redis.from_url(world.values["backend"]["redis"])) as client:
        found = sorted(client.scan_iter(f"*{prefix}*", count=1000))
        assert any(keys.plan_state_key("default").encode() in key for key in found)
        return {key: client.dump(key) for key in found}
