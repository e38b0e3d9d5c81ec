"""A stream's retention in words."""

from shared.streams.stream import DAY_S, HOUR_S, Stream


def retention(stream: Stream) -> str:
    """`kept 6 h and at most 8.6 GB per partition`."""
    if stream.compacted:
        return "compacted: the last record of a key is kept for ever"
    most = f" and at most {stream.retention_bytes / 1e9:.1f} GB per partition" if stream.retention_bytes else ""
    return f"kept {_duration(stream.retention_s)}{most}"


def _duration(seconds: int | None) -> str:
    if seconds is None:
        return "for ever"
    return f"{seconds // DAY_S} days" if seconds % DAY_S == 0 else f"{seconds / HOUR_S:g} h"
