"""GET /v1/verdicts: what was said, also what was superseded; GET /v1/reviewers: by whom, and how they compare.

Promises: a key with sources sees those alone; every answer says how current it is.
"""

from typing import Annotated

from fastapi import Depends, FastAPI, Query
from fastapi.responses import Response

from services.feedback.access.caller import Caller
from services.feedback.api.access import calling
from services.feedback.api.problems import responses
from services.feedback.api.samples import (
    LISTED,
    MOST_VALUES,
    STATUSES,
    CursorText,
    Limit,
    Name,
    Since,
    Sources,
    Until,
    Wait,
    catch_up,
    json_of,
    milliseconds,
    sees,
)
from services.feedback.desk import Desk
from services.feedback.read_model.answers import Reviewers, VerdictPage
from services.feedback.read_model.history import VerdictFilters
from shared.streams.verdicts import VerdictKind


def add(app: FastAPI, desk: Desk) -> None:
    caller = calling(desk, "read")

    @app.get("/v1/verdicts", summary="What was said, the latest first", response_model=VerdictPage, responses=LISTED)
    def get_verdicts(
        caller: Annotated[Caller, Depends(caller)],
        wanted: Annotated[VerdictFilters, Depends(filters)],
        source: Sources = [],  # noqa: B006 (FastAPI copies it)
        cursor: CursorText = None,
        limit: Limit = 50,
        wait: Wait = False,
    ) -> Response:
        """Every verdict, also on frames that are no sample. `superseded`: a later one took its place."""
        catch_up(desk, wait)
        return json_of(desk.model.verdicts(wanted, tuple(source), sees(caller), cursor, limit).model_dump_json())

    @app.get("/v1/reviewers", summary="Who gave verdicts, and how they compare", responses=responses(*STATUSES))
    def get_reviewers(caller: Annotated[Caller, Depends(caller)], wait: Wait = False) -> Reviewers:
        """One who rejects everything stands out: compare `rejected_share` with `others_rejected_share`, and `agreed` with
        `compared`. The settings can exclude a reviewer: the verdicts stay in the history and count nowhere.
        """
        catch_up(desk, wait)
        return desk.model.reviewers(sees(caller))


def filters(
    reviewer: Annotated[
        list[Name], Query(max_length=MOST_VALUES, description="as the application calls them, or the API key's name")
    ] = [],  # noqa: B006
    kind: Annotated[list[VerdictKind], Query(max_length=10)] = [],  # noqa: B006
    prediction_id: Annotated[str | None, Query(max_length=64)] = None,
    since: Since = None,
    until: Until = None,
) -> VerdictFilters:
    """The filters of a request."""
    return VerdictFilters(
        people=tuple(reviewer),
        kinds=tuple(kind),
        prediction_id=prediction_id,
        since_ms=milliseconds(since),
        until_ms=milliseconds(until),
    )
