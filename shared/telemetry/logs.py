"""Structured logs: event names with fields (`sample.kept`), one JSON object a line, or readable text on a terminal.

Promises: everything goes to stderr, so that a command's stdout stays its own; no environment, no secret is logged.
"""

import logging
import sys
from typing import Literal

import structlog


def configure(service: str, level: str = "INFO", form: Literal["json", "text"] | None = None) -> None:
    """Sets up structlog for this process. `form=None`: text on a terminal, JSON elsewhere."""
    readable = sys.stderr.isatty() if form is None else form == "text"
    renderer = structlog.dev.ConsoleRenderer() if readable else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([] if readable else [structlog.processors.format_exc_info]),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        # Looked up for each logger: whoever puts another stderr in its place gets what is logged from then on.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.bind_contextvars(service=service)


def get(**fields: object) -> structlog.typing.FilteringBoundLogger:
    """A logger with these fields in each of its lines. Lazy: it obeys the `configure` that comes after it."""
    if not structlog.is_configured():
        configure("gleaner")  # structlog's own default is stdout, which belongs to the command's result
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(**fields)
    return logger
