"""Content: a report as plain values; its JSON is the file beside the page, which the next report is compared with.

Promises: a figure has numbers or `refused`, never both. Times are RFC 3339 in the report's time zone.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Part(BaseModel):
    """Unknown fields are passed over: an older program reads a newer report."""

    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=())


class ModelVersion(Part):
    model_id: str
    model_version: str

    def __str__(self) -> str:
        return f"{self.model_id} {self.model_version}".strip()


class Told(Part):
    """A rate with its 95 % interval, or why there is none. `says`: in a sentence."""

    metric: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    method: str | None = None
    refused: str | None = None
    says: str
    verified: int = Field(default=0, description="judged frames (of precision: boxes) that it was made from")
    on_floor: int = Field(default=0, description="random checks among them")
    frames: int = Field(default=0, description="all frames of the slice, drawn or not")
    coverage: float = 1.0
    open: int = 0
    missing: int = 0
    source_id: str | None = None
    class_name: str | None = None


class Period(Part):
    """The frame error rate of some days, [since, until] as dates."""

    since: str
    until: str
    rate: Told


class VersionTold(Part):
    """A model version in the window: its frames and its figures."""

    version: ModelVersion
    frames: int
    figures: tuple[Told, ...]

    def figure(self, metric: str) -> Told | None:
        return next((one for one in self.figures if one.metric == metric), None)


class Compared(Part):
    """Two versions on the frames that both were judged on; above 0: the second is better."""

    first: ModelVersion
    second: ModelVersion
    value: float | None = None
    low: float | None = None
    high: float | None = None
    refused: str | None = None
    says: str


class Flow(Part):
    """What came in, was chosen and was sent, of the window's frames."""

    frames: int = 0
    frames_without: int = Field(default=0, description="without a detection that the product shows")
    drawn: int = 0
    kept: int = Field(default=0, description="images: drawn, kept beside a drawn one, or asked for by a verdict")
    kept_bytes: int = 0
    sent: int = Field(default=0, description="of them, all of whose deliveries were acknowledged")
    sent_bytes: int = 0
    pending: int = 0
    missing: dict[str, int] = Field(default={}, description="drawn, and why without an image")
    strategies: dict[str, int] = Field(default={}, description="drawn frames by the strategies that drew them")


class Cost(Part):
    """What labelling the kept images takes, and what labelling all frames would have taken."""

    images: int
    seconds_per_image: float
    hours: float
    price: float
    currency: str
    hours_of_all: float


class Silence(Part):
    """Of the version, since its first frame. `wrong`: how often those are wrong that nobody rejected, by audit."""

    shown: int = Field(description="predictions that people saw long enough, with the time for objections over")
    objected: int
    affirmed: int = Field(description="held ones that nobody objected to: labels with a weight, never truth")
    judged: int = Field(default=0, description="frames that people judged, which should be at least half as many")
    wrong: Told | None = None


class Reviewer(Part):
    reviewer: str
    verdicts: int
    rejected_share: float | None = None
    compared: int = 0
    agreed: int = 0
    excluded: bool = False


class Row(Part):
    """A figure beside the last report's."""

    name: str
    now: str
    before: str


class Changes(Part):
    """Since the last report."""

    since: str
    rows: tuple[Row, ...] = ()
    new: dict[str, tuple[str, ...]] = Field(default={}, description="sources, classes, versions that came")
    gone: dict[str, tuple[str, ...]] = {}


class Report(Part):
    format: Literal[1] = 1
    made_at: str
    since: str
    until: str
    timezone: str
    collection: str
    of: ModelVersion | None = Field(default=None, description="the version that the figures are about")
    headline: str
    before: str | None = Field(default=None, description="the same of as long a time before")
    notices: tuple[str, ...] = ()
    alerts: tuple[str, ...] = ()
    flow: Flow
    cost: Cost
    changes: Changes | None = None
    figures: tuple[Told, ...] = ()
    trend: tuple[Period, ...] = ()
    versions: tuple[VersionTold, ...] = ()
    comparisons: tuple[Compared, ...] = ()
    silence: Silence | None = None
    reviewers: tuple[Reviewer, ...] = ()
    says_not: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()

    def figure(self, metric: str) -> Told | None:
        """Of all sources and classes."""
        return next(
            (one for one in self.figures if one.metric == metric and one.source_id is None and one.class_name is None),
            None,
        )
