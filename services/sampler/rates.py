"""Rates: so many in a minute, an hour, a day, as settings write them: `300/day`. Pure."""

import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_serializer

PERIODS_S = {"minute": 60, "hour": 3600, "day": 86_400}
LEAST, MOST = 1e-6, 1e12
"""Of the number: what is counted stays exact in every store."""
_FORM = re.compile(r"\s*(\d+(?:\.\d+)?)\s*/\s*(minute|hour|day)\s*")


class Rates(BaseModel):
    """`many` in a `per`. Shown as it is written."""

    model_config = ConfigDict(frozen=True)

    many: float
    per: str

    @property
    def per_s(self) -> float:
        return self.many / PERIODS_S[self.per]

    @property
    def per_day(self) -> float:
        return self.per_s * PERIODS_S["day"]

    def __str__(self) -> str:
        return f"{self.many:g}/{self.per}"

    @model_serializer
    def _text(self) -> str:
        return str(self)


def _parsed(value: Any) -> Any:
    """`300/day` → Rates. Anything else is refused with what was expected."""
    if isinstance(value, Rates):
        return value
    match = _FORM.fullmatch(value) if isinstance(value, str) else None
    if match is None or not LEAST <= float(match[1]) <= MOST:
        raise ValueError(
            f"expected a number from {LEAST:g} to {MOST:g} per minute, hour or day, such as 300/day, got {str(value)[:40]!r}"
        )
    return Rates(many=float(match[1]), per=match[2])


Rate = Annotated[Rates, BeforeValidator(_parsed, json_schema_input_type=str)]
