"""`samples`: designs (what was decided when a frame was drawn), revisions (what a verdict does to its annotation), neighbours.

Promises: on the frame's partition number, keyed by the sample id. A design never changes and of several with one id the
first in the log counts; a drawn frame that could not be kept is here too, without an image but with its probability.
Neighbours are what was asked to be kept around a kept frame: nobody drew them, and they never enter the estimators.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from shared.errors import InvalidMessage
from shared.streams.predictions import Prediction, Probability
from shared.streams.record import NewRecord, Record
from shared.streams.stream import Message, Stream, first_complaint
from shared.streams.verdicts import Verdict


def _is_none(value: object) -> bool:
    return value is None


def _is_empty(value: dict[str, float]) -> bool:
    return not value


Effect = Literal["verify", "remove", "flag", "flag_incomplete", "replace", "affirm"]
"""What a verdict does to a pre-annotation: marks it verified, removes the box, keeps and flags it, flags the image, puts
what a person says in its place; marks it as affirmed by silence, which whatever a person says outranks."""


class Reason(BaseModel):
    """Why a sample was kept: the strategy, its score, and the rule in words."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    strategy: str
    rule: str = Field(description="for people: `a random check (1 in 500)`")
    score: float | None = Field(default=None, description="the confidence that the rule speaks of, where it is one")
    probability: Probability = Field(description="how likely this strategy was to draw this frame")


NOTHING_TO_HIDE = "nothing to hide"
"""In `altered`: the privacy step looked, and found nothing."""
_HIDDEN = ("black: ", "pixelate: ", "blur: ")


class BufferedImage(BaseModel):
    """Where a chosen image waits in the image buffer."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    key: str
    preview_key: str
    sidecar_key: str
    content_type: str
    sha256: str = Field(description="of the bytes in the buffer; the frame's own unless the image was altered")
    size: int
    width_px: int | None = Field(
        default=None, exclude_if=_is_none, description="where it is not the prediction's any more"
    )
    height_px: int | None = Field(default=None, exclude_if=_is_none)
    altered: tuple[str, ...] = Field(
        default=(),
        exclude_if=lambda altered: not altered,
        description="what was done to the frame: masked, blurred, scaled",
    )

    @property
    def is_veiled(self) -> bool:
        """Whether the privacy step saw it. What was only scaled, or encoded anew, shows all that the camera did."""
        return any(done == NOTHING_TO_HIDE or done.startswith(_HIDDEN) for done in self.altered)


class NearDuplicate(BaseModel):
    """The kept image that a drawn frame resembled. Informative strategies could not draw it then."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    distance: int = Field(ge=0, le=64, description="differing bits of 64")
    known: bool = Field(
        default=False,
        exclude_if=lambda known: not known,
        description="it is an image that was made known, not one kept lately",
    )


class _Sample(Message):
    """What designs and revisions share."""

    sample_id: str = Field(min_length=1)
    collection: str
    prediction_id: str
    prediction: Prediction
    destinations: tuple[str, ...]
    image: BufferedImage | None = None
    missing: str | None = Field(
        default=None, description="why there is no image: limit:NAME, expired, unreadable, no_space, withheld"
    )
    settings_version: str
    tags: tuple[str, ...] = Field(
        default=(), exclude_if=lambda tags: not tags, description="of the collection and of the strategies that drew it"
    )


class Design(_Sample):
    """What was decided when a frame was drawn."""

    kind: Literal["design"] = "design"
    reasons: tuple[Reason, ...] = Field(description="the strategies that drew it")
    probabilities: dict[str, Probability] = Field(description="of every strategy, whether it drew the frame or not")
    probability: Probability = Field(description="of their union: the inclusion probability")
    floor: tuple[str, ...] = Field(
        default=(), exclude_if=lambda floor: not floor, description="which of them are the floor: random, for estimates"
    )
    salt_fingerprint: str
    epoch_ms: int | None = Field(
        default=None, exclude_if=_is_none, description="start of the epoch whose plan gave the probabilities"
    )
    scores: dict[str, float] = Field(
        default_factory=dict, exclude_if=_is_empty, description="of the strategies with interest"
    )
    weights: dict[str, float] = Field(
        default_factory=dict, exclude_if=_is_empty, description="what the plan made of them"
    )
    gate: str | None = Field(
        default=None,
        exclude_if=_is_none,
        description="near_duplicate or quality: informative strategies could not draw it, their probability is 0",
    )
    near_duplicate: NearDuplicate | None = Field(default=None, exclude_if=_is_none)
    phash: str | None = Field(default=None, exclude_if=_is_none, description="of the frame's image, 16 hex digits")
    signature: str | None = Field(default=None, exclude_if=_is_none, description="of the prediction, 8 hex digits")

    @property
    def revision(self) -> str:
        return ""


class Revision(_Sample):
    """A verdict, and what it does to the annotation."""

    kind: Literal["revision"] = "revision"
    verdict: Verdict
    effect: Effect
    outcome_dependent: Literal[True] = Field(default=True, description="never enters the estimators")

    @property
    def revision(self) -> str:
        """The verdict's id is also the revision's."""
        return self.verdict.verdict_id


class Neighbour(_Sample):
    """A frame shortly before or after a kept one, kept because it was asked for (`context`)."""

    kind: Literal["neighbour"] = "neighbour"
    of: str = Field(description="the sample beside which it was kept")
    after_ms: int = Field(description="log time after that sample's frame, milliseconds; negative: before")

    @property
    def revision(self) -> str:
        return ""


Sample = Design | Revision | Neighbour
_ADAPTER: TypeAdapter[Sample] = TypeAdapter(Annotated[Sample, Field(discriminator="kind")])


def decode(record: Record) -> Sample:
    try:
        return _ADAPTER.validate_json(record.value or b"")
    except ValidationError as error:
        raise InvalidMessage(f"no sample at {record.where}: {first_complaint(error)}") from error


def new_sample(sample: Sample) -> NewRecord:
    return NewRecord(SAMPLES.name, sample.sample_id.encode(), sample.to_bytes(), sample.prediction.frame.partition)


SAMPLES = Stream(
    name="samples",
    about="the chosen frames: why each was chosen, how likely that was, where its image waits",
    key="sample id",
    written_by=("sampler",),
    read_by=("uploader", "feedback"),
    decode=decode,
)
