"""Held: images of predictions that somebody was shown, kept aside until silence, or an objection, says what becomes of them.

Promises: what is kept aside went through the veil (privacy, size) like any sample's image; holding twice writes the same. An
image goes by itself, by log time, never before its deadline and the grace are over; until then a verdict finds it.
"""

from itertools import takewhile
from typing import NamedTuple

from services.sampler.keeping import Pixels
from services.sampler.privacy.veil import Veiled
from shared import imaging
from shared.errors import InvalidImage
from shared.ports.images import Images
from shared.ports.state import State
from shared.streams import keys
from shared.streams.samples import BufferedImage
from shared.streams.stream import DAY_S, HOUR_S
from shared.streams.verdicts import Verdict
from shared.telemetry import logs

LONGEST_S = 366 * DAY_S
"""Whatever an exposure says: nothing is kept aside for longer."""


class Wait(NamedTuple):
    """From an exposure to its deadline, in log time."""

    since_ms: int
    objection_s: int

    @property
    def deadline_ms(self) -> int:
        return self.since_ms + min(self.objection_s, LONGEST_S) * 1000

    @property
    def life_s(self) -> int:
        """Of the mark in the state store: longer than that of the image."""
        return min(self.objection_s, LONGEST_S) + keys.HELD_GRACE_S + 2 * DAY_S


class HeldImages:
    """Those of all collections. Used by one thread."""

    def __init__(self, images: Images, state: State) -> None:
        self._images = images
        self._state = state
        self._swept_hour = 0

    def has(self, collection: str, sample_id: str) -> bool:
        """Is one held already? The first exposure counts."""
        return self._state.get(keys.held_key(collection, sample_id)) is not None

    def put(self, collection: str, sample_id: str, as_sample: BufferedImage, data: bytes, wait: Wait) -> None:
        """Image, then description, then the mark that it is there. `as_sample`: how it would lie as a sample's."""
        at = keys.held_image(as_sample, collection, sample_id, wait.deadline_ms)
        described = at.model_dump_json().encode()
        self._images.put(at.key, data, at.content_type)
        self._images.put(at.sidecar_key, described, "application/json")
        self._state.put(keys.held_key(collection, sample_id), described, wait.life_s)

    def pixels(self, collection: str, sample_id: str, verdict: Verdict, preview_px: int) -> Pixels | None:
        """What is held of the prediction that is judged, as if it had just been read; None when nothing is."""
        at = self._find(collection, sample_id, verdict)
        data = None if at is None else self._images.get(at.key)
        if at is None or data is None:
            return None
        try:
            veiled = Veiled(data, at.content_type, imaging.decode(data), at.altered)
        except InvalidImage as error:
            logs.get(service="sampler").warning("held.unreadable", key=at.key, why=str(error))
            return None
        return Pixels(veiled, imaging.preview(veiled.pixels, preview_px))

    def sweep(self, now_ms: int) -> None:
        """Once in an hour of log time: what may go goes. Whoever comes second finds nothing left to do."""
        hour, today = now_ms // (HOUR_S * 1000), keys.day_of(now_ms)
        if hour <= self._swept_hour:
            return
        over = takewhile(lambda info: keys.held_until(info.key) < today, self._images.list(keys.HELD))
        for info in list(over):
            self._images.delete(info.key)
        self._swept_hour = hour

    def _find(self, collection: str, sample_id: str, verdict: Verdict) -> BufferedImage | None:
        """The state store knows; should it have forgotten, an affirmation knows the deadline, and so the place."""
        described = self._state.get(keys.held_key(collection, sample_id))
        if described is None and verdict.silence is not None:
            described = self._images.get(keys.held_sidecar(collection, sample_id, verdict.silence.deadline_ms))
        return None if described is None else BufferedImage.model_validate_json(described)
