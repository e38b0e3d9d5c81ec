"""What cameras come to together: pure arithmetic, and the sentences made of it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cli.cameras.inference import Inference, sentence
from services.cli.cameras.load import duration, hints, load_of, rate_below, together
from services.sources.cameras.probe import Probed
from shared.streams.frames import FRAMES

CAMERA = Probed(
    source_id="door",
    address="rtsp://door.example/live",
    wanted_fps=2.0,
    codec="h264",
    width_px=1920,
    height_px=1080,
    native_fps=25.0,
    keyframe_every_s=0.5,
    looked_s=6.0,
    pictures=12,
    picture=b"",
    bytes_per_picture=100_000.0,
    cores=0.1,
)
DEAD = Probed("yard", "rtsp://yard.example/", 1.0, fault="no_answer", why="rtsp://yard.example/ did not answer")


def test_the_load_is_that_of_the_cameras_that_answer() -> None:
    load = load_of([CAMERA, replace(CAMERA, source_id="gate"), DEAD], machine_cores=4, partitions=2)
    assert load.frames_per_s == 4
    assert load.bytes_per_s == 400_000
    assert load.bytes_per_hour == pytest.approx(1.44e9)
    assert load.reading_cores == pytest.approx(0.2)
    assert load.kept_s == FRAMES.retention_s, "8 GiB would hold twelve hours"


def test_a_camera_publishes_no_more_than_it_sends() -> None:
    assert replace(CAMERA, native_fps=0.5).fps == 0.5
    assert replace(CAMERA, native_fps=None).fps == 2
    assert replace(CAMERA, decode="keyframes", keyframe_every_s=4.0).fps == 0.25
    assert load_of([DEAD], 4, 1).frames_per_s == 0


def test_size_ends_retention_before_age_does() -> None:
    assert FRAMES.retention_bytes is not None
    many = [replace(CAMERA, source_id=f"cam-{number}", wanted_fps=10.0) for number in range(40)]
    alone = load_of(many, 4, partitions=1)
    assert alone.kept_s == pytest.approx(FRAMES.retention_bytes / 40e6)
    assert "which keeps about the last 4 min (1 partition)" in together(alone)
    assert load_of(many, 4, partitions=12).kept_s == pytest.approx(12 * FRAMES.retention_bytes / 40e6)
    few = [replace(CAMERA, wanted_fps=25.0), CAMERA]
    assert load_of(few, 4, partitions=12).kept_s == pytest.approx(FRAMES.retention_bytes / 2.5e6), (
        "one camera, one partition"
    )


def test_together_is_one_sentence() -> None:
    assert together(load_of([CAMERA], 4, 1)) == (
        "together 2 frames/s; 0.1 of this machine's 4 cores to read them; 0.2 MB/s, 0.72 GB an hour into frames, "
        "which keeps about the last 6 h (1 partition)"
    )


def test_rare_key_frames_are_told_with_what_to_set() -> None:
    rare = replace(CAMERA, keyframe_every_s=4.0, cores=0.23)
    assert hints([rare], load_of([rare], 4, 1)) == [
        (
            "door: every picture is decoded (23 % of a core), since key frames are 4 s apart: set its I-frame interval "
            "to 0.5 s in the camera, or `fps: 0.25` here"
        )
    ]


def test_key_frames_that_could_not_be_timed_are_told_too() -> None:
    (said,) = hints([rare := replace(CAMERA, keyframe_every_s=None)], load_of([rare], 4, 1))
    assert "are too far apart to be timed in 6 s: set its I-frame interval to 0.5 s in the camera" in said


def test_key_frames_that_are_too_few_are_told() -> None:
    few = replace(CAMERA, keyframe_every_s=4.0, decode="keyframes")
    assert hints([few], load_of([few], 4, 1)) == [
        (
            "door: its key frames give 0.25 frames/s of the 2 wanted: set its I-frame interval to 0.5 s in the camera, "
            "or `decode: auto` here"
        )
    ]


@pytest.mark.parametrize(
    "camera",
    [
        CAMERA,
        DEAD,
        replace(CAMERA, codec="mjpeg", keyframe_every_s=None),
        replace(CAMERA, keyframe_every_s=4.0, decode="all"),
        replace(CAMERA, decode="keyframes"),
        replace(CAMERA, keyframe_every_s=4.0, cores=0.001),
        replace(CAMERA, keyframe_every_s=4.0, cores=None),
    ],
    ids=["often enough", "dead", "images", "as was asked", "key frames alone", "costs nothing", "cost unknown"],
)
def test_no_hint_where_there_is_nothing_to_gain(camera: Probed) -> None:
    assert hints([camera], load_of([camera], 4, 1)) == []


def test_more_than_the_machine_has_is_said_first() -> None:
    greedy = [
        replace(CAMERA, source_id=name, cores=cores, keyframe_every_s=4.0) for name, cores in (("a", 0.9), ("b", 1.2))
    ]
    said = hints(greedy, load_of(greedy, 2, 1))
    assert said[0].startswith("reading needs 2.1 cores and there are 2: lower fps")
    assert [sentence.split(":")[0] for sentence in said[1:]] == ["b", "a"], "the costly first"


def test_durations_in_words() -> None:
    assert [duration(seconds) for seconds in (21_600, 5_400, 3_599, 61, 59)] == [
        "6 h",
        "1.5 h",
        "60 min",
        "1 min",
        "59 s",
    ]


@given(st.floats(0.02, 200))
def test_a_rate_to_propose_is_never_above(rate: float) -> None:
    assert rate / 3 < rate_below(rate) <= rate * 1.001 or rate_below(rate) == 30


def test_what_inference_manages_is_a_sentence() -> None:
    forty = [replace(CAMERA, source_id=f"cam-{number}", wanted_fps=1.0) for number in range(40)]
    tight = Inference("packages", frames_per_s=24.0, beside_reading=22.0, wanted=40.0)
    assert not tight.fits
    assert sentence(tight, forty) == (
        "packages: 40 frames/s wanted, about 22 fit: lower fps to 0.5, take a smaller model, or run inference on more machines"
    )
    assert sentence(replace(tight, beside_reading=90.0), forty) == (
        "packages: 40 frames/s wanted, about 90 fit on this machine"
    )
    assert sentence(replace(tight, beside_reading=44.4), forty) == (
        "packages: 40 frames/s wanted, about 44 fit on this machine, with little to spare for the other services"
    )
