"""The sampler's work: score · draw · read · gate · decide · keep · publish, for a batch of predictions and verdicts.

Promises: no store is asked for a frame that no strategy drew; one script decides all drawn frames of a chunk; a redelivered
prediction finds its decision, is not charged twice, and is published as the same sample.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import groupby
from typing import NamedTuple

from services.sampler.collection import Collection
from services.sampler.config import SamplerConfig
from services.sampler.drawing import Draw
from services.sampler.held import HeldImages
from services.sampler.judged import Judge
from services.sampler.keeping import Pixels
from services.sampler.rules import Rules
from services.sampler.scenes import Scened, Scenes
from services.sampler.tallying import Tallying
from services.sampler.warming import Warming
from shared.bootstrap import OpenBackend
from shared.errors import Unavailable
from shared.runtime.live import Live
from shared.runtime.service import Handled, Received, Service
from shared.settings import Settings
from shared.streams import PREDICTIONS, VERDICTS, keys
from shared.streams.predictions import Prediction
from shared.streams.record import NewRecord, Partition
from shared.streams.samples import BufferedImage, Design, new_sample
from shared.streams.verdicts import Judged, Shown, Verdict
from shared.telemetry import logs, metrics

KEPT_TOGETHER, BYTES_TOGETHER = 32, 64_000_000
"""Drawn frames that are in memory at once, and their bytes at most; one larger than that is alone."""


class Drawn(NamedTuple):
    """A draw, and whose it is."""

    collection: Collection
    draw: Draw


class SamplerService(Service):
    name = "sampler"
    reads = (PREDICTIONS.name, VERDICTS.name)
    max_records = 500

    def __init__(self, config: SamplerConfig, backend: OpenBackend) -> None:
        self.backend = backend
        self.reader = backend.log.reader()
        self.log = logs.get(service=self.name)
        self.held = HeldImages(backend.images, backend.state)
        self.rules = self._rules(config, backend.settings)
        self.scenes = Scenes(self.rules)
        self.tallying = Tallying()
        self.warming = Warming(backend.log, self.reader, self.tallying, self._recall)
        self.live = Live(backend.settings, self.name, prepare=lambda new: self._rules(new.read(SamplerConfig), new))

    def handle(self, batch: Sequence[Received]) -> Handled:
        self._take_up()
        self._begin()
        self.warming.warm(batch)
        judged = [received for received in batch if received.record.stream == VERDICTS.name]
        outputs = [output for received in judged for output in self.hear(received)]
        self.held.sweep(max((received.record.time_ms for received in batch), default=0))
        arrived = self.scenes.arrived(batch)
        for together in _chunks(self.draw(self.scenes.ready(arrived))):
            outputs += self.keep(together)
        return Handled([*outputs, *self.neighbours(arrived), *self.tally(batch)])

    def draw(self, scenes: Sequence[Scened]) -> list[Drawn]:
        """What each collection draws of them. Most predictions end here, and no store was asked."""
        drawn = [Drawn(one, draw) for one in self.rules.collections for draw in one.draws(scenes)]
        for _, draw in drawn:
            for strategy in draw.fired:
                metrics.DRAWN.labels(strategy.label).inc()
        metrics.DECISIONS.labels("not_drawn").inc(max(0, len(scenes) - len(drawn)))
        return drawn

    def keep(self, drawn: Sequence[Drawn]) -> list[NewRecord]:
        """Reads the drawn frames, decides them, stores what is kept; the samples, also those without image."""
        pixels = self._read(drawn)
        outputs: list[NewRecord] = []
        for collection, group in groupby(drawn, key=lambda one: one.collection):
            draws = [one.draw for one in group]
            outputs += self._keep(collection, draws, [pixels[draw.prediction_id] for draw in draws])
        return outputs

    def _keep(self, collection: Collection, draws: Sequence[Draw], pixels: Sequence[Pixels]) -> list[NewRecord]:
        designs = self.decide(collection, draws, pixels)
        stored = [self.store(design, seen) for design, seen in zip(designs, pixels, strict=True) if design is not None]
        for design in stored:
            collection.kept(design)
            metrics.DECISIONS.labels(design.missing.partition(":")[0] if design.missing else "kept").inc()
            self.log.debug("sample.decided", sample_id=design.sample_id, missing=design.missing)
        confirmed = self.rules.judges[collection.name].waiting_for(stored)
        return [*map(new_sample, stored), *map(new_sample, confirmed)]

    def decide(self, collection: Collection, draws: Sequence[Draw], pixels: Sequence[Pixels]) -> list[Design | None]:
        """Gates, then memo, ring and limits: one script for all of them."""
        gated = collection.gates.look(draws, pixels)
        undecided = [collection.undecided(*three) for three in zip(draws, pixels, gated, strict=True)]
        decided = self.backend.state.decide(undecided)
        return [collection.outcome(draw, one) for draw, one in zip(draws, decided, strict=True)]

    def store(self, design: Design, pixels: Pixels) -> Design:
        """Image, then preview, then sidecar. Also on redelivery: the crash may have come before the image was there."""
        if design.image is None:
            return design
        keeper = self.rules.keeper
        here = keeper.place(design.collection, design.sample_id, design.prediction, pixels)
        if here == design.image:
            keeper.put(here, pixels, design)
            return design
        # The frame has gone since, or other settings would store other bytes now: what lies there is what was decided.
        return design if keeper.holds(design.image) else self._amended(design, here, pixels)

    def hear(self, received: Received) -> list[NewRecord]:
        """What people said, or were shown."""
        said: Judged = received.message
        if isinstance(said, Verdict):
            return self.revise(said)
        self.hold(said, received.record.time_ms)
        return []

    def hold(self, shown: Shown, time_ms: int) -> None:
        """The image of a held prediction is kept aside, in every collection that takes its source."""
        for judge in self._judges(shown.prediction) if shown.prediction else ():
            judge.hold(shown, time_ms, self.held)

    def revise(self, verdict: Verdict) -> list[NewRecord]:
        """A verdict keeps a frame or revises a sample, in every collection that takes its source."""
        judges = self._judges(verdict.prediction)
        revisions = [revision for judge in judges if (revision := judge.revise(verdict, self.held)) is not None]
        metrics.REVISIONS.labels(verdict.kind).inc(len(revisions))
        return [new_sample(revision) for revision in revisions]

    def _judges(self, prediction: Prediction) -> list[Judge]:
        return [self.rules.judges[one.name] for one in self.rules.collections if one.takes(prediction)]

    def neighbours(self, arrived: Sequence[Scened]) -> list[NewRecord]:
        """The frames that are to be kept beside kept ones, where a collection wants any."""
        for collection in self.rules.collections:
            for received, _ in arrived if collection.recaller else ():
                collection.follow(received)
        return [output for collection in self.rules.collections for output in collection.neighbours()]

    def tally(self, batch: Sequence[Received]) -> list[NewRecord]:
        """Counts all predictions, chosen or not; the tallies that are due."""
        for received in batch:
            if received.record.stream == PREDICTIONS.name:
                self.tallying.meet(received)
        return self.tallying.due(time.monotonic())

    def confirmed(self) -> None:
        self.scenes.settle()
        self.tallying.settle()
        for collection in self.rules.collections:
            collection.settle()

    def committable(self, partition: Partition, position: int) -> int:
        return self.scenes.committable(partition, position)

    def on_assigned(self, partitions: frozenset[Partition]) -> None:
        self._forget(partitions)
        self.warming.expect(_numbers(partitions))

    def on_revoked(self, partitions: frozenset[Partition]) -> None:
        self._forget(partitions)

    def parting(self) -> Sequence[NewRecord]:
        _drain(self.rules)
        return self.tallying.closing()

    def close(self) -> None:
        self.reader.close()

    def _forget(self, partitions: frozenset[Partition]) -> None:
        numbers = _numbers(partitions)
        self.scenes.forget(numbers)
        self.tallying.forget(numbers)
        self.warming.forget(numbers)
        for collection in self.rules.collections:
            collection.forget(numbers)

    def _recall(self, received: Received) -> None:
        """A prediction from before the first one that was delivered: what is remembered of sources is made of these."""
        self.scenes.recall(received)
        for collection in self.rules.collections:
            if received.message.role == "live":
                collection.follow(received)

    def _rules(self, config: SamplerConfig, settings: Settings) -> Rules:
        return Rules(config, self.backend, self.reader, settings)

    def _take_up(self) -> None:
        """Changed settings hold from this batch on; what was counted by the old ones stays counted."""
        new = self.live.changed() if self.live else None
        if new is None:
            return
        before, self.rules = self.rules, self._rules(new.read(SamplerConfig), new)
        self.rules.go_on_from(before)
        self.scenes.follow(self.rules)
        _drain(before)

    def _begin(self) -> None:
        """A batch begins, perhaps again: what was counted of it is counted anew."""
        self.scenes.begin()
        for collection in self.rules.collections:
            collection.begin()

    def _read(self, drawn: Sequence[Drawn]) -> dict[str, Pixels]:
        """Each frame once, however many collections drew it."""
        pixels: dict[str, Pixels] = {}
        for _, draw in drawn:
            if draw.prediction_id not in pixels:
                pixels[draw.prediction_id] = self.rules.keeper.read(draw.prediction)
        return pixels

    def _amended(self, design: Design, here: BufferedImage | None, pixels: Pixels) -> Design:
        """Decided as kept, but that image never reached the buffer; now it is another, or none. The memo learns it first."""
        amended = design.model_copy(update={"image": here, "missing": pixels.missing})
        memo_key = keys.memo_key(design.collection, design.sample_id)
        self.backend.state.amend(memo_key, amended.to_bytes(), self.rules.config.sampler.memo_s)
        if here is not None:
            self.rules.keeper.put(here, pixels, amended)
        return amended


def _drain(rules: Rules) -> None:
    """What was counted since the last epoch began helps later plans; without it they are a little less exact."""
    for collection in rules.collections:
        with suppress(Unavailable):
            collection.drain()


def _numbers(partitions: frozenset[Partition]) -> set[int]:
    """Those of predictions: nothing is remembered of verdicts."""
    return {number for stream, number in partitions if stream == PREDICTIONS.name}


def _chunks(drawn: Sequence[Drawn]) -> Iterator[list[Drawn]]:
    """What is in memory together."""
    chunk: list[Drawn] = []
    size = 0
    for one in drawn:
        frame = one.draw.prediction.frame
        if chunk and (len(chunk) == KEPT_TOGETHER or size + frame.size > BYTES_TOGETHER):
            yield chunk
            chunk, size = [], 0
        chunk.append(one)
        size += frame.size
    if chunk:
        yield chunk
