"""What an address asks for (`?model_id=…`): nothing but what the route documents.

Promises: a misspelt filter is an error, never an answer about everything; one that stands twice where it counts once, too.
"""

from collections import Counter

from fastapi import Request

from services.feedback.refusals import InvalidRequest


def check_query(request: Request) -> None:
    """Raises InvalidRequest with the first parameter that the route does not know, or knows once alone."""
    if not request.scope["query_string"]:
        return
    known = _documented(request)
    for name, times in Counter(name for name, _ in request.query_params.multi_items()).items():
        if name not in known:
            expected = f"expected {', '.join(sorted(known))}" if known else "expected none"
            raise InvalidRequest(f"query: {expected}, got {name[:80]!r}", name[:80])
        if times > 1 and not known[name]:
            raise InvalidRequest(f"{name}: expected it once, got it {times} times", name)


def _documented(request: Request) -> dict[str, bool]:
    """Each by its name, and whether it may be repeated."""
    paths = request.app.openapi()["paths"]  # made once, then remembered
    operation = paths[request.scope["route"].path][request.method.lower()]
    told = operation.get("parameters", ())
    return {one["name"]: one["schema"].get("type") == "array" for one in told if one["in"] == "query"}
