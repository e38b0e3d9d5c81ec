"""Cost: labelling hours and their price. Pure."""

from services.feedback.report.content import Cost
from services.feedback.report.options import Labelling

HOUR_S = 3600


def cost(images: int, frames: int, labelling: Labelling) -> Cost:
    """Of `images` that people look at; `frames`: what there was to choose from."""
    hours = images * labelling.seconds_per_image / HOUR_S
    return Cost(
        images=images,
        seconds_per_image=labelling.seconds_per_image,
        hours=hours,
        price=hours * labelling.price_per_hour,
        currency=labelling.currency,
        hours_of_all=frames * labelling.seconds_per_image / HOUR_S,
    )
