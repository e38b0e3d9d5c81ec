"""GET /v1/predictions/{id}/image: the image that a prediction is about, with or without its boxes.

Promises: a browser takes it for an image and nothing else, whatever a camera sent; a link fetches its own prediction's alone.
"""

from typing import Annotated

from fastapi import Depends, FastAPI, Header, Query
from fastapi.responses import Response

from services.feedback.access.caller import Caller
from services.feedback.api.access import calling_for_image
from services.feedback.api.predictions import PredictionId
from services.feedback.api.problems import responses
from services.feedback.desk import Desk
from services.feedback.pictures import Look, Picture
from shared.imaging import JPEG, PNG, WEBP

MAX_AGE_S = 3_600
MAX_SIDE_PX = 8_192
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cache-Control": f"private, max-age={MAX_AGE_S}",
    "Vary": "Authorization, X-API-Key",
}
_CONTENT = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in (JPEG, PNG, WEBP)}


def add(app: FastAPI, desk: Desk) -> None:
    caller = calling_for_image(desk)

    @app.get(
        "/v1/predictions/{prediction_id}/image",
        summary="The image of a prediction",
        response_class=Response,
        responses={
            **responses(401, 403, 404, 410, 422, 429, 503),
            200: {"content": _CONTENT},
            304: {"description": "It is the one that If-None-Match names."},
        },
    )
    def get_image(
        caller: Annotated[Caller, Depends(caller)],
        prediction_id: PredictionId,
        boxes: Annotated[bool, Query(description="draw what the product shows, with class and confidence")] = False,
        weak: Annotated[bool, Query(description="with boxes: those below its threshold too, in dashes")] = False,
        max_side_px: Annotated[
            int | None, Query(ge=16, le=MAX_SIDE_PX, description="scale a larger image down to this longer side")
        ] = None,
        if_none_match: Annotated[str | None, Header(max_length=1_000)] = None,
    ) -> Response:
        """As the camera sent it while `frames` keeps it, then as its sample has it: the image, or its preview once the image
        was delivered. With `boxes` or a smaller side it is a JPEG. 410 when neither is there any more, and where the settings
        hide parts of images (`privacy`) for all that was not kept.
        """
        prediction = desk.lookup.prediction_for(caller, prediction_id)
        picture = desk.pictures.find(prediction)
        look = Look(boxes, weak, max_side_px)
        etag = _etag(picture, look)
        if _is_known(etag, if_none_match):
            return Response(status_code=304, headers={**HEADERS, "ETag": etag})
        rendered = desk.pictures.render(picture, prediction, look)
        return Response(rendered.data, media_type=rendered.content_type, headers={**HEADERS, "ETag": etag})


def _etag(picture: Picture, look: Look) -> str:
    """The hash of the image, and what is made of it."""
    return f'"{picture.sha256}{look.name and "-" + look.name}"'


def _is_known(etag: str, if_none_match: str | None) -> bool:
    given = [one.strip().removeprefix("W/") for one in (if_none_match or "").split(",")]
    return etag in given or "*" in given
