"""How one simulated camera is made. All of it stays as it is while the camera lives; what changes is its fault."""

from dataclasses import dataclass
from typing import Literal

from tests.cameras.picture import Scene, plain

Kind = Literal["mjpeg", "snapshot", "hls", "rtsp-h264", "rtsp-jpeg"]


@dataclass(frozen=True, slots=True)
class Spec:
    """A camera. `gop` and what follows it are for video; `boundary` and `content_length` for MJPEG."""

    name: str
    kind: Kind = "mjpeg"
    fps: float = 10.0
    width_px: int = 160
    height_px: int = 120
    quality: int = 85
    scene: Scene = plain
    user: str | None = None
    password: str = ""
    auth: Literal["basic", "digest"] = "basic"
    port: int = 0
    boundary: str = "picture"
    """As the header says it. Many cameras write the leading `--` there too, and do not write it twice between parts."""
    content_length: bool = True
    gop: int = 10
    """Pictures from one key frame to the next."""
    wraps: int = 1000
    """Video begins again after so many pictures, numbers too (rounded down to whole GOPs); HLS never does."""
    segment_s: float = 0.5
    """HLS."""

    def __post_init__(self) -> None:
        if self.width_px % 16 or self.height_px % 8:
            raise ValueError(
                f"{self.name}: {self.width_px}x{self.height_px}: RTP/JPEG counts in blocks of 16 x 8 pixels"
            )

    @property
    def gop_length(self) -> int:
        """Of pictures that need each other; 1 where each stands for itself."""
        return self.gop if self.kind == "rtsp-h264" else 1

    @property
    def gops(self) -> int:
        """How many there are before they begin again."""
        return max(1, self.wraps // self.gop)
