"""The page `/sources` beside health and metrics: each camera's report, for `gleaner status` and whoever else looks.

Promises: it holds no credentials, as the reports hold none.
"""

from dataclasses import asdict

from services.sources.cameras.fleet import Fleet
from shared.runtime.health import Pages


def pages(cameras: Fleet) -> Pages:
    """What is served beside the health of whoever reads the cameras."""
    return {"/sources": lambda: [asdict(report) for report in cameras.reports()]}
