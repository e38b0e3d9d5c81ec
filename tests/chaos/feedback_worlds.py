"""A world in which feedback runs alone, on one port through all its lives; and what it says of accuracy there."""

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import count
from typing import Any

import httpx

from deploy.native.ports import free_port
from shared.streams.predictions import prediction_id
from shared.streams.samples import new_sample
from tests.chaos.feedback_client import Application
from tests.e2e.world import World
from tests.unit.services.feedback.read_model.making import design_of

TIMEOUT_S = 3
SILENCE = {"hold": 1.0, "min_visible_ms": 0, "objection_s": 1, "grace_s": 0}
_ASKED = count()
DRAWN = 35
"""More than the fewest of which a figure is made."""


def prepared(world: World) -> World:
    world.values["feedback"] |= {"port": free_port(), "timeout_s": TIMEOUT_S, "max_per_s": 0, "silence": SILENCE}
    return world


def url_of(world: World) -> str:
    return f"http://127.0.0.1:{world.values['feedback']['port']}"


def start(world: World, step: str = "", nth: int = 1) -> None:
    world.start("feedback", step, nth, "feedback")
    world.feedback_url()


def drawn_and_judged(world: World, application: Application, numbers: Iterable[int] = range(DRAWN)) -> None:
    """Frames that were drawn at random and judged, every fifth of them wrong."""
    frames = {number: application.publish(f"{number}") for number in numbers}
    told = zip(world.raw("predictions"), world.records("predictions"), strict=True)
    named = {prediction_id(record, one): one for record, one in told}
    world.send(*(new_sample(design_of(named[one.prediction_id], one.prediction_id)) for one in frames.values()))
    for number, frame in frames.items():
        application.judge(frame, f"{number}", "confirmed" if number % 5 else "rejected")


def accuracy(url: str) -> dict[str, Any] | None:
    """What `GET /v1/accuracy` says, None while it says that it cannot; anything else fails."""
    since = datetime.fromtimestamp(
        next(_ASKED), UTC
    ).isoformat()  # another question each time: the last answer is kept a while
    answer = httpx.get(f"{url}/v1/accuracy", params={"since": since}, timeout=30)
    assert answer.status_code in (200, 404, 503), answer.text
    return dict(answer.json()) if answer.status_code == 200 else None


def error_rate(told: dict[str, Any] | None) -> dict[str, Any] | None:
    """The frame error rate of all sources, if one is told."""
    if told is None:
        return None
    for one in told["figures"]:
        if one["metric"] == "frame_error_rate" and one["source_id"] is None and one["day"] is None:
            return {name: one[name] for name in ("value", "low", "high", "verified", "frames", "refused")}
    return None
