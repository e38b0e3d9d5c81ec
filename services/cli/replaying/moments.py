"""Moments as people write them: `2d`, `6h`, `30m` ago, or an ISO time. Pure."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from shared.errors import SettingsError

_AGO = re.compile(r"(\d+(?:\.\d+)?)\s*([dhms])")
_SECONDS = {"d": 86_400, "h": 3600, "m": 60, "s": 1}


def moment_ms(text: str, option: str, now_ms: int, timezone: str) -> int:
    """Milliseconds since 1970. A time without an offset is one of the settings' time zone. Raises SettingsError."""
    ago = _AGO.fullmatch(text.strip())
    if ago is not None:
        return now_ms - round(float(ago[1]) * _SECONDS[ago[2]] * 1000)
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise SettingsError(
            f"{option}: expected 2d, 6h, 30m or a time such as 2026-11-22T14:00, got {text!r}"
        ) from error
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=ZoneInfo(timezone))
    return round(aware.timestamp() * 1000)
