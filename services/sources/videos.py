"""Video files as pictures: every frame, or thinned to a frame rate, as JPEG.

Promises: a picture's id and index come from the frame's number in the file, so that thinning changes neither. Frames that are
thinned out are not decoded to pixels. A file that OpenCV cannot read is refused before anything is published.
"""

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# FFmpeg's own complaints would stand beside ours; it reads this when OpenCV is loaded or a file is opened.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

import cv2
import cv2.utils.logging
import numpy as np

from services.sources.images import QUALITY, fit
from services.sources.naming import readable
from services.sources.picture import Picture, Unreadable, rfc3339
from shared import imaging
from shared.errors import SettingsError
from shared.streams.frames import MAX_FRAME_BYTES

VIDEO_SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".ts", ".mts", ".wmv", ".flv", ".ogv", ".3gp"}
)


_NEARLY_ALL = 0.9
"""What a file says of its length is often a little wrong."""


@dataclass(frozen=True, slots=True)
class VideoFile:
    """A source made of one video. `native_fps` and `frames` are what the file says of itself; None: it does not say."""

    source_id: str
    file: Path
    fps: float | None
    native_fps: float | None
    frames: int | None

    @property
    def expected(self) -> int | None:
        if self.frames is None:
            return None
        return sum(1 for number in range(self.frames) if self._wanted(number)) if self._thins else self.frames

    def pictures(self) -> Iterator[Picture | Unreadable]:
        began_s = self.file.stat().st_mtime - self._duration_s
        with _opened(self.file) as video:
            number = 0
            while video.grab():
                if self._wanted(number):
                    ok, pixels = video.retrieve()
                    if ok:
                        yield self._picture(np.asarray(pixels, np.uint8), number, began_s)
                number += 1
        if self.frames is not None and number < self.frames * _NEARLY_ALL:
            name = readable(str(self.file))
            why = f"{name} ends after {number:,} of {self.frames:,} frames: it is damaged or cut off; the rest is not published"
            yield Unreadable(self.source_id, why)

    def _picture(self, pixels: imaging.Image, number: int, began_s: float) -> Picture:
        image = imaging.encode_jpeg(pixels, QUALITY)
        refitted = len(image) > MAX_FRAME_BYTES
        return Picture(
            source_id=self.source_id,
            image=fit(pixels) if refitted else image,
            frame_index=number,
            producer_frame_id=f"{readable(self.file.name)}#{number}",
            captured_at=rfc3339(began_s + number / self.native_fps) if self.native_fps else None,
            content_type=imaging.JPEG,
            refitted=refitted,
        )

    @property
    def _thins(self) -> bool:
        return self.fps is not None and self.native_fps is not None and self.fps < self.native_fps

    @property
    def _duration_s(self) -> float:
        """A camera's file was last changed when its last frame was written."""
        return self.frames / self.native_fps if self.frames and self.native_fps else 0.0

    def _wanted(self, number: int) -> bool:
        """Of each 1/fps second of the video, its first frame."""
        if self.fps is None or self.native_fps is None or not self._thins:
            return True
        share = self.fps / self.native_fps
        return number == 0 or math.floor(number * share) > math.floor((number - 1) * share)


def open_video(source_id: str, file: Path, fps: float | None) -> VideoFile:
    """Raises SettingsError for a file that gives no frame."""
    with _opened(file) as video:
        native_fps = _positive(video.get(cv2.CAP_PROP_FPS))
        frames = _positive(video.get(cv2.CAP_PROP_FRAME_COUNT))
        if not video.grab():
            raise SettingsError(f"{readable(str(file))} opens as a video but gives no frame: it is empty or cut off")
    return VideoFile(source_id, file, fps, native_fps, None if frames is None else int(frames))


def _positive(value: float) -> float | None:
    return value if math.isfinite(value) and 0 < value < 1e9 else None


def _refuse_unreadable(file: Path) -> None:
    """OpenCV says of a file without permission what it says of one that is no video."""
    try:
        file.open("rb").close()
    except OSError as error:
        raise SettingsError(f"{readable(str(file))} cannot be read: {error.strerror}") from error


# OpenCV's too: it may have been loaded before, and reads its own variable only then.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)


@contextmanager
def _opened(file: Path) -> Iterator[cv2.VideoCapture]:
    _refuse_unreadable(file)
    # OpenCV takes some names for patterns or addresses; an absolute path is always a file. Its other readers, which come
    # after FFmpeg, print raw bytes of a broken file.
    video = cv2.VideoCapture(str(file.absolute()), cv2.CAP_FFMPEG)
    try:
        if not video.isOpened():
            raise SettingsError(
                f"{readable(str(file))} cannot be read as a video: expected a file such as MP4, AVI or MKV"
            )
        yield video
    finally:
        video.release()
