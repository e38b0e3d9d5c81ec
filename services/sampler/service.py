"""The sampler's work: match · draw · read · decide · keep · publish, for a batch of predictions and verdicts.

Promises: no store is asked for a frame that no strategy drew; one script decides all drawn frames of a batch; a redelivered
prediction finds its decision, is not charged twice, and is published as the same sample.
"""

from collections.abc import Iterator, Sequence

from services.sampler.config import SamplerConfig
from services.sampler.drawing import Draw, Drawer
from services.sampler.judged import Judge
from services.sampler.keeping import Keeper, Pixels
from services.sampler.limits import Limits
from services.sampler.repeats import Repeats
from shared.bootstrap import OpenBackend
from shared.ports.images import Images
from shared.ports.log import Reader
from shared.ports.state import Decided, State, Undecided
from shared.runtime.pixels import FramePixels
from shared.runtime.service import Handled, Received, Service
from shared.streams import PREDICTIONS, VERDICTS, ids, keys
from shared.streams.predictions import Prediction, prediction_id
from shared.streams.record import NewRecord, Partition
from shared.streams.samples import Design, new_sample
from shared.streams.verdicts import Verdict
from shared.telemetry import logs, metrics

KEPT_TOGETHER, BYTES_TOGETHER = 32, 64_000_000
"""Drawn frames that are in memory at once, and their bytes at most; one larger than that is alone."""


class SamplerService(Service):
    name = "sampler"
    reads = (PREDICTIONS.name, VERDICTS.name)
    max_records = 500

    def __init__(
        self,
        config: SamplerConfig,
        reader: Reader,
        state: State,
        images: Images,
        pixels: FramePixels,
        salt: bytes,
        timezone: str,
        settings_version: str,
    ) -> None:
        self.config = config
        self.state = state
        self.reader = reader
        self.salt_fingerprint = ids.salt_fingerprint(salt)
        self.settings_version = settings_version
        self.drawer = Drawer(salt, config.collection, config.strategies)
        self.limits = Limits(config.collection, config.limits, timezone, config.sampler.memo_s)
        self.keeper = Keeper(reader, pixels, images, config.sampler.preview_px)
        self.judge = Judge(
            config.collection,
            config.destinations,
            settings_version,
            config.sampler.memo_s,
            self.drawer,
            state,
            self.keeper,
        )
        self.repeats = Repeats()
        self.log = logs.get(service=self.name)

    @classmethod
    def on(cls, backend: OpenBackend, config: SamplerConfig) -> "SamplerService":
        return cls(
            config,
            backend.log.reader(),
            backend.state,
            backend.images,
            backend.pixels,
            backend.salt,
            backend.common.timezone,
            backend.settings_version,
        )

    def handle(self, batch: Sequence[Received]) -> Handled:
        self.repeats.begin()
        outputs: list[NewRecord] = []
        drawn: list[Draw] = []
        for received in batch:
            if isinstance(received.message, Verdict):
                outputs += self.revise(received.message)
            else:
                drawn += self.draw(received)
        for together in _chunks(drawn):
            outputs += self.keep(together)
        return Handled(outputs)

    def draw(self, received: Received) -> list[Draw]:
        """Does a strategy draw it? Most predictions end here, and no store was asked."""
        prediction: Prediction = received.message
        if prediction.role == "shadow":
            return self._count("shadow")
        novelty = self.repeats.meet(prediction.model_id, prediction.frame.partition, prediction.frame.offset)
        if novelty == "seen":
            return self._count("seen")
        if novelty == "late":
            metrics.LATE.inc()
        looks = self.drawer.looks(prediction)
        if looks is None:
            return self._count("not_drawn")
        draw = Draw(prediction_id(received.record, prediction), prediction, looks)
        for strategy in draw.fired:
            metrics.DRAWN.labels(strategy.label).inc()
        return [draw]

    def keep(self, drawn: Sequence[Draw]) -> list[NewRecord]:
        """Reads the drawn frames, decides them in one call, stores what is kept; the samples, also those without image."""
        pixels = [self.keeper.read(draw.prediction.frame) for draw in drawn]
        decided = self.decide(drawn, pixels)
        designs = [self.store(self._outcome(one), seen) for one, seen in zip(decided, pixels, strict=True)]
        for design in designs:
            metrics.DECISIONS.labels(design.missing.partition(":")[0] if design.missing else "kept").inc()
            self.log.debug("sample.decided", sample_id=design.sample_id, missing=design.missing)
        return [new_sample(design) for design in designs]

    def decide(self, drawn: Sequence[Draw], pixels: Sequence[Pixels]) -> Sequence[Decided]:
        """Memo, limits: one script for all of them."""
        return self.state.decide([self._undecided(*pair) for pair in zip(drawn, pixels, strict=True)])

    def store(self, design: Design, pixels: Pixels) -> Design:
        """Image, then preview, then sidecar. Also on redelivery: the crash may have come before the image was there."""
        if design.image is None:
            return design
        if pixels.missing is not None:
            return design if self.keeper.holds(design.image) else self._lost(design, pixels.missing)
        self.keeper.put(design.image, pixels, design)
        return design

    def revise(self, verdict: Verdict) -> list[NewRecord]:
        """A verdict keeps a frame or revises a sample."""
        revision = self.judge.revise(verdict)
        if revision is None:
            return []
        metrics.REVISIONS.labels(verdict.kind).inc()
        return [new_sample(revision)]

    def confirmed(self) -> None:
        self.repeats.settle()

    def on_assigned(self, partitions: frozenset[Partition]) -> None:
        self.repeats.forget({number for _, number in partitions})

    def on_revoked(self, partitions: frozenset[Partition]) -> None:
        self.repeats.forget({number for _, number in partitions})

    def close(self) -> None:
        self.reader.close()

    def _undecided(self, draw: Draw, pixels: Pixels) -> Undecided:
        design = self._design(draw, pixels)
        charges = self.limits.charges(draw) if design.image is not None else ()
        return Undecided(
            keys.memo_key(self.config.collection, design.sample_id),
            design.to_bytes(),
            self.config.sampler.memo_s,
            charges,
        )

    def _design(self, draw: Draw, pixels: Pixels) -> Design:
        prediction = draw.prediction
        sample_id = ids.sample_id(self.config.collection, prediction.frame.frame_id, prediction.model_id)
        return Design(
            sample_id=sample_id,
            collection=self.config.collection,
            prediction_id=draw.prediction_id,
            prediction=prediction,
            destinations=self.config.destinations,
            image=self.keeper.place(self.config.collection, sample_id, prediction, pixels),
            missing=pixels.missing,
            settings_version=self.settings_version,
            reasons=draw.reasons,
            probabilities=draw.probabilities,
            probability=draw.probability,
            salt_fingerprint=self.salt_fingerprint,
        )

    @staticmethod
    def _outcome(decided: Decided) -> Design:
        """The design as it was decided, by this call or by an earlier one."""
        design = Design.model_validate_json(decided.decision)
        if decided.refused_by is None:
            return design
        return design.model_copy(update={"image": None, "missing": f"limit:{decided.refused_by}"})

    def _lost(self, design: Design, missing: str) -> Design:
        """Decided as kept, but the image never reached the buffer and the frame has gone since. The memo learns it first."""
        without = design.model_copy(update={"image": None, "missing": missing})
        memo_key = keys.memo_key(self.config.collection, design.sample_id)
        self.state.amend(memo_key, without.to_bytes(), self.config.sampler.memo_s)
        return without

    @staticmethod
    def _count(outcome: str) -> list[Draw]:
        metrics.DECISIONS.labels(outcome).inc()
        return []


def _chunks(drawn: Sequence[Draw]) -> Iterator[list[Draw]]:
    """What is in memory together."""
    chunk: list[Draw] = []
    size = 0
    for draw in drawn:
        if chunk and (len(chunk) == KEPT_TOGETHER or size + draw.prediction.frame.size > BYTES_TOGETHER):
            yield chunk
            chunk, size = [], 0
        chunk.append(draw)
        size += draw.prediction.frame.size
    if chunk:
        yield chunk
