"""Another version takes over, or is refused and the old one goes on; whatever happens to files and bucket, something runs."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from services.inference.batching import Seen
from services.inference.config import InferenceConfig, InferenceOptions
from services.inference.models.copies import PREFIX
from services.inference.models.releases import Releases
from services.inference.models.running import RunningModel, running
from services.inference.swapping import Loaded, Swapper
from shared.adapters.embedded.file_images import FileImages
from shared.errors import SettingsError, Unavailable
from shared.imaging import encode_jpeg
from shared.models.config import ModelConfig
from shared.models.files import ModelFiles
from shared.models.model import Model
from tests.unit.shared.models.built_models import detector, picture

DEADLINE_S = 20.0
OPTIONS = InferenceOptions(lanes=1, threads_per_lane=1)
Opens = Callable[..., Swapper]


def wait(done: Callable[[], Any], what: str) -> None:
    until_s = time.monotonic() + DEADLINE_S
    while not done():
        assert time.monotonic() < until_s, what
        time.sleep(0.01)


@pytest.fixture
def images(tmp_path: Path) -> FileImages:
    return FileImages(tmp_path / "bucket")


@pytest.fixture
def opens(images: FileImages) -> Iterator[Opens]:
    opened: list[Swapper] = []

    def open_(start: bool = True, bucket: FileImages = images, **model: Any) -> Swapper:
        swapper = Swapper(ModelConfig(check_every_s=0.1, **model), OPTIONS)
        opened.append(swapper.start(bucket) if start else swapper)
        return swapper

    yield open_
    for swapper in opened:
        swapper.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return detector(tmp_path / "doors.onnx")


def put(path: Path, make: Callable[[Path], Path]) -> Path:
    """In one step, as a careful person replaces a file."""
    return make(path.with_suffix(".new")).replace(path)


def wider(path: Path) -> Path:
    return detector(path, width=12)


def version(swapper: Swapper) -> str:
    loaded = swapper.current()
    assert loaded is not None
    return loaded.model.version


def told(images: FileImages, model_id: str = "doors") -> RunningModel:
    wait(lambda: list(running(images, model_id)), "a status")
    (one,) = running(images, model_id)
    return one


def metric(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


def works(loaded: Loaded) -> bool:
    """Its lanes predict."""
    (seen,) = loaded.lanes.predict([encode_jpeg(picture(320, 240))])
    return isinstance(seen, Seen)


# Files


def test_a_file_is_there_at_once_and_one_that_cannot_work_is_refused_by_its_name(opens: Opens, path: Path) -> None:
    swapper = opens(start=False, path=path)
    assert version(swapper) == ModelFiles.of(path).version
    path.write_bytes(b"\x08\x07 no model")
    with pytest.raises(SettingsError, match=rf"^model\.path: {path} is no ONNX model"):
        opens(start=False, path=path)
    with pytest.raises(SettingsError, match=r"there is no .*/missing\.onnx"):
        opens(start=False, path=path.with_name("missing.onnx"))


def test_a_file_that_is_replaced_takes_over(opens: Opens, path: Path, images: FileImages) -> None:
    swapper = opens(path=path)
    before = swapper.current()
    put(path, wider)
    wait(lambda: swapper.current() is not before, "the new version")
    after = swapper.current()
    assert after is not None
    assert before is not None
    assert after.model.version == ModelFiles.of(path).version != before.model.version
    assert (works(after), works(before)) == (True, True), "frames in flight stay with the old one"
    before.lanes.close()
    wait(lambda: told(images).version == after.model.version, "the status")
    assert metric("gleaner_model_info", model_id="doors", version=after.model.version, role="live") == 1
    assert metric("gleaner_model_info", model_id="doors", version=before.model.version, role="live") is None


def half(path: Path) -> Path:
    whole = wider(path).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    return path


def not_our_inputs(path: Path) -> Path:
    return detector(path, metadata={"names": "{0: 'only one'}"})


def written(content: bytes) -> Callable[[Path], Path]:
    def write(path: Path) -> Path:
        path.write_bytes(content)
        return path

    return write


BROKEN: dict[str, Callable[[Path], Path]] = {
    "half a file": half,
    "no model": written(b"junk" * 100),
    "an empty file": written(b""),
    "a checkpoint": written(b"PK\x03\x04" + bytes(200)),
    "names that do not fit": not_our_inputs,
    "a detector without sigmoid": lambda path: detector(path, sigmoid=False),
}


@pytest.mark.parametrize("make", BROKEN.values(), ids=BROKEN)
def test_a_file_that_cannot_work_is_refused_and_the_old_one_goes_on(
    opens: Opens, path: Path, images: FileImages, make: Callable[[Path], Path]
) -> None:
    swapper = opens(path=path)
    before = swapper.current()
    refused = metric("gleaner_model_swaps_total", model_id="doors", outcome="refused") or 0
    put(path, make)
    wait(lambda: told(images).refused, "refused in the status")
    said = told(images)
    assert (said.version, said.refused) == (before and before.model.version, "the file")
    assert PREFIX not in (said.why or PREFIX), "what is named is the file, not its copy"
    assert swapper.current() is before
    assert metric("gleaner_model_refused", model_id="doors") == 1
    looked_again_at_s = time.monotonic() + 0.5
    wait(lambda: time.monotonic() > looked_again_at_s, "a few looks more")
    assert metric("gleaner_model_swaps_total", model_id="doors", outcome="refused") == refused + 1, "tried once"
    put(path, wider)
    wait(lambda: swapper.current() is not before, "the next one")
    wait(lambda: told(images).refused is None, "nothing is refused any more")
    assert metric("gleaner_model_refused", model_id="doors") == 0
    assert before is not None
    before.lanes.close()


def test_thresholds_that_do_not_fit_refuse_a_version(opens: Opens, path: Path, images: FileImages) -> None:
    swapper = opens(path=path, class_thresholds={"crate": 0.3})
    before = version(swapper)
    put(path, lambda to: detector(to, metadata={"names": "{0: 'cart', 1: 'person', 2: 'trolley'}"}))
    wait(lambda: "class_thresholds: no class 'crate'" in (told(images).why or ""), "the reason")
    assert version(swapper) == before


def test_a_file_that_is_taken_away_changes_nothing(opens: Opens, path: Path, images: FileImages) -> None:
    swapper = opens(path=path)
    before = swapper.current()
    path.unlink()
    wait(lambda: "there is no" in (told(images).why or ""), "the reason")
    assert swapper.current() is before
    detector(path)
    wait(lambda: told(images).refused is None, "the same content is there again")
    assert swapper.current() is before, "and nothing was swapped for it"


def test_a_touched_file_is_the_same_version(opens: Opens, path: Path) -> None:
    swapper = opens(path=path)
    before = swapper.current()
    path.touch()
    loaded = metric("gleaner_model_swaps_total", model_id="doors", outcome="swapped") or 0
    looked_at_s = time.monotonic() + 0.5
    wait(lambda: time.monotonic() > looked_at_s, "a few looks")
    assert swapper.current() is before
    assert (metric("gleaner_model_swaps_total", model_id="doors", outcome="swapped") or 0) == loaded


def test_a_version_that_nobody_took_is_closed_by_the_next(opens: Opens, path: Path) -> None:
    swapper = opens(path=path)
    put(path, wider)

    def is_loaded() -> bool:
        return bool(metric("gleaner_model_info", model_id="doors", version=ModelFiles.of(path).version, role="live"))

    wait(is_loaded, "the second")
    put(path, lambda to: detector(to, width=16))
    wait(is_loaded, "the third")
    threads = [one.name for one in threading.enumerate() if one.name == "inference-lane"]
    swapper.close()
    assert len(threads) <= 2, "the lane of the third, and one that is just ending"


# The bucket


def pushed(images: FileImages, tmp_path: Path, width: int) -> str:
    model = Model(ModelConfig(path=detector(tmp_path / f"made-{width}.onnx", width=width)))
    Releases(images, "doors").push(model)
    return model.version


def test_nothing_runs_until_something_is_pushed(opens: Opens, images: FileImages, tmp_path: Path) -> None:
    swapper = opens(id="doors")
    wait(lambda: "nothing was pushed as doors yet" in swapper.why, "why")
    assert swapper.current() is None
    assert "nothing was pushed" in (told(images).why or "")
    first = pushed(images, tmp_path, 8)
    wait(swapper.current, "the first version")
    assert version(swapper) == first
    second = pushed(images, tmp_path, 12)
    wait(lambda: version(swapper) == second, "the second")
    Releases(images, "doors").rollback()
    wait(lambda: version(swapper) == first, "the first again")


def test_the_newest_that_works_runs_at_the_start(opens: Opens, images: FileImages, tmp_path: Path) -> None:
    good = pushed(images, tmp_path, 8)
    bad = pushed(images, tmp_path, 12)
    images.put(f"models/doors/{bad}/made-12.onnx", b"junk", "application/octet-stream")
    Releases(images, "doors").release("eeeeeeeeeeee", "push")
    swapper = opens(id="doors")
    wait(swapper.current, "a version")
    assert version(swapper) == good
    wait(lambda: told(images).refused == "eeeeeeeeeeee", "the newest is named")
    assert "was never pushed whole" in (told(images).why or "")


def test_a_broken_push_changes_nothing_and_a_good_one_mends_it(
    opens: Opens, images: FileImages, tmp_path: Path
) -> None:
    good = pushed(images, tmp_path, 8)
    swapper = opens(id="doors")
    wait(swapper.current, "a version")
    before = swapper.current()
    Releases(images, "doors").release("eeeeeeeeeeee", "push")
    wait(lambda: told(images).refused == "eeeeeeeeeeee", "refused")
    assert swapper.current() is before
    Releases(images, "doors").rollback()
    wait(lambda: told(images).refused is None, "the rollback to what runs already")
    assert (swapper.current() is before, version(swapper)) == (True, good)


class Unplugged(FileImages):
    """The cable of the bucket."""

    out = False

    def list(self, prefix: str = "") -> Any:
        if self.out:
            raise Unavailable("image buffer", "no route to the host")
        return super().list(prefix)


def test_a_bucket_that_is_away_is_waited_for(opens: Opens, tmp_path: Path) -> None:
    images = Unplugged(tmp_path / "bucket")
    first = pushed(images, tmp_path, 8)
    images.out = True
    swapper = opens(bucket=images, id="doors")
    wait(lambda: "no route to the host" in swapper.why, "why")
    assert swapper.current() is None
    images.out = False
    wait(swapper.current, "the version, once it is back")
    before = swapper.current()
    images.out = True
    looked_at_s = time.monotonic() + 0.4
    wait(lambda: time.monotonic() > looked_at_s, "a few looks at nothing")
    assert swapper.current() is before
    images.out = False
    second = pushed(images, tmp_path, 12)
    wait(lambda: version(swapper) == second, "the next version")
    assert first != second


def test_the_end_takes_the_status_away(images: FileImages, path: Path) -> None:
    swapper = Swapper(ModelConfig(path=path, check_every_s=3600), OPTIONS).start(images)
    wait(lambda: list(running(images, "doors")), "the status")
    said = told(images)
    assert (said.role, said.provider, said.stale) == ("live", "cpu", False)
    swapper.close()
    assert list(running(images, "doors")) == []


def test_a_shadow_says_that_it_is_one(opens: Opens, images: FileImages, path: Path) -> None:
    config = InferenceConfig.model_validate({"model": {"path": str(path), "role": "shadow", "fraction": 0.5}})
    assert config.model is not None
    opens(path=path, role="shadow")
    wait(lambda: list(running(images, "doors")), "the status")
    assert (told(images).role, told(images).instance.endswith("-shadow")) == ("shadow", True)
