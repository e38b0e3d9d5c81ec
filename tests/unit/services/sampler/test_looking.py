"""The pixels of drawn frames in small, and what a source's sharpness is remembered by."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest

from services.sampler.looking import Met, QualityGate, gray, look
from services.sampler.quality import ENOUGH, Quality
from shared.adapters.embedded.sqlite_state import SqliteState
from shared.errors import InvalidImage, Unavailable
from shared.streams import keys

TTL_S = 3600


def encoded(width_px: int, height_px: int, form: str = ".jpg", seed: int = 0) -> bytes:
    patches = np.random.default_rng(seed).integers(0, 255, (5, 8, 3), dtype=np.uint8)
    _, data = cv2.imencode(form, cv2.resize(patches, (width_px, height_px)))
    return data.tobytes()


@pytest.mark.parametrize(
    ("size", "reduced"),
    [
        ((1280, 720), (160, 90)),
        ((640, 360), (80, 45)),
        ((640, 128), (160, 32)),
        ((100, 100), (50, 50)),
        ((48, 48), (48, 48)),
        ((5, 3), (5, 3)),
    ],
)
@pytest.mark.parametrize("form", [".jpg", ".png", ".webp"])
def test_no_more_is_decoded_than_the_hash_needs(size: tuple[int, int], reduced: tuple[int, int], form: str) -> None:
    assert gray(encoded(*size, form)).shape == reduced[::-1]


def test_an_image_looks_the_same_in_every_format_and_size() -> None:
    whole = int.from_bytes(look(encoded(1280, 720)).phash)
    for other in (encoded(1280, 720, ".png"), encoded(640, 360, ".webp"), encoded(96, 54), encoded(64, 64, ".png")):
        assert (whole ^ int.from_bytes(look(other).phash)).bit_count() <= 8
    assert (whole ^ int.from_bytes(look(encoded(1280, 720, seed=1)).phash)).bit_count() > 8
    assert look(encoded(1280, 720)) == look(encoded(1280, 720))


@pytest.mark.parametrize("data", [b"", b"no image", encoded(640, 360)[:2000]])
def test_what_is_no_image_is_said(data: bytes) -> None:
    with pytest.raises(InvalidImage):
        look(data)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[SqliteState]:
    with closing(SqliteState(tmp_path / "state.db")) as state:
        yield state


def met(source_id: str, *values: float | None, first: int = 0) -> list[Met]:
    return [Met(source_id, f"{source_id}-{first + n}", value) for n, value in enumerate(values)]


def test_each_source_is_judged_by_its_own_frames(state: SqliteState) -> None:
    gate = QualityGate("default", Quality(), state, TTL_S)
    assert not any(gate.are_poor([*met("door", *[100.0] * ENOUGH), *met("yard", *[1.0] * ENOUGH)]))
    asked = [*met("yard", 1.0, None, first=50), *met("door", 1.0, 90.0, first=50), *met("new", 0.0)]
    assert gate.are_poor(asked) == [False, False, True, False, False]
    assert QualityGate("default", Quality(), state, TTL_S).are_poor(asked) == [False, False, True, False, False]
    assert not any(QualityGate("other", Quality(), state, TTL_S).are_poor(asked))


def test_a_batch_that_is_handed_in_again_gets_its_answers_and_counts_once(state: SqliteState) -> None:
    gate = QualityGate("default", Quality(), state, TTL_S)
    batch = met("door", *[100.0] * ENOUGH, 1.0, 30.0, 24.0)
    answers = gate.are_poor(batch)
    stored = state.get(keys.sharpness_key("default", "door"))
    assert gate.are_poor(batch) == answers == [False] * ENOUGH + [True, False, True]
    assert state.get(keys.sharpness_key("default", "door")) == stored


def test_who_does_not_ask_asks_nobody(state: SqliteState) -> None:
    state.close()
    off = QualityGate("default", Quality(enabled=False), state, TTL_S)
    on = QualityGate("default", Quality(), state, TTL_S)
    assert off.are_poor(met("door", 1.0, 2.0)) == [False, False]
    assert on.are_poor(met("door", None)) == [False]
    assert on.are_poor([]) == []
    with pytest.raises(Unavailable):
        on.are_poor(met("door", 1.0))
