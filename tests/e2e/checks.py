"""What must be true of a world at the end, whatever happened to it."""

import hashlib
import json
from collections import Counter
from contextlib import closing

from services.cli import kept
from services.sampler.config import SamplerConfig
from services.sampler.drawing import Draw
from services.sampler.rules import Rules
from services.sampler.scenes import Scenes
from shared.bootstrap import OpenBackend
from shared.runtime.service import Received
from shared.streams import PREDICTIONS, ids
from shared.streams.predictions import Prediction
from shared.streams.record import Record
from shared.streams.samples import Design
from tests.e2e.world import World
from tests.hosts.forgetful import Storage
from tests.unit.services.sampler.making import jpeg


def check_nothing_lost_nothing_twice(world: World, storage: Storage, frames: int) -> None:
    """Every frame was predicted; every drawn frame is a sample with its image; each image is at the host once, unharmed."""
    found = world.kept()
    assert found.frames == frames
    assert set(found.with_image) >= drawn(world), f"a drawn frame has no image: {dict(found.missing)}"
    everything = [*found.with_image, *found.neighbours]
    assert storage.counts() == Counter(everything)
    for sample_id in everything:
        prediction = found.samples[sample_id][0].prediction
        stored = json.loads((storage.folder / sample_id / "1.json").read_bytes())
        seed = int((prediction.producer_frame_id or "").removeprefix("frame-"))
        assert bytes.fromhex(stored["image"]) == jpeg(seed)
    check_tidy(world, everything)


def check_tidy(world: World, samples: list[str]) -> None:
    """The ledger balances with nothing open; the originals have left the buffer, their previews are there."""
    ledger = world.counts().ledger
    assert ledger.balanced, ledger
    assert ledger.pending == ledger.dead_lettered == 0, ledger
    left = [key for key in world.buffered() if not key.startswith("models/")]
    assert [key for key in left if not key.startswith("previews/")] == []
    assert sorted(key.rpartition("/")[2] for key in left) == sorted(f"{sample_id}.jpg" for sample_id in samples)


def drawn(world: World) -> set[str]:
    """The sample ids that settings, salt and plans ask for, whatever gates and limits say then."""
    return {sample_id_of(draw.prediction, collection) for collection, draw in redrawn(world)}


def redrawn(world: World) -> list[tuple[str, Draw]]:
    """Every draw once more, with its collection: by all predictions at once, as a sampler would that comes much later.

    It keeps nothing. Plans that are agreed on it finds; one that nobody made yet it makes for all, as any replica.
    """
    with world.backend() as backend, closing(backend.log.reader()) as reader:
        rules = Rules(world.settings.read(SamplerConfig), backend, reader, world.settings)
        scenes = Scenes(rules)
        ready = scenes.ready(scenes.arrived(_predictions(backend)))
        return [(collection.name, draw) for collection in rules.collections for draw in collection.draws(ready)]


def _predictions(backend: OpenBackend) -> list[Received]:
    records: list[Record] = list(kept.records_of(backend.log, PREDICTIONS.name))
    return [Received(record, PREDICTIONS.decode(record)) for record in records]


def check_designs_follow_their_plans(world: World) -> None:
    """Each design says what anybody finds who draws its frame again: one plan for an epoch, whoever died while it was made."""
    again = {sample_id_of(draw.prediction, collection): draw for collection, draw in redrawn(world)}
    designs = [one for one in world.records("samples") if isinstance(one, Design)]
    assert designs
    for design in designs:
        draw = again[design.sample_id]
        ungated = design.gate is None
        assert (design.epoch_ms, design.weights) == (draw.epoch_ms, draw.weights)
        assert design.probabilities == (draw.probabilities if ungated else {**draw.probabilities, **_gated(draw)})


def _gated(draw: Draw) -> dict[str, float]:
    return {look.strategy.label: 0.0 for look in draw.looks if not look.strategy.floor}


def sample_id_of(prediction: Prediction, collection: str = "default") -> str:
    return ids.sample_id(collection, prediction.frame.frame_id, prediction.model_id)


def dataset_of(world: World) -> dict[str, tuple[str, dict[str, object]]]:
    """By sample id: the image's hash and everything the dataset says, but the one thing that depends on when it was run.

    `log_time_ms` is the log's append time: it differs between two runs, and by design nothing that is kept depends on it
    where there are no limits (the frame's id comes from `producer_frame_id`, the draws from the frame's id).
    """
    images = world.dataset / "images"
    found = {}
    for sample_id, fragment in world.fragments().items():
        timeless = {key: value for key, value in fragment.items() if key != "log_time_ms"}
        pixels = hashlib.sha256((images / fragment["file_name"]).read_bytes()).hexdigest()
        found[sample_id] = (pixels, timeless)
    return found


def coco_of(world: World) -> dict[str, object]:
    """The COCO document without the append times. Image ids follow the sample ids' order, so they are the same in each run."""
    document = world.coco()
    return {**document, "images": [{k: v for k, v in one.items() if k != "log_time_ms"} for one in document["images"]]}
