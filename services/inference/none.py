"""`model: none`: every frame gets an empty prediction, so that random collection can begin before anything is trained.

Promises: no pixel is decoded; the header says the size, and what has none is refused as any corrupt image is.
"""

from concurrent.futures import Future
from typing import Literal

import numpy as np

from services.inference.batching import Seen
from shared.errors import InvalidImage
from shared.imaging import dimensions, sniff
from shared.models.config import ModelConfig
from shared.models.families.family import Findings

NOTHING = Findings(np.empty(0, np.intp), np.empty(0, np.float32), np.empty((0, 4), np.float32))


class NoModel:
    """Stands where a model would: a version that never changes, ready at once, seeing nothing in any image."""

    id = version = "none"
    task: Literal["detect", "classify"] = "detect"
    config = ModelConfig(id="none")
    why = ""

    @property
    def model(self) -> "NoModel":
        return self

    @property
    def lanes(self) -> "NoModel":
        return self

    def current(self) -> "NoModel":
        return self

    def name_of(self, class_id: int) -> str:
        raise AssertionError(f"nothing was seen, and no class {class_id}")

    def submit(self, image: bytes, future: "Future[Seen] | None" = None) -> "Future[Seen]":
        done: Future[Seen] = future or Future()
        if not done.set_running_or_notify_cancel():
            return done
        try:
            width_px, height_px = dimensions(image)
        except InvalidImage as refusal:
            done.set_exception(refusal)
        else:
            done.set_result(Seen(width_px, height_px, sniff(image), NOTHING, {}))
        return done

    def close(self) -> None:
        """Holds nothing."""
