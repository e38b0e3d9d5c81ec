"""`samples`: designs (what was decided when a frame was drawn) and revisions (what a verdict does to its annotation).

Promises: on the frame's partition number, keyed by the sample id. A design never changes and of several with one id the
first in the log counts; a drawn frame that could not be kept is here too, without an image but with its probability.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from shared.errors import InvalidMessage
from shared.streams.predictions import Prediction, Probability
from shared.streams.record import NewRecord, Record
from shared.streams.stream import Message, Stream, first_complaint
from shared.streams.verdicts import Verdict

Effect = Literal["verify", "remove", "flag", "flag_incomplete"]
"""What a verdict does to a pre-annotation: marks it verified, removes the box, keeps and flags it, flags the image."""


class Reason(BaseModel):
    """Why a sample was kept: the strategy, its score, and the rule in words."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    strategy: str
    rule: str = Field(description="for people: `a random check (1 in 500)`")
    score: float | None = Field(default=None, description="what the rule looked at, where it looks at a number")
    probability: Probability = Field(description="how likely this strategy was to draw this frame")


class BufferedImage(BaseModel):
    """Where a chosen image waits in the image buffer."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    key: str
    preview_key: str
    sidecar_key: str
    content_type: str
    sha256: str
    size: int


class _Sample(Message):
    """What designs and revisions share."""

    sample_id: str = Field(min_length=1)
    collection: str
    prediction_id: str
    prediction: Prediction
    destinations: tuple[str, ...]
    image: BufferedImage | None = None
    missing: str | None = Field(
        default=None, description="why there is no image: limit:NAME, expired, unreadable, no_space"
    )
    settings_version: str


class Design(_Sample):
    """What was decided when a frame was drawn."""

    kind: Literal["design"] = "design"
    reasons: tuple[Reason, ...] = Field(description="the strategies that drew it")
    probabilities: dict[str, Probability] = Field(description="of every strategy, whether it drew the frame or not")
    probability: Probability = Field(description="of their union: the inclusion probability")
    salt_fingerprint: str

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


Sample = Design | Revision
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
