"""Whether feedback lives and is ready, its metrics, and its documentation page."""

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from services.feedback.api import docs_page
from services.feedback.api.problems import responses
from services.feedback.desk import Desk


def add(app: FastAPI, desk: Desk) -> None:
    feedback = desk.feedback

    @app.get("/livez", summary="Does the process run?")
    async def livez() -> dict[str, bool]:
        """Asks no other system: an outage of the log must not restart this service."""
        return {"alive": True}

    @app.get("/readyz", summary="Do log and state store answer?", responses=responses(503))
    def readyz() -> dict[str, bool]:
        """Bounded in time; 503 says which of them is waited for."""
        feedback.ready()
        return {"ready": True}

    @app.get("/metrics", summary="Metrics, as Prometheus reads them", response_class=PlainTextResponse)
    async def metrics() -> Response:  # needs no thread: all of them may be waiting for a log that is down
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    @app.get("/docs", include_in_schema=False)
    def docs() -> Response:
        return HTMLResponse(docs_page.render(app.openapi()), headers=docs_page.HEADERS)
