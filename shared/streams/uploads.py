"""`uploads`: receipts. Each end of a (sample, destination, revision) is a record.

Promises: on the sample's partition number, keyed by sample id + destination + revision, compacted: the last one counts.
"""

from typing import Literal

from pydantic import Field

from shared.streams.record import NewRecord
from shared.streams.stream import Message, Stream, json_decoder

Outcome = Literal["accepted", "already_there", "updated", "uncertain", "evicted", "dead_lettered", "withdrawn"]
ACKNOWLEDGED: frozenset[str] = frozenset({"accepted", "already_there", "updated"})


class Receipt(Message):
    """What came of a delivery."""

    sample_id: str = Field(min_length=1)
    destination: str = Field(min_length=1)
    revision: str = Field(default="", description="the verdict's id; empty for the design")
    outcome: Outcome
    host_id: str | None = Field(default=None, description="the destination's own id of the image")
    detail: str | None = Field(default=None, max_length=2000, description="what the host said, where that matters")
    attempts: int = Field(default=1, ge=0)
    delivered_at: str = Field(description="RFC 3339, by the uploader's clock")

    @property
    def acknowledged(self) -> bool:
        return self.outcome in ACKNOWLEDGED


def new_receipt(receipt: Receipt, partition: int) -> NewRecord:
    key = f"{receipt.sample_id}/{receipt.destination}/{receipt.revision}"
    return NewRecord(UPLOADS.name, key.encode(), receipt.to_bytes(), partition)


UPLOADS = Stream(
    name="uploads",
    about="what came of each delivery",
    key="sample id / destination / revision",
    written_by=("uploader",),
    read_by=("uploader", "feedback"),
    decode=json_decoder(Receipt),
    compacted=True,
)
