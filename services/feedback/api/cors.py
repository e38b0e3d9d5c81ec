"""Which pages of other sites may ask from a browser, and how many requests are in work at once: what stands before all routes.

Promises: no cookie and no other credential of a browser is ever looked at, so a page can do no more than the key or link that
it was given. Caches keep the answers for different origins apart.
"""

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from services.feedback.api.in_flight import InFlight
from services.feedback.desk import Desk

PREFLIGHT_S = 600
HEADERS = ("Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID", "X-API-Key")


def add(app: FastAPI, desk: Desk) -> None:
    """After all routers: what is added last stands outermost, so that also a refusal is readable by the page."""
    options = desk.config.feedback
    app.add_middleware(InFlight, most=options.max_in_flight)
    if options.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=options.origins,
            allow_methods=("GET", "POST"),
            allow_headers=HEADERS,
            expose_headers=("Retry-After", "ETag"),
            allow_credentials=False,
            max_age=PREFLIGHT_S,
        )
