"""What the read model answers, as the API shows it: samples, verdicts, people, the flow.

Promises: times are log times in UTC milliseconds unless a field says otherwise.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.feedback.recent.view import EXAMPLE as PREDICTION
from services.feedback.recent.view import ShownPrediction
from shared.streams.predictions import Box
from shared.streams.samples import BufferedImage, Reason
from shared.streams.verdicts import Label

SAMPLE: dict[str, Any] = {
    "sample_id": "0f0c5f4a7d2e4b7c9a1b3c5d7e9f1a2b",
    "kind": "design",
    "collection": "default",
    "prediction": PREDICTION,
    "reasons": [{"strategy": "random", "rule": "a random check (1 in 500)", "probability": 0.002}],
    "probability": 0.0317,
    "floor_probability": 0.002,
    "audit": 0.4127,
    "image": None,
    "missing": "limit:day",
    "verdicts": [],
    "open": True,
    "upload": "none",
}

Kind = Literal["design", "neighbour", "revision"]
Upload = Literal["none", "pending", "sent", "uncertain", "dead_lettered", "evicted", "withdrawn"]


class Rebuilding(BaseModel):
    """The read model is being built: answers hold only what it has read so far."""

    done: int = Field(description="records read")
    total: int = Field(description="of so many")


class Answer(BaseModel):
    """How current an answer is."""

    model_config = ConfigDict(protected_namespaces=())

    as_of_ms: int | None = Field(
        default=None, description="all that was written until then is in it, UTC milliseconds; null: not known yet"
    )
    rebuilding: Rebuilding | None = Field(default=None, description="set while the answer does not hold all there is")


class Sample(BaseModel):
    """A frame that was drawn, kept beside one, or that a verdict asks for."""

    model_config = ConfigDict(json_schema_extra={"examples": [SAMPLE]})

    sample_id: str
    kind: Kind = Field(
        description="design: it was drawn; neighbour: kept beside one; revision: only verdicts ask for it"
    )
    collection: str
    prediction: ShownPrediction
    reasons: tuple[Reason, ...] = Field(description="the strategies that drew it, and the rule in words")
    probability: float | None = Field(description="how likely it was to be drawn; null: nobody drew it")
    floor_probability: float | None = Field(description="by the random floor alone")
    audit: float | None = Field(description="its place in the order of review, in [0, 1)")
    image: BufferedImage | None = Field(description="where its image was put; it may have left since")
    missing: str | None = Field(description="why there is none: limit:NAME, expired, unreadable, no_space, withheld")
    verdicts: tuple[str, ...] = Field(description="kinds of the verdicts that stand")
    open: bool = Field(description="nobody has decided yet whether the frame is right")
    upload: Upload = Field(description="of all its deliveries, how the worst stands")
    tags: tuple[str, ...] = ()


class SamplePage(Answer):
    """Samples in the order that was asked for."""

    samples: list[Sample]
    next: str | None = Field(description="send it as `cursor` for the next page; null: this was the last")


class Value(BaseModel):
    """A value of a filter."""

    value: str
    samples: int = Field(description="that there would be if this value were chosen")


class VersionValue(BaseModel):
    """A model version."""

    model_config = ConfigDict(protected_namespaces=())

    model_id: str
    model_version: str
    samples: int


class SampleCounts(Answer):
    """Beside each value of each filter, how many samples there are. A filter's own values are counted as if it were not set."""

    total: int = Field(description="samples that pass all filters")
    collections: list[Value]
    sources: list[Value]
    models: list[VersionValue]
    classes: list[Value] = Field(description="that the product showed")
    strategies: list[Value]
    verdicts: list[Value] = Field(description="kinds of those that stand, and `open`")
    uploads: list[Value]
    missing: list[Value] = Field(description="why there is no image")


class VerdictTold(BaseModel):
    """A verdict, as it was given, and what became of it."""

    model_config = ConfigDict(protected_namespaces=())

    verdict_id: str
    time_ms: int
    prediction_id: str
    frame_id: str
    source_id: str
    model_id: str
    model_version: str
    kind: str
    reason: str | None = None
    detection_index: int | None = None
    boxes: tuple[Box, ...] = ()
    label: Label | None = None
    labels: tuple[Label, ...] | None = None
    exhaustive: bool = False
    caller: str
    reviewer: str | None = None
    note: str | None = None
    judged_at: str = Field(description="RFC 3339, by the clock of the service")
    superseded: bool = Field(description="a later verdict took its place; the history keeps it")
    excluded: bool = Field(description="its reviewer is excluded by the settings: it counts nowhere")
    effect: str | None = Field(
        default=None, description="what it did to the sample's annotation; null: nothing, or not yet"
    )


class VerdictPage(Answer):
    """The latest first."""

    verdicts: list[VerdictTold]
    next: str | None = Field(description="send it as `cursor` for the next page; null: this was the last")


class ExposureTold(BaseModel):
    """That somebody was shown the prediction."""

    exposure_id: str
    time_ms: int
    surface: str
    visible_ms: int
    viewer: str | None = None
    held: bool = Field(description="its silence would count")


class Delivery(BaseModel):
    """What came of sending the sample, or a revision of it, to a destination."""

    destination: str
    revision: str = Field(description="the verdict's id; empty for the sample itself")
    state: str = Field(description="pending, sent, missing, uncertain, dead_lettered, evicted, withdrawn")
    outcome: str | None = Field(description="of the receipt")
    host_id: str | None = Field(description="the destination's own id of the image")
    detail: str | None
    attempts: int | None
    delivered_at: str | None


class Decided(BaseModel):
    """How the draw was decided."""

    probabilities: dict[str, float] = Field(description="of every strategy, whether it drew the frame or not")
    scores: dict[str, float]
    gate: str | None = Field(description="near_duplicate or quality: informative strategies could not draw it")
    settings_version: str


class SampleDetail(Decided, Answer):
    """A sample and all that happened to it."""

    sample: Sample
    history: list[VerdictTold] = Field(description="all verdicts on the frame by this model, the first one first")
    exposures: list[ExposureTold]
    uploads: list[Delivery]


class Reviewer(BaseModel):
    """What one person said. `others`: what all others did."""

    reviewer: str = Field(description="as the application calls them, or the API key's name")
    verdicts: int
    by_kind: dict[str, int]
    rejected_share: float | None = Field(description="of all that was decided, 0..1; null: nothing was")
    others_rejected_share: float | None
    compared: int = Field(description="of the verdicts, those after which another person judged the same")
    agreed: int = Field(description="of these, how many said the same")
    first_ms: int
    last_ms: int
    excluded: bool


class Reviewers(Answer):
    """Those with the most verdicts first."""

    reviewers: list[Reviewer]


class Ledger(BaseModel):
    """Where every delivery is that samples named: accepted is the sum of the others. Uncertain ones are acknowledged."""

    accepted: int
    acknowledged: int
    pending: int
    dead_lettered: int
    evicted: int
    missing: int
    withdrawn: int
    balanced: bool


class Pipeline(Answer):
    """How much came in, was kept, and was sent, since the streams began."""

    frames: int = Field(description="predicted, each once; as far as tallies tell")
    frames_without: int = Field(description="without a detection that the product shows")
    drawn: int
    kept: int = Field(description="drawn, and with an image")
    kept_bytes: int
    missing: dict[str, int] = Field(description="drawn, and why without an image")
    neighbours: int = Field(description="kept beside a drawn one")
    judged_only: int = Field(description="samples that nobody drew, made by a verdict")
    uploads: dict[str, int] = Field(description="samples by the state of their deliveries")
    sent_bytes: int = Field(description="images of samples all of whose deliveries were acknowledged")
    pending_bytes: int
    ledger: Ledger
    passed_over: int = Field(description="records of the streams that make no sense")
