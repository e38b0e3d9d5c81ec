"""Neighbours and resized images for the uploader's tests."""

from typing import TypeVar

from shared.streams.predictions import Prediction
from shared.streams.samples import Design, Neighbour, Revision
from tests.hosts.samples import design, prediction

S = TypeVar("S", Design, Revision, Neighbour)


def neighbour(
    number: int = 0,
    beside: int = 1,
    destinations: tuple[str, ...] = ("dataset",),
    missing: str | None = None,
    seen: Prediction | None = None,
    tags: tuple[str, ...] = (),
) -> Neighbour:
    """Frame `number`, kept beside the design of frame `beside`."""
    seen = seen or prediction(number)
    drawn: Design = design(destinations=destinations, missing=missing, seen=seen)
    return Neighbour(
        sample_id=drawn.sample_id,
        collection=drawn.collection,
        prediction_id=drawn.prediction_id,
        prediction=seen,
        destinations=destinations,
        image=drawn.image,
        missing=missing,
        settings_version="test",
        tags=tags,
        of=design(beside).sample_id,
        after_ms=(number - beside) * 200,
    )


def resized(sample: S, width_px: int, height_px: int) -> S:
    """The same, with an image that was stored in another size."""
    assert sample.image is not None
    size = {"width_px": width_px, "height_px": height_px, "altered": ("scaled",)}
    return sample.model_copy(update={"image": sample.image.model_copy(update=size)})
