"""Track: one object followed through the frames of a source by its boxes. Plain slots: there is one per box and frame."""

from shared.streams.predictions import Detection

BORDER = 0.08
"""Of the frame's size: what is closer to the border may simply have left the picture."""


class Track:
    """Its last hit and how it came there. `number` counts a source's tracks, `frame` the source's frames."""

    __slots__ = (
        "area",
        "began_inside",
        "bottom",
        "class_name",
        "confidence",
        "frame",
        "hits",
        "left",
        "number",
        "right",
        "top",
        "tracker_id",
    )

    def __init__(self, number: int, frame: int, seen: Detection, width_px: int, height_px: int) -> None:
        self.number = number
        self.hits = 0
        self.hit(frame, seen)
        self.began_inside = self.inside(width_px, height_px)

    def hit(self, frame: int, seen: Detection) -> None:
        """This frame shows it, here."""
        self.left, self.top, self.right, self.bottom = left, top, right, bottom = seen.box
        self.area = (right - left) * (bottom - top)
        self.class_name = seen.class_name
        self.confidence = seen.confidence
        self.tracker_id = seen.tracker_id
        self.hits += 1
        self.frame = frame

    def inside(self, width_px: int, height_px: int) -> bool:
        """Whether its last box keeps away from the border."""
        x, y = BORDER * width_px, BORDER * height_px
        return self.left >= x and self.top >= y and self.right <= width_px - x and self.bottom <= height_px - y
