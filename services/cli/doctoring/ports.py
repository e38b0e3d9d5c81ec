"""Ports: is there room for the services to listen, or do ours listen already?"""

from collections.abc import Iterator

from services.cli.doctoring.finding import Finding, ok, warning, wrong
from services.cli.surroundings import listening_fault
from services.feedback.config import FeedbackConfig
from shared.runtime.listening import cannot_listen
from shared.settings import Settings

TIMEOUT_S = 3.0
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def ports(settings: Settings) -> Iterator[Finding]:
    feedback, health = settings.read(FeedbackConfig).feedback, settings.common.health
    yield _look("feedback", feedback.host, feedback.port)
    if health.port:
        yield _look("health", health.host, health.port)
    else:
        yield ok("health's port", "none is wanted: `health: {port: 8081}` shows how a running gleaner does")
    if feedback.port and feedback.port == health.port:
        yield wrong("ports", f"feedback and health both want {health.port}", "give one of them another `port`")


def _look(service: str, host: str, port: int) -> Finding:
    name = f"{service}'s port"
    fault = listening_fault(host, port)
    if fault is None:
        return ok(name, f"{host}:{port} is free" if port else f"any free one of {host}")
    ready = _answer(host, port)
    if ready == "ready":
        return ok(name, f"a gleaner answers at {host}:{port}")
    if ready:
        return warning(name, f"a gleaner answers at {host}:{port} and is not ready: {ready}", "see what it waits for")
    return wrong(name, cannot_listen(service, host, port, fault), "nothing of it starts before that")


def _answer(host: str, port: int) -> str:
    """What the gleaner there says: `ready`, or what it waits for; empty when none of ours answers."""
    import httpx

    reached = _EVERYWHERE.get(host, host)
    url = f"http://[{reached}]:{port}" if ":" in reached else f"http://{reached}:{port}"
    try:
        alive = httpx.get(f"{url}/livez", timeout=TIMEOUT_S).json()
        if not isinstance(alive, dict) or "alive" not in alive:
            return ""
        ready = httpx.get(f"{url}/readyz", timeout=TIMEOUT_S)
        return "ready" if ready.is_success else ready.text[:200]
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return ""
