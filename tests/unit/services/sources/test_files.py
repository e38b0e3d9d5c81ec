import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from services.sources.files import expected, in_turns, open_sources
from services.sources.loop import in_rounds
from services.sources.picture import Picture, Unreadable
from shared import imaging
from shared.errors import SettingsError
from shared.streams.frames import MAX_FRAME_BYTES

Make = Callable[..., Path]


def pictures(*paths: Path, source_id: str | None = None, fps: float | None = None) -> list[Picture]:
    """Every picture of these paths; a file that gives none fails the test."""
    found = list(in_turns(open_sources(paths, source_id, fps)))
    assert all(isinstance(picture, Picture) for picture in found), found
    return [picture for picture in found if isinstance(picture, Picture)]


def test_a_folder_is_one_source_in_natural_order(make_image: Make, tmp_path: Path) -> None:
    for number in (10, 2, 1):
        make_image(f"door/frame{number}.jpg", grey=number)
    found = pictures(tmp_path / "door")
    assert [picture.producer_frame_id for picture in found] == ["frame1.jpg", "frame2.jpg", "frame10.jpg"]
    assert [picture.frame_index for picture in found] == [0, 1, 2]
    assert {picture.source_id for picture in found} == {"door"}


@pytest.mark.parametrize(
    ("name", "content_type"), [("a.jpg", imaging.JPEG), ("a.png", imaging.PNG), ("a.webp", imaging.WEBP)]
)
def test_web_images_go_out_byte_for_byte(make_image: Make, name: str, content_type: str) -> None:
    path = make_image(name, grey=90)
    (picture,) = pictures(path)
    assert (picture.image, picture.content_type, picture.source_id) == (path.read_bytes(), content_type, "a")
    assert picture.captured_at is not None
    assert picture.captured_at.endswith("Z")


@pytest.mark.parametrize("name", ["a.bmp", "a.tiff", "A.TIF"])
def test_other_formats_become_jpeg(make_image: Make, name: str) -> None:
    (picture,) = pictures(make_image(name, grey=90))
    assert picture.content_type == imaging.JPEG
    assert abs(int(imaging.decode(picture.image).mean()) - 90) <= 2


def test_the_content_decides_and_not_the_name(make_image: Make, tmp_path: Path) -> None:
    png = make_image("a.png")
    unnamed = tmp_path / "snapshot"
    unnamed.write_bytes(png.read_bytes())
    assert pictures(unnamed)[0].content_type == imaging.PNG


def test_garbage_goes_out_as_it_is_and_bad_bitmaps_are_told(make_image: Make, tmp_path: Path) -> None:
    make_image("door/1.jpg")
    (tmp_path / "door/2.jpg").write_bytes(b"no image")
    (tmp_path / "door/3.bmp").write_bytes(b"no bitmap")
    found = list(in_turns(open_sources([tmp_path / "door"])))
    assert [type(picture) for picture in found] == [Picture, Picture, Unreadable]
    assert isinstance(found[1], Picture)
    assert (found[1].image, found[1].content_type) == (b"no image", None)
    assert isinstance(found[2], Unreadable)
    assert "3.bmp: expected a .bmp image" in found[2].why


def test_a_photo_that_is_too_large_is_made_to_fit(tmp_path: Path) -> None:
    noise = np.random.default_rng(7).integers(0, 255, (1600, 2400, 3), dtype=np.uint8)
    photo = tmp_path / "photo.jpg"
    cv2.imwrite(str(photo), noise, [cv2.IMWRITE_JPEG_QUALITY, 98])
    assert photo.stat().st_size > MAX_FRAME_BYTES
    (picture,) = pictures(photo)
    assert picture.refitted
    assert len(picture.image) <= MAX_FRAME_BYTES
    width_px, height_px = imaging.dimensions(picture.image)
    assert width_px / height_px == pytest.approx(1.5, rel=0.01)


def test_an_image_that_is_too_large_and_broken_is_told(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff" + b"\0" * (MAX_FRAME_BYTES + 1))
    (found,) = in_turns(open_sources([tmp_path / "broken.jpg"]))
    assert isinstance(found, Unreadable)


def test_a_video_is_a_source_with_every_frame(make_video: Make) -> None:
    found = pictures(make_video("door.avi", frames=60, fps=30))
    assert [picture.frame_index for picture in found] == list(range(60))
    assert found[7].producer_frame_id == "door.avi#7"
    assert {picture.source_id for picture in found} == {"door"}
    greys = [imaging.decode(picture.image).mean() for picture in found]
    assert all(abs(grey - 2 * number) <= 4 for number, grey in enumerate(greys)), "decoded in order, frame by frame"


def test_capture_times_of_a_video_are_its_frame_rate_apart(make_video: Make) -> None:
    video = make_video("door.avi", frames=60, fps=30)
    os.utime(video, (1_700_000_000, 1_700_000_000))
    found = pictures(video)
    assert found[0].captured_at == "2023-11-14T22:13:18.000Z"
    assert found[45].captured_at == "2023-11-14T22:13:19.500Z"


def test_thinning_keeps_ids_and_says_how_many_to_expect(make_video: Make) -> None:
    video = make_video(frames=60, fps=30)
    every = {picture.producer_frame_id: picture.image for picture in pictures(video)}
    thinned = pictures(video, fps=10)
    assert [picture.frame_index for picture in thinned] == list(range(0, 60, 3))
    assert all(every[picture.producer_frame_id] == picture.image for picture in thinned)
    assert expected(open_sources([video], fps=10)) == 20
    assert len(pictures(video, fps=100)) == 60


def test_several_sources_take_turns_under_distinct_names(make_image: Make, make_video: Make, tmp_path: Path) -> None:
    for number in range(3):
        make_image(f"one/door/{number}.jpg", grey=number)
        make_image(f"two/door/{number}.jpg", grey=number)
    sources = open_sources([tmp_path / "one/door", tmp_path / "two/door", make_video("door.avi", frames=2)])
    found = [picture for picture in in_turns(sources) if isinstance(picture, Picture)]
    assert [picture.source_id for picture in found[:4]] == ["door", "door-2", "door-3", "door"]
    assert (len(found), expected(sources)) == (8, 8)


def test_images_named_one_by_one_are_the_folder_they_lie_in(make_image: Make, tmp_path: Path) -> None:
    files = [make_image(f"door/{number}.jpg", grey=number) for number in (10, 9)]
    assert pictures(*files) == pictures(tmp_path / "door")


def test_publishing_again_gives_the_same_pictures(make_image: Make, make_video: Make) -> None:
    paths = [make_image("a.jpg"), make_video()]
    assert pictures(*paths) == pictures(*paths)


def test_rounds_are_new_frames_that_are_the_same_each_time(make_image: Make, tmp_path: Path) -> None:
    for number in range(2):
        make_image(f"door/{number}.jpg", grey=number)
    rounds = [p for p in in_rounds(open_sources([tmp_path / "door"]), 3) if isinstance(p, Picture)]
    assert [picture.frame_index for picture in rounds] == list(range(6))
    assert len({picture.producer_frame_id for picture in rounds}) == 6
    assert rounds[:2] == pictures(tmp_path / "door")


@pytest.mark.parametrize("source_id", ["door/../front", "カメラ 1", "x" * 10_000])
def test_the_source_id_can_be_any_text(make_image: Make, source_id: str) -> None:
    (picture,) = pictures(make_image("a.jpg"), source_id=source_id)
    assert picture.as_record().key == source_id.encode()


def test_a_file_name_that_is_no_utf8_is_published(make_image: Make, tmp_path: Path) -> None:
    odd = tmp_path / os.fsdecode(b"caf\xe9.jpg")
    os.rename(make_image("a.jpg"), odd)
    (picture,) = pictures(odd)
    assert picture.as_record().key == "caf\ufffd".encode()


def test_hidden_files_are_no_frames(make_image: Make, tmp_path: Path) -> None:
    make_image("door/1.jpg")
    (tmp_path / "door/._1.jpg").write_bytes(b"a resource fork")
    assert len(pictures(tmp_path / "door")) == 1


def test_bad_paths_are_refused_with_a_sentence(make_image: Make, tmp_path: Path) -> None:
    empty, nested = tmp_path / "empty", tmp_path / "nested"
    empty.mkdir()
    make_image("nested/door/1.jpg")
    garbage = tmp_path / "garbage.mp4"
    garbage.write_bytes(b"no video" * 100)
    text = tmp_path / "notes.txt"
    text.write_text("no video")
    for paths, said in (
        ([], "nothing to publish"),
        ([tmp_path / "nowhere"], "no such file or folder"),
        ([tmp_path / ("x" * 5_000)], "cannot be read"),
        ([empty], "no images or videos"),
        ([nested], "sub-folders, name those: door"),
        ([garbage], "cannot be read as a video"),
        ([text], "cannot be read as a video"),
    ):
        with pytest.raises(SettingsError, match=said):
            open_sources(paths)


def test_a_video_that_cannot_be_read_holds_up_no_other(make_video: Make, tmp_path: Path) -> None:
    (tmp_path / "bad.mp4").write_bytes(b"no video" * 100)
    sources = open_sources([tmp_path / "bad.mp4", make_video("door.avi", frames=3)])
    found = list(in_turns(sources))
    assert [picture.source_id for picture in found] == ["bad", "door", "door", "door"]
    (told,) = [picture for picture in found if isinstance(picture, Unreadable)]
    assert "bad.mp4 cannot be read as a video" in told.why
    assert expected(sources) == 3


def test_a_video_that_breaks_off_is_told_after_what_it_gave(make_video: Make) -> None:
    video = make_video(frames=40)
    os.truncate(video, video.stat().st_size // 2)
    *given, told = in_turns(open_sources([video]))
    assert 5 < len(given) < 36
    assert isinstance(told, Unreadable)
    assert f"clip.avi ends after {len(given)} of 40 frames" in told.why


def test_one_source_id_names_one_source(make_image: Make, make_video: Make) -> None:
    with pytest.raises(SettingsError, match="these paths are 2"):
        open_sources([make_image("a.jpg"), make_video()], source_id="door")


def test_a_camera_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^rtsp:… is a camera, expected files; `gleaner run`") as refused:
        open_sources([Path("rtsp://viewer:c4nary@192.0.2.1/stream")])
    assert "c4nary" not in str(refused.value)
