"""Redelivery with everything on: whatever fails, dies or changes hands, what comes out is what one undisturbed run gives.

The plans are those that the undisturbed run agreed on: a plan depends on when it was made, a draw by it does not.
"""

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from services.sampler.config import SamplerConfig
from services.sampler.service import SamplerService
from shared.adapters.embedded.file_images import FileImages
from shared.adapters.embedded.segment_log import SegmentLog
from shared.adapters.embedded.sqlite_state import SqliteState
from shared.bootstrap import OpenBackend
from shared.runtime.lifecycle import Stop
from shared.runtime.retry import Backoff
from shared.runtime.worker import Worker
from shared.streams import frames, predictions, samples
from shared.streams.predictions import Detection, Prediction
from shared.streams.samples import Design, Neighbour, Sample
from shared.streams.stream import DAY_S
from tests.unit.services.sampler.bench import Bench
from tests.unit.services.sampler.counting import as_read, one_pass
from tests.unit.services.sampler.faults import Died, FailingLog, Faults
from tests.unit.services.sampler.making import jpeg, prediction

SOURCES = {"door": 0, "yard": 0, "gate": 1}
FRAMES_EACH = 30
START_MS, APART_MS = 1_795_000_000_000, 700
SETTINGS: dict[str, Any] = {
    "strategies": [
        {"type": "random", "share": 0.2},
        {"type": "uncertain", "share": 0.2},
        {"type": "lost_track", "share": 0.2},
        {"type": "gap", "probability": 0.5, "limits": [{"most": 2, "per": "minute", "each": "source"}]},
        {"type": "disagreement", "share": 0.4},
    ],
    "review": {"budget": "40/minute", "minimum_per_source": "1/minute"},
    "limits": [{"most": 8, "per": "minute", "each": "source"}],
    "privacy": {"masks": {"door": [[0, 0, 0.2, 0.2]]}},
    "context": {"before_s": 2, "after_s": 2, "every": 2},
    "sampler": {"epoch_s": 5, "declared_fps": 4},
    "collections": {
        "unsure": {
            "strategies": [{"type": "close_to_threshold", "epsilon": 0.2, "budget": "10/minute"}],
            "near_duplicates": {"most_bits": 4, "size": 4},
            "sources": ["door", "gate"],
        }
    },
}


class Hurried(SamplerService):
    max_records = 17

    def poll_timeout_s(self) -> float:
        return 0.005


class World:
    """A log of frames and predictions in a folder, and the samplers that work on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now_ms = START_MS
        self.log = SegmentLog(folder / "log", partitions=2, now_ms=lambda: self.now_ms)
        self.log.apply()
        self.state, self.images = SqliteState(folder / "state.db"), FileImages(folder / "images")

    def close(self) -> None:
        for one in (self.log, self.state, self.images):
            one.close()

    def copy(self, folder: Path) -> "World":
        """The same log, and nothing that came of it; close this one first."""
        shutil.copytree(self.folder / "log", folder / "log")
        return World(folder)

    def worker(self, faults: Faults) -> Worker:
        plain = Bench(self.log, self.state, self.images, None, self.folder).backend()  # type: ignore[arg-type]
        state, images = faults.around(self.state), faults.around(self.images)
        backend: OpenBackend = replace(plain, log=FailingLog(self.log, faults), state=state, images=images)  # type: ignore[arg-type]
        worker = Worker(Hurried(SamplerConfig.model_validate(SETTINGS), backend), backend.log, Stop())
        worker.backoff = Backoff(first_s=1e-4, most_s=1e-4)
        return worker

    def samples(self) -> dict[str, Sample]:
        """The first record of each design and neighbour, as readers count them."""
        first: dict[str, Sample] = {}
        reader = self.log.reader()
        for partition, bounds in self.log.bounds("samples").items():
            for record in reader.scan("samples", partition, 0, bounds.end):
                sample = samples.decode(record)
                first.setdefault(f"{type(sample).__name__} {sample.sample_id}", sample)
        reader.close()
        return first

    def stored(self, *kinds: str) -> dict[str, tuple[Any, ...]]:
        """What the state store holds under keys of these kinds, but for lifetimes."""
        with closing(sqlite3.connect(self.folder / "state.db")) as database:
            rows = database.execute("SELECT key, value, refused_by, distance, known FROM entries").fetchall()
            counts = database.execute("SELECT key || '/' || field, value FROM fields").fetchall()
        return {row[0]: row[1:] for row in (*rows, *counts) if row[0].split(":")[0] in kinds}

    def agree(self, undisturbed: "World") -> None:
        """Takes over the plans of another run."""
        with closing(sqlite3.connect(undisturbed.folder / "state.db")) as database:
            for key, field, value in database.execute("SELECT key, field, value FROM fields WHERE key LIKE 'plan:%'"):
                self.state.fix(key, {field: value}, DAY_S)
            for key, value in database.execute("SELECT key, value FROM entries WHERE key LIKE 'factors:%'"):
                self.state.put(key, value, DAY_S)


def publish(world: World) -> None:
    """Three sources on two partitions; objects that come and go, pictures that come again, shadows early, late or never."""
    dice = Random(7)
    producer = world.log.producer()
    for at in range(FRAMES_EACH):
        for source, partition in SOURCES.items():
            world.now_ms += APART_MS // len(SOURCES)
            image = jpeg(at // 3 % 5) if at % 4 else jpeg(at)
            new = frames.new_frame(source, image, producer_frame_id=f"{source}-{at}", frame_index=at)
            record = producer.send(replace(new, partition=partition)).result(5)
            live = _seen(frames.decode(record), dice)
            shadow = live.model_copy(update={"role": "shadow", "model_id": "larger", "detections": live.detections[:1]})
            other = live.model_copy(update={"model_id": "other"})
            told = [live, other] if source == "gate" and at % 3 else [live]
            if at % 5:
                told.insert(dice.randrange(len(told) + 1), shadow)
            if at % 7 == 3:
                told.append(live)
            for one in told:
                producer.send(predictions.new_prediction(one)).result(5)
    producer.close()


def _seen(frame: frames.Frame, dice: Random) -> Prediction:
    """Two things that stand in the picture, each not seen now and then."""
    shown = [
        Detection(
            box=(left, 100, left + 90, 220), class_id=0, class_name="package", confidence=dice.uniform(0.35, 0.95)
        )
        for left in (150, 380)
        if dice.random() > 0.12
    ]
    made = prediction(source_id=frame.source_id, frame_index=frame.frame_index)
    return made.model_copy(update={"frame": frame.ref, "detections": tuple(shown)})


def run(world: World, faults: Faults) -> None:
    """Until everything was read: samplers that fail, die, join and leave, in an order that the seed gives."""
    dice = Random(faults.seed)
    working = [world.worker(faults)]
    quiet = 0
    while quiet < 3:
        if faults.on and dice.random() < 0.03 and len(working) < 2:
            working.append(world.worker(faults))
        worker = dice.choice(working)
        try:
            worker.step()
            if faults.on and dice.random() < 0.03:
                worker.part()
                raise Died("left")
        except Died:
            worker.close()
            working.remove(worker)
            working = working or [world.worker(faults)]
        quiet = quiet + 1 if not worker.batch and _all_is_read(working) else 0
    for worker in working:
        worker.close()


def _all_is_read(working: list[Worker]) -> bool:
    """Every partition is somebody's, and nothing is left in any."""
    lags = {partition: left for worker in working for partition, left in worker.consumer.lag().items()}
    return len(lags) == 2 * len(SamplerService.reads) and not any(lags.values())


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("undisturbed")
    world = World(folder / "log-only")
    publish(world)
    world.close()
    run_there = world.copy(folder / "run")
    run(run_there, Faults(0, on=False))
    run_there.close()
    return run_there


def designs(world: World) -> dict[str, Sample]:
    return {name: one for name, one in world.samples().items() if isinstance(one, Design)}


def beside(world: World) -> set[str]:
    """Neighbours of frames that have no design: where strategies wait, one may be kept as both, or only as the second."""
    found = world.samples().values()
    drawn = {one.sample_id for one in found if isinstance(one, Design)}
    return {one.sample_id for one in found if isinstance(one, Neighbour)} - drawn


@pytest.mark.parametrize("seed", range(1, 4))
def test_whatever_fails_dies_or_changes_hands_the_samples_are_those_of_an_undisturbed_run(
    undisturbed: World, tmp_path: Path, seed: int
) -> None:
    before = World(undisturbed.folder)
    world = World(undisturbed.folder.parent / "log-only").copy(tmp_path)
    world.agree(before)
    faults = Faults(seed)
    run(world, faults)
    print(f"seed {seed}: {faults.counts}, {len(designs(world))} designs, {len(beside(world))} neighbours beside them")
    assert min(faults.counts.values()) > 0
    assert designs(world) == designs(before)
    assert beside(world) == beside(before)
    for kind in ("dec", "ring", "lim", "sharp"):
        assert world.stored(kind) == before.stored(kind), kind
    for partition in (0, 1):
        assert as_read(world.log, partition) == one_pass(before.log, partition)
    world.close()
    before.close()
