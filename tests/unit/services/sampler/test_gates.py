"""The gates in the sampler's whole flow: known images and poor pictures. The ring's own cases: test_collections.py."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from services.sampler.known import learn
from services.sampler.quality import ENOUGH
from services.sampler.strategies.close_to_threshold import CloseToThreshold
from services.sampler.strategies.random_fraction import RandomFraction
from shared.runtime.service import Received
from shared.streams.frames import new_frame
from shared.streams.samples import Design
from tests.unit.services.sampler.bench import Bench, published
from tests.unit.services.sampler.making import jpeg

INFORMATIVE = CloseToThreshold(epsilon=0.45)
FLOOR = RandomFraction(fraction=1.0)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench.at(tmp_path)
    yield bench
    bench.close()


def sent(bench: Bench, image: bytes, number: int) -> Received:
    """A frame whose pixels are given."""
    return bench.predicted(bench.sent(new_frame("door", image, producer_frame_id=f"{number}", frame_index=number)))


def blurred(seed: int) -> bytes:
    pixels = cv2.imdecode(np.frombuffer(jpeg(seed), np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    return cv2.imencode(".jpg", cv2.GaussianBlur(pixels, (0, 0), 3))[1].tobytes()


def know(bench: Bench, folder: Path, seed: int) -> None:
    file = folder / f"{seed}.jpg"
    file.write_bytes(jpeg(seed))
    assert learn(bench.state, "default", [file], lambda _: None).new == 1


def test_what_a_team_has_already_is_kept_by_the_floor_alone(bench: Bench, tmp_path: Path) -> None:
    know(bench, tmp_path, 1)
    batch = [sent(bench, jpeg(1), 1), sent(bench, jpeg(2), 2)]
    assert [one.prediction.frame_index for one in published(bench.sampler(INFORMATIVE), batch)] == [2]
    batch = [sent(bench, jpeg(1), 3), sent(bench, jpeg(3), 4)]
    first, second = published(bench.sampler(FLOOR, INFORMATIVE), batch)
    assert isinstance(first, Design)
    assert isinstance(second, Design)
    assert (first.gate, second.gate) == ("near_duplicate", None)
    assert first.image is not None


def test_known_images_can_be_left_out_of_account(bench: Bench, tmp_path: Path) -> None:
    know(bench, tmp_path, 1)
    sampler = bench.sampler(INFORMATIVE, near_duplicates={"known": False})
    assert len(published(sampler, [sent(bench, jpeg(1), 1)])) == 1


def sharp_then_blurred(bench: Bench) -> list[Received]:
    return [*(sent(bench, jpeg(seed), seed) for seed in range(ENOUGH)), sent(bench, blurred(50), ENOUGH)]


def test_a_picture_much_less_sharp_than_its_source_s_last_is_not_kept(bench: Bench) -> None:
    batch = sharp_then_blurred(bench)
    made = published(bench.sampler(INFORMATIVE), batch)
    assert [one.prediction.frame_index for one in made] == list(range(ENOUGH))
    assert published(bench.sampler(INFORMATIVE), batch) == made, "a redelivery finds its decision"


def test_the_floor_keeps_poor_pictures_and_knows_what_they_are(bench: Bench) -> None:
    *_, last = published(bench.sampler(FLOOR, INFORMATIVE), sharp_then_blurred(bench))
    assert isinstance(last, Design)
    assert last.gate == "quality"
    assert last.probabilities == {"random": 1.0, "close_to_threshold": 0.0}
    assert last.image is not None


@pytest.mark.parametrize("gate", [{"enabled": False}, {"least_sharpness": 0}])
def test_without_the_gate_poor_pictures_are_kept(bench: Bench, gate: dict[str, float]) -> None:
    assert len(published(bench.sampler(INFORMATIVE, quality=gate), sharp_then_blurred(bench))) == ENOUGH + 1
