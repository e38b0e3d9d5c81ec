"""An exposure as an application sends it: the body of POST /v1/exposures.

Promises: strict, like a verdict's; two bodies with the same content have the same fingerprint.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ConfigDict, Field, ValidationError, field_validator

from services.feedback.idempotency import KEY, WithKey, identity, key_taken_from, placed
from services.feedback.refusals import InvalidRequest
from services.feedback.verdicts.bulk import MOST, listed
from services.feedback.verdicts.request import PredictionIdField, invalid, strict_json
from shared.settings import Config
from shared.streams import ids

LONGEST_MS = 86_400_000
EXAMPLES: dict[str, dict[str, Any]] = {
    "seen": {"prediction_id": "0-4711-1f0a9c3e", "surface": "door-app", "visible_ms": 4200},
    "seen, and acted on": {
        "prediction_id": "0-4711-1f0a9c3e",
        "surface": "pill-counter",
        "visible_ms": 2600,
        "shown_at": "2026-11-22T08:15:30.250Z",
        "viewer": "station-3",
        "acted_downstream": True,
    },
}
BULK_EXAMPLES: dict[str, dict[str, Any]] = {
    "two": {"exposures": [EXAMPLES["seen"], {**EXAMPLES["seen, and acted on"], KEY: "page-view-17"}]}
}


class ExposureRequest(Config):
    """Somebody was shown a prediction."""

    model_config = ConfigDict(strict=True)

    prediction_id: PredictionIdField
    surface: str = Field(default="", max_length=200, description="where: the application, the page, the display")
    visible_ms: int = Field(ge=0, le=LONGEST_MS, description="how long it was really visible, milliseconds")
    shown_at: str | None = Field(
        default=None,
        max_length=64,
        description="when, by your clock, RFC 3339; for people",
        json_schema_extra={"format": "date-time"},
    )
    viewer: str | None = Field(
        default=None, max_length=200, description="who, as your application calls them: a pseudonym"
    )
    acted_downstream: bool | None = Field(default=None, description="whether your application acted on the prediction")

    @field_validator("shown_at")
    @classmethod
    def _a_time(cls, shown_at: str | None) -> str | None:
        if shown_at is not None and datetime.fromisoformat(shown_at).tzinfo is None:
            raise ValueError("expected a time with its zone, 2026-11-22T08:15:30Z")
        return shown_at

    @property
    def fingerprint(self) -> str:
        """The same for the same content."""
        return ids.make_id("exposure body", self.model_dump_json())


class KeyedExposure(ExposureRequest, WithKey):
    """An exposure, with a key of its own."""


class BulkRequest(Config):
    """Exposures, in the order in which they were given."""

    exposures: tuple[KeyedExposure, ...] = Field(min_length=1, max_length=MOST)


@dataclass(frozen=True, slots=True)
class Told:
    """One exposure as a caller tells it. Without a `key`, its content is the key."""

    request: ExposureRequest
    key: str | None = None

    @property
    def identity(self) -> str:
        """What its id is made of, beside the caller."""
        return identity(self.key, self.request.fingerprint)


def parse(body: bytes) -> ExposureRequest:
    """Raises InvalidRequest with the first field that is wrong."""
    return _validated(strict_json(body))


def parse_bulk(body: bytes) -> list[Told | InvalidRequest]:
    """Each exposure, or what is wrong with it. Raises InvalidRequest for what is no list of exposures."""
    return [_told(f"exposures.{number}", exposure) for number, exposure in enumerate(listed(body, "exposures"))]


def _told(where: str, exposure: object) -> Told | InvalidRequest:
    try:
        key = key_taken_from(exposure) if isinstance(exposure, dict) else None
        return Told(_validated(exposure), key)
    except InvalidRequest as error:
        return placed(error, where)


def _validated(exposure: object) -> ExposureRequest:
    try:
        return ExposureRequest.model_validate(exposure)
    except ValidationError as error:
        raise invalid(error) from error
