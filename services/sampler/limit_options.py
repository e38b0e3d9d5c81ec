"""Limit options: a hard cap as settings write it, `{most: 1000, per: day}`. Pure.

Promises: also in the words of Roboflow's settings, `{type: daily, value: 10}`, which mean the same here but for their windows:
theirs are aligned in UTC, ours in the settings' time zone.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from services.sampler.rates import PERIODS_S
from shared.settings import Config, is_among

Per = Literal["minute", "hour", "day"]
_PERS = {"minutely": "minute", "hourly": "hour", "daily": "day"}
_UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
MOST = 2**53
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?B)\s*", re.IGNORECASE)


class Limit(Config):
    """What is drawn beyond it is published without its image, with its probability: it lowers the coverage."""

    most: int = Field(ge=1, description="samples per window; or bytes, such as 500MB")
    per: Per = Field(description="window, aligned in the settings' timezone, by log time")
    of: Literal["samples", "bytes"] = Field(default="samples", description="what is counted; a size counts bytes")
    each: Literal["source", "class"] | None = Field(
        default=None, description="a count of its own for each source, or for each class that the product shows"
    )
    sources: tuple[str, ...] | None = Field(
        default=None, min_length=1, description="only frames of these; * and ? allowed; default: of all"
    )
    classes: tuple[str, ...] | None = Field(
        default=None,
        min_length=1,
        description="only frames on which the product shows one of these; default: all frames",
    )

    @model_validator(mode="before")
    @classmethod
    def _as_people_write_it(cls, value: Any) -> Any:
        return _with_size(_from_roboflow(dict(value))) if isinstance(value, Mapping) else value

    @field_validator("most")
    @classmethod
    def _exact(cls, most: int) -> int:
        if most > MOST:
            raise ValueError(f"expected at most 2**53, which every store counts exactly, got {most}")
        return most

    @property
    def is_global(self) -> bool:
        """It counts all frames together. Of a collection's limits these alone may refuse what the floor drew."""
        return self.each is None and self.sources is None and self.classes is None

    @property
    def per_s(self) -> float:
        """The most that it lets through, on average."""
        return self.most / PERIODS_S[self.per]

    def admits(self, source_id: str) -> bool:
        """Whether it looks at frames of this source."""
        return self.sources is None or is_among(source_id, self.sources)


def samples_per_s(limits: Iterable[Limit]) -> float | None:
    """The most samples per second that these let through of all sources and classes together; None: any number."""
    return min((one.per_s for one in limits if one.is_global and one.of == "samples"), default=None)


def _from_roboflow(value: dict[str, Any]) -> dict[str, Any]:
    """`{type: daily, value: 10}` → `{most: 10, per: day}`."""
    if "type" not in value or "per" in value or "most" in value:
        return value
    kind = value.pop("type")
    if kind not in _PERS:
        raise ValueError(f"expected type {', '.join(_PERS)} (or most and per), got {str(kind)[:40]!r}")
    return {"per": _PERS[kind], **({"most": value.pop("value")} if "value" in value else {}), **value}


def _with_size(value: dict[str, Any]) -> dict[str, Any]:
    """`500MB` → 500000000, of bytes."""
    most = value.get("most")
    match = _SIZE.fullmatch(most) if isinstance(most, str) else None
    if match is None:
        return value
    if value.get("of", "bytes") != "bytes":
        raise ValueError(f"most: {most} is a size, so it counts bytes; expected `of: bytes` or a number of samples")
    return {**value, "most": round(float(match[1]) * _UNITS[match[2].upper()]), "of": "bytes"}
