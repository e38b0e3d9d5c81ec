"""Gleaner's client: `Gleaner(url, key).publish(image, source_id="door", predictions=results)`, and what people say of it.

Promises: never blocks the caller's loop longer than it was told; what it cannot send it keeps and tries again, within a
bound in bytes, and what it has to drop it counts. Needs httpx; numpy, OpenCV, Pillow, Ultralytics and supervision are used
where an application brings them, and imported nowhere else.
"""

from gleaner.client import Gleaner
from gleaner.errors import Dropped, GleanerError, Refused, Unavailable, Unsupported
from gleaner.published import Ids, Published
from gleaner.stats import Stats

__all__ = ["Dropped", "Gleaner", "GleanerError", "Ids", "Published", "Refused", "Stats", "Unavailable", "Unsupported"]
