"""Feedback over HTTP: one file per thing that can be asked for.

Promises: every answer that is no success is {"error": {code, message, where}}; nothing is loaded from another host, not even
by the documentation page.
"""

from fastapi import FastAPI

from services.feedback.api import health, problems, verdicts
from services.feedback.desk import Desk

ABOUT = """What people say about predictions comes in here. Gleaner keeps each verdict in its log and makes the frame a
sample for the next training, or revises the sample that it is already."""
ROUTERS = (verdicts, health)


def create_app(desk: Desk) -> FastAPI:
    """The application; whoever makes it closes the desk."""
    app = FastAPI(title="Gleaner feedback", version="1", description=ABOUT, docs_url=None, redoc_url=None)
    for router in ROUTERS:
        router.add(app, desk)
    problems.add(app)
    return app
