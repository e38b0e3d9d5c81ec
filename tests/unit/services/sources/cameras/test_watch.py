import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.sources.cameras.watch import Silence, Stillness, look_of
from shared import imaging

SCENE = np.random.default_rng(7).integers(0, 255, (360, 640, 3)).astype(np.uint8)


def compressed(pixels: imaging.Image, quality: int) -> imaging.Image:
    return imaging.decode(imaging.encode_jpeg(pixels, quality))


def test_frozen_is_told_once_for_each_episode() -> None:
    still = Stillness(frozen_s=10.0)
    for second in range(30):
        still.saw(b"same", float(second))
        assert still.frozen == (second >= 10)
    still.saw(b"other", 30.0)
    assert (still.frozen, still.episodes) == (False, 1)
    for second in range(31, 60):
        still.saw(b"same", float(second))
    assert (still.frozen, still.episodes) == (True, 2)


@given(st.lists(st.integers(60, 95), min_size=3, max_size=6))
def test_what_an_encoder_does_is_no_change(qualities: list[int]) -> None:
    still = Stillness(frozen_s=2.0)
    for second, quality in enumerate([*qualities, 70, 90]):
        still.saw(look_of(compressed(SCENE, quality)), float(second))
    assert still.frozen


def test_a_clock_in_the_picture_is_a_change() -> None:
    still = Stillness(frozen_s=2.0)
    for second in range(5):
        ticking = SCENE.copy()
        ticking[20:44, 20 + 16 * second : 32 + 16 * second] = 255
        still.saw(look_of(ticking), float(second))
        assert not still.frozen


def test_what_changes_slowly_is_not_frozen() -> None:
    still = Stillness(frozen_s=20.0)
    for second in range(60):
        still.saw(look_of(np.full((36, 64, 3), second, np.uint8)), float(second))
        assert not still.frozen


def test_silence() -> None:
    silence = Silence(silent_s=5.0, last_s=100.0)
    assert not silence.too_long(104.9)
    silence.saw(104.0)
    assert not silence.too_long(108.9)
    assert silence.too_long(109.0)
