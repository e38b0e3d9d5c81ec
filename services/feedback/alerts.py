"""Alerts: is a rate certainly past the limit that somebody set? Pure, and what can be set of it.

Promises: an alert is about an interval's near end, never about its middle: few verdicts raise none. What is watched all the
time goes by the live bounds where there are some, so that looking often raises no false alarm (SCIENCE B.5).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from pydantic import Field, model_validator

from services.feedback.accuracy.figures import Figure
from shared.settings import Config

Watched = Literal["frame_error_rate", "frame_miss_rate", "precision", "object_recall"]
BAD_WHEN_HIGH = ("frame_error_rate", "frame_miss_rate")


class AlertOptions(Config):
    """One limit. It is passed when the whole interval lies beyond it."""

    rate: Watched = Field(description="which rate is watched")
    limit: float = Field(
        gt=0, lt=1, description="error and miss rates: an alert above it; precision and recall: below it"
    )
    source: str | None = Field(default=None, description="one source, * and ? allowed; default: all of them together")
    class_name: str | None = Field(default=None, description="with `precision`: one class; default: all together")

    @model_validator(mode="after")
    def _has_such_a_figure(self) -> "AlertOptions":
        if self.class_name is not None and self.rate != "precision":
            raise ValueError(f"class_name: only precision is known per class, this one watches {self.rate}")
        if self.class_name is not None and self.source is not None:
            raise ValueError(
                "expected a source or a class_name: precision of a class is known for all sources together"
            )
        return self


class AccuracyOptions(Config):
    """The settings under `feedback.accuracy`."""

    exclude_reviewers: tuple[str, ...] = Field(
        default=(), description="reviewers, or names of API keys, whose verdicts enter no estimate"
    )
    alerts: tuple[AlertOptions, ...] = Field(default=(), description="limits that are watched")
    every_s: float = Field(default=60.0, ge=1, le=86_400, description="how often they are looked at, in seconds")


@dataclass(frozen=True, slots=True)
class Alert:
    """A limit that is passed, and by what."""

    options: AlertOptions
    figure: Figure


def passed(figures: Sequence[Figure], options: Iterable[AlertOptions]) -> list[Alert]:
    """Of one model version's figures."""
    return [Alert(one, figure) for one in options for figure in _meant(figures, one) if _is_beyond(figure, one)]


def _meant(figures: Sequence[Figure], options: AlertOptions) -> Iterator[Figure]:
    """The live figure where there is one: those of a closed window are not made for being looked at all the time."""
    live = options.rate == "frame_error_rate" and options.source is None
    wanted = "live_frame_error_rate" if live else options.rate
    for figure in figures:
        same = figure.metric == wanted and figure.class_name == options.class_name and figure.day is None
        if same and _is_of(figure.source_id, options.source):
            yield figure


def _is_of(source_id: str | None, wanted: str | None) -> bool:
    if source_id is None or wanted is None:
        return source_id is wanted
    return fnmatchcase(source_id, wanted)


def _is_beyond(figure: Figure, options: AlertOptions) -> bool:
    if figure.low is None or figure.high is None:
        return False
    return figure.low > options.limit if options.rate in BAD_WHEN_HIGH else figure.high < options.limit
