"""What an address asks for (`?model_id=…`): nothing but what the route documents.

Promises: a misspelt filter is an error, never an answer about everything.
"""

from fastapi import Request

from services.feedback.refusals import InvalidRequest


def check_query(request: Request) -> None:
    """Raises InvalidRequest with the first parameter that the route does not know."""
    if not request.scope["query_string"]:
        return
    known = _documented(request)
    for name in request.query_params:
        if name not in known:
            expected = f"expected {', '.join(sorted(known))}" if known else "expected none"
            raise InvalidRequest(f"query: {expected}, got {name[:80]!r}", name[:80])


def _documented(request: Request) -> set[str]:
    paths = request.app.openapi()["paths"]  # made once, then remembered
    operation = paths[request.scope["route"].path][request.method.lower()]
    return {one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"}
