"""The clip as files: a folder per camera, names in the frames' order."""

from pathlib import Path

from deploy.demo.clip import clip
from deploy.demo.frames import write_frames


def test_each_camera_has_a_folder_with_its_frames_in_order(tmp_path: Path) -> None:
    written = write_frames(tmp_path, frames=6)
    assert [path.read_bytes() for path in written] == [frame.jpeg for frame in clip(6)]
    assert sorted(path.name for path in (tmp_path / "front-door").iterdir()) == ["0000.jpg", "0002.jpg", "0004.jpg"]
    assert sorted(path.name for path in (tmp_path / "back-door").iterdir()) == ["0001.jpg", "0003.jpg", "0005.jpg"]
