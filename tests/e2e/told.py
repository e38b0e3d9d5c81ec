"""A program that predicts itself: frames, and what it says to have seen in them. So a test knows what every strategy sees."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.streams import FRAMES
from shared.streams.frames import Frame, new_frame
from shared.streams.predictions import Detection, Prediction, new_prediction, prediction_id
from tests.e2e.world import World
from tests.unit.services.sampler.making import jpeg

MODEL = {"model_id": "theirs", "model_version": "1", "threshold": 0.5}
WIDTH_PX, HEIGHT_PX = 64, 48
BOX = (16.0, 12.0, 40.0, 32.0)
"""Well inside the picture: an object that goes from here has not simply left it."""


@dataclass(frozen=True)
class Shown:
    """A frame: the picture of this seed, and how sure the model is of a package at `BOX`; None: it sees nothing."""

    seed: int
    confidence: float | None


@dataclass(frozen=True)
class Told:
    prediction_id: str
    prediction: Prediction


def tell(world: World, source_id: str, shown: Sequence[Shown], first: int = 0) -> list[Told]:
    """Publishes the frames and then their predictions, in order. `first`: the number of the first frame."""
    records = world.send(
        *(
            new_frame(source_id, jpeg(one.seed), producer_frame_id=f"{source_id}-{number}", predicted_by="theirs")
            for number, one in enumerate(shown, first)
        )
    )
    made = [_prediction(FRAMES.decode(record), one) for record, one in zip(records, shown, strict=True)]
    sent = world.send(*map(new_prediction, made))
    return [Told(prediction_id(record, one), one) for record, one in zip(sent, made, strict=True)]


def _prediction(frame: Frame, shown: Shown) -> Prediction:
    sure = () if shown.confidence is None else (shown.confidence,)
    return Prediction(
        frame=frame.ref,
        source_id=frame.source_id,
        producer_frame_id=frame.producer_frame_id,
        content_type="image/jpeg",
        width_px=WIDTH_PX,
        height_px=HEIGHT_PX,
        detections=tuple(Detection(box=BOX, class_id=0, class_name="package", confidence=one) for one in sure),
        **MODEL,
    )
