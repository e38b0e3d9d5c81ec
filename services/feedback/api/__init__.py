"""Feedback over HTTP: one file per thing that can be asked for.

Promises: every answer that is no success is {"error": {code, message, where}}; nothing is loaded from another host, not even
by the documentation page.
"""

from fastapi import FastAPI

from services.feedback.api import (
    accuracy,
    cors,
    exposures,
    frames,
    health,
    history,
    images,
    links,
    predictions,
    problems,
    samples,
    verdicts,
    web,
)
from services.feedback.desk import Desk

ABOUT = """What people say about predictions comes in here, and what an application's users were shown. Gleaner keeps
each verdict in its log and makes the frame a sample for the next training, or revises the sample that it is already.
Verdicts on frames that were drawn at random tell how good the model is in production."""
ROUTERS = (verdicts, exposures, frames, links, predictions, images, samples, history, accuracy, web, health)


def create_app(desk: Desk) -> FastAPI:
    """The application; whoever makes it closes the desk."""
    app = FastAPI(title="Gleaner feedback", version="1", description=ABOUT, docs_url=None, redoc_url=None)
    for router in ROUTERS:
        router.add(app, desk)
    problems.add(app)
    cors.add(app, desk)
    return app
