"""GET /v1/samples: what was drawn and kept, by filter, one by one, and counted; GET /v1/pipeline: how much flows.

Promises: a key with sources sees those alone; every answer says how current it is.
"""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, Path, Query
from fastapi.responses import Response
from pydantic import AwareDatetime, BeforeValidator, Field

from services.feedback.access.caller import Caller
from services.feedback.api.access import calling
from services.feedback.api.problems import responses
from services.feedback.desk import Desk
from services.feedback.read_model.answers import Pipeline, SampleCounts, SampleDetail, SamplePage, Upload
from services.feedback.read_model.filters import Filters
from services.feedback.refusals import NotFound

MOST_VALUES = 100
"""Of one filter."""
MOST_LIMIT = 200
MAX_CHARS = 4_096
CAUGHT_UP_S = 2.0
"""As long as `wait` waits."""


def _no_number(text: object) -> object:
    """A number could be seconds or milliseconds, and of another time by a thousand."""
    if isinstance(text, str) and not text[:5].endswith("-"):
        raise ValueError("expected a time as in RFC 3339, 2026-11-23T13:00:00Z")
    return text


Moment = Annotated[AwareDatetime, BeforeValidator(_no_number)]
Judged = Literal["confirmed", "rejected", "missed", "corrected", "unsure", "affirmed", "open", "unsearched"]
Name = Annotated[str, Field(min_length=1, max_length=MAX_CHARS)]
Sources = Annotated[list[Name], Query(max_length=MOST_VALUES, description="a camera, may be repeated")]
Since = Annotated[Moment | None, Query(description="from this log time on, RFC 3339 with its zone")]
Until = Annotated[Moment | None, Query(description="before this log time, RFC 3339 with its zone")]
CursorText = Annotated[str | None, Query(max_length=MAX_CHARS, description="`next` of the answer before")]
Limit = Annotated[int, Query(ge=1, le=MOST_LIMIT, description="at most so many")]
Wait = Annotated[bool, Query(description="first wait a moment, until all that the log has now is in the answer")]
SampleId = Annotated[str, Path(min_length=1, max_length=64)]


def add(app: FastAPI, desk: Desk) -> None:
    caller = calling(desk, "read")

    @app.get("/v1/samples", summary="Samples by filter", response_model=SamplePage, responses=LISTED)
    def get_samples(
        caller: Annotated[Caller, Depends(caller)],
        wanted: Annotated[Filters, Depends(filters)],
        order: Annotated[Literal["newest", "audit"], Query(description="audit: the order to review in")] = "newest",
        cursor: CursorText = None,
        limit: Limit = 50,
        wait: Wait = False,
    ) -> Response:
        """Several values of one filter widen it, several filters narrow it.

        The order `audit` is random and never changes: any first part of it is a random subset of the drawn frames, so what
        was reviewed in that order makes valid estimates. `verdict=open&image=true&order=audit` is a review inbox.
        """
        catch_up(desk, wait)
        return json_of(desk.model.samples(replace(wanted, sees=sees(caller)), order, cursor, limit))

    @app.get("/v1/samples/counts", summary="How many samples there are beside each filter's values", responses=LISTED)
    def get_counts(
        caller: Annotated[Caller, Depends(caller)],
        wanted: Annotated[Filters, Depends(filters)],
        wait: Wait = False,
    ) -> SampleCounts:
        """The same filters as for the list. A filter's own values are counted as if it were not set."""
        catch_up(desk, wait)
        return desk.model.counts(replace(wanted, sees=sees(caller)))

    @app.get(
        "/v1/samples/{sample_id}", summary="A sample and all that happened to it", responses=responses(404, *STATUSES)
    )
    def get_sample(caller: Annotated[Caller, Depends(caller)], sample_id: SampleId, wait: Wait = False) -> SampleDetail:
        """How it was drawn, every verdict on its frame (those that were superseded are marked), exposures, deliveries."""
        catch_up(desk, wait)
        found = desk.model.sample(sample_id, sees(caller))
        if found is None:
            raise NotFound("no sample of this id is known; it may take a moment until a new one is", "sample_id")
        return found

    @app.get("/v1/pipeline", summary="How much was seen, kept and sent", responses=responses(*STATUSES))
    def get_pipeline(caller: Annotated[Caller, Depends(caller)], wait: Wait = False) -> Pipeline:
        """Of all time; of the sources that the key sees. `passed_over` is of all sources."""
        catch_up(desk, wait)
        return desk.model.pipeline(sees(caller))


STATUSES = (401, 403, 422, 429, 503)
LISTED = responses(*STATUSES)


def filters(
    source: Sources = [],  # noqa: B006 (FastAPI copies it)
    class_name: Annotated[
        list[Name], Query(alias="class", max_length=MOST_VALUES, description="that the product showed in it")
    ] = [],  # noqa: B006
    strategy: Annotated[list[Name], Query(max_length=MOST_VALUES, description="that drew it")] = [],  # noqa: B006
    verdict: Annotated[
        list[Judged],
        Query(
            max_length=10,
            description="a kind that stands; open: nobody decided; unsearched: nobody looked for what was missed",
        ),
    ] = [],  # noqa: B006
    upload: Annotated[list[Upload], Query(max_length=10, description="how the worst of its deliveries stands")] = [],  # noqa: B006
    missing: Annotated[
        list[Name], Query(max_length=MOST_VALUES, description="why it has no image: limit:NAME, expired, …")
    ] = [],  # noqa: B006
    image: Annotated[bool | None, Query(description="only those with an image, or only those without")] = None,
    model_id: Annotated[str | None, Query(max_length=MAX_CHARS)] = None,
    model_version: Annotated[str | None, Query(max_length=MAX_CHARS)] = None,
    collection: Annotated[str | None, Query(max_length=MAX_CHARS)] = None,
    since: Since = None,
    until: Until = None,
) -> Filters:
    """The filters of a request."""
    return Filters(
        sources=tuple(source),
        classes=tuple(class_name),
        strategies=tuple(strategy),
        verdicts=tuple(verdict),
        uploads=tuple(upload),
        missing=tuple(missing),
        has_image=image,
        model_id=model_id,
        model_version=model_version,
        collection=collection,
        since_ms=milliseconds(since),
        until_ms=milliseconds(until),
    )


def milliseconds(moment: datetime | None) -> int | None:
    return None if moment is None else round(moment.timestamp() * 1000)


def sees(caller: Caller) -> Any:
    """None for a caller who sees every source: nothing has to be looked up then."""
    return caller.sees if caller.sources else None


def catch_up(desk: Desk, wait: bool) -> None:
    """An answer that is behind all the same says so: `as_of_ms`."""
    if wait:
        desk.model.caught_up(CAUGHT_UP_S)


def json_of(body: bytes | str) -> Response:
    return Response(body, media_type="application/json")
