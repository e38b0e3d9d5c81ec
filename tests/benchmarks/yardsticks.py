"""The plainest thing that does the same work, to hold a service against: no log, no ids, no receipts."""

import os
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from services.inference.config import InferenceConfig, cores
from services.inference.plan import Plan
from shared.imaging import decode
from shared.models.engine import Engine
from shared.models.model import Model, Session
from shared.streams import PREDICTIONS
from tests.benchmarks.inputs import pictures
from tests.benchmarks.watching import Speed
from tests.e2e.world import World

POLL = 500


def timed(records: int, work: Callable[[], object]) -> Speed:
    """What `work` takes in this process, all of its threads counted."""
    cpu_s, started_s = time.process_time(), time.perf_counter()
    work()
    return Speed(records, time.perf_counter() - started_s, time.process_time() - cpu_s)


class Bare:
    """A model in as many lanes and threads as the service has."""

    def __init__(self, world: World) -> None:
        config = world.settings.read(InferenceConfig)
        assert config.model is not None
        plan = Plan.of(config.inference)
        self.lanes = plan.lanes
        self.model = Model(config.model, plan.engine)
        self.sessions = [self.model.open_session() for _ in range(self.lanes)]
        self.batch = plan.batch_size if self.model.family.input.batch is None else 1
        self.prepared = [self.model.prepare(decode(image)) for image in pictures()][: self.batch]
        for session in self.sessions:
            self.model.run(session, self.prepared)

    def runs(self, frames: int) -> Speed:
        """`session.run` alone, on tensors made beforehand, in runs as large as the service's."""
        each = max(1, frames // (self.lanes * self.batch))
        return self._in_lanes(each * self.batch, lambda session: self._run(session, each))

    def alone(self, frames: int) -> Speed:
        """`session.run` alone, in one session that has all cores, one image a run: what a plain program would do."""
        with_all = Model(self.model.config, Engine(threads=cores()))
        session, one = with_all.open_session(), self.prepared[:1]
        with_all.run(session, one)
        return timed(frames, lambda: [with_all.run(session, one) for _ in range(frames)])

    def loop(self, frames: int) -> Speed:
        """Decode, scale, run, suppress: one image after the other in each lane."""
        each = max(1, frames // self.lanes)
        return self._in_lanes(each, lambda session: self._all_of_it(session, each))

    def _in_lanes(self, each: int, work: Callable[[Session], None]) -> Speed:
        with ThreadPoolExecutor(self.lanes) as lanes:
            return timed(each * self.lanes, lambda: list(lanes.map(work, self.sessions)))

    def _run(self, session: Session, times: int) -> None:
        for _ in range(times):
            self.model.run(session, self.prepared)

    def _all_of_it(self, session: Session, times: int) -> None:
        images = pictures()
        for number in range(times):
            prepared = self.model.prepare(decode(images[number % len(images)]))
            self.model.read(self.model.run(session, [prepared])[0], prepared)


def consume_and_validate(world: World, total: int) -> Speed:
    """Polls `predictions` to the end and validates each, in this process; commits per poll, as the service does."""
    with world.backend() as backend, closing(backend.log.consumer("yardstick", [PREDICTIONS.name])) as consumer:
        first = [PREDICTIONS.decode(record) for record in consumer.poll(30, POLL)]

        def rest() -> None:
            read = len(first)
            while read < total:
                records = consumer.poll(5, POLL)
                assert records, f"the end after {read} of {total}"
                positions: dict[tuple[str, int], int] = {}
                for record in records:
                    PREDICTIONS.decode(record)
                    positions[record.source] = record.offset + 1
                consumer.commit(positions)
                read += len(records)

        return timed(total - len(first), rest)


def read_and_write(dataset: Path, folder: Path) -> Speed:
    """The dataset's images and fragments read and written elsewhere, each synced."""
    folder.mkdir()
    images = sorted((dataset / "images").iterdir())
    fragments = sorted((dataset / "samples").iterdir())

    def copy() -> None:
        for path in (*images, *fragments):
            with (folder / path.name).open("wb") as file:
                file.write(path.read_bytes())
                file.flush()
                os.fsync(file.fileno())

    return timed(len(images), copy)


def ultralytics(interpreter: str, model: Path, folder: Path, frames: int) -> Speed:
    """Ultralytics' own `predict` on the same file and pictures, in an interpreter that has it."""
    folder.mkdir(exist_ok=True)
    for number, image in enumerate(pictures()):
        (folder / f"{number:02d}.jpg").write_bytes(image)
    rounds = max(1, frames // len(pictures()))
    script = Path(__file__).with_name("ultralytics_predict.py")
    ran = subprocess.run(
        [interpreter, str(script), str(model), str(folder), str(rounds)], capture_output=True, text=True, check=True
    )
    seen, wall_s, cpu_s = ran.stdout.splitlines()[-1].split()
    return Speed(int(seen), float(wall_s), float(cpu_s))
