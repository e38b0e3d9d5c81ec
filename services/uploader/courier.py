"""One attempt at one delivery: ask where we must, read the image, deliver or update. Runs in a thread of its destination.

Promises: pure of the outbox; returns what came of it, or lets Refused, Blocked, NotNow (the host) and Unavailable (the
image buffer) through. An image of which an earlier attempt is unknown is asked for before it is sent.
"""

from dataclasses import dataclass

from services.uploader.annotations import Annotation
from services.uploader.destinations import Delivered, Delivery, Destination
from services.uploader.outbox import Pair
from shared.ports.images import Images
from shared.streams.samples import Sample
from shared.streams.uploads import Outcome

MAYBE_TWICE = "sent again after an attempt without an answer; this host cannot be asked and may have it twice"


@dataclass(frozen=True, slots=True)
class Errand:
    """Everything an attempt needs. `host_id`: the host has the image already, as an earlier receipt says."""

    pair: Pair
    sample: Sample
    annotation: Annotation
    host_id: str | None


@dataclass(frozen=True, slots=True)
class End:
    """What came of a delivery, to become a receipt. `outcome=None`: there was nothing to deliver, no receipt."""

    outcome: Outcome | None
    host_id: str | None = None
    detail: str | None = None


def run_errand(errand: Errand, destination: Destination, images: Images) -> End:
    host_id = errand.host_id or _asked(errand, destination)
    if host_id is not None:
        return _refresh(errand, destination, host_id)
    if errand.sample.image is None:
        return End(None)
    image = images.get(errand.sample.image.key)
    if image is None:
        return End("dead_lettered", detail=f"the image {errand.sample.image.key} is no longer in the image buffer")
    delivered = destination.deliver(Delivery(errand.sample, errand.annotation, image))
    return _end(errand, destination, delivered)


def _asked(errand: Errand, destination: Destination) -> str | None:
    if errand.pair.uncertain and destination.can_be_asked:
        return destination.ask(errand.pair.sample_id)
    return None


def _refresh(errand: Errand, destination: Destination, host_id: str) -> End:
    """The image is there. Its annotation is brought up to date, also for a design that arrives after its revision."""
    if not destination.can_update:
        detail = "this host cannot update an annotation" if errand.pair.revision else None
        return End("already_there", host_id, detail)
    updated = destination.update(Delivery(errand.sample, errand.annotation), host_id)
    outcome: Outcome = "updated" if errand.pair.revision else "already_there"
    return End(outcome, host_id, updated.detail)


def _end(errand: Errand, destination: Destination, delivered: Delivered) -> End:
    blind = not (destination.can_be_asked or destination.deduplicates)
    if blind and errand.pair.uncertain:
        return End("uncertain", delivered.host_id, MAYBE_TWICE)
    return End(delivered.outcome, delivered.host_id, delivered.detail)
