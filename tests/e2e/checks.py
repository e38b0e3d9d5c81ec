"""What must be true of a world at the end, whatever happened to it."""

import hashlib
import json
from collections import Counter

from services.sampler.config import SamplerConfig
from services.sampler.drawing import Drawer
from services.sampler.strategies.scene import Scene
from shared.streams import ids
from shared.streams.predictions import Prediction
from tests.e2e.world import SALT, World
from tests.hosts.forgetful import Storage
from tests.unit.services.sampler.making import jpeg


def check_nothing_lost_nothing_twice(world: World, storage: Storage, frames: int) -> None:
    """Every frame was predicted; every drawn frame is a sample with its image; each image is at the host once, unharmed."""
    found = world.kept()
    assert found.frames == frames
    assert set(found.with_image) >= drawn(world), f"a drawn frame has no image: {dict(found.missing)}"
    assert storage.counts() == Counter(found.with_image)
    for sample_id in found.with_image:
        prediction = found.samples[sample_id][0].prediction
        stored = json.loads((storage.folder / sample_id / "1.json").read_bytes())
        seed = int((prediction.producer_frame_id or "").removeprefix("frame-"))
        assert bytes.fromhex(stored["image"]) == jpeg(seed)
    check_tidy(world, found.with_image)


def check_tidy(world: World, samples: list[str]) -> None:
    """The ledger balances with nothing open; the originals have left the buffer, their previews are there."""
    ledger = world.counts().ledger
    assert ledger.balanced, ledger
    assert ledger.pending == ledger.dead_lettered == 0, ledger
    kept = [key for key in world.buffered() if not key.startswith("models/")]
    assert [key for key in kept if not key.startswith("previews/")] == []
    assert sorted(key.rpartition("/")[2] for key in kept) == sorted(f"{sample_id}.jpg" for sample_id in samples)


def drawn(world: World) -> set[str]:
    """The sample ids that the settings and the salt ask for, by the pure function alone."""
    config = world.settings.read(SamplerConfig)
    drawer = Drawer(SALT.encode(), config.collection, config.strategies)
    live = (one for one in world.records("predictions") if one.role == "live")
    return {sample_id_of(one) for one in live if drawer.draw("", Scene(one)) is not None}


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
